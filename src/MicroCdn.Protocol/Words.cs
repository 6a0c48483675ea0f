using System.Buffers.Text;

namespace MicroCdn.Protocol;

/// <summary>Walks over the words of one line; words are separated by one or more spaces.</summary>
public ref struct Words(ReadOnlySpan<byte> line)
{
    private ReadOnlySpan<byte> _rest = line;

    /// <summary>What follows the words taken so far, without the spaces around it.</summary>
    public readonly ReadOnlySpan<byte> Rest => _rest.Trim((byte)' ');

    /// <summary>True when no word is left.</summary>
    public readonly bool AtEnd => Rest.IsEmpty;

    /// <summary>Takes the next word; false at the end.</summary>
    public bool Next(out ReadOnlySpan<byte> word)
    {
        _rest = _rest.TrimStart((byte)' ');
        int space = _rest.IndexOf((byte)' ');
        word = space < 0 ? _rest : _rest[..space];
        _rest = space < 0 ? [] : _rest[space..];
        return !word.IsEmpty;
    }

    /// <summary>Takes the last word; what is left before it may hold spaces.</summary>
    public bool Last(out ReadOnlySpan<byte> word)
    {
        _rest = Rest;
        int space = _rest.LastIndexOf((byte)' ');
        word = _rest[(space + 1)..];
        _rest = space < 0 ? [] : _rest[..space];
        return !word.IsEmpty;
    }

    /// <summary>Takes the next word when it is <c>key=value</c>; false at the end, and for another word, which
    /// stays.</summary>
    public bool NextPair(out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value)
    {
        Words before = this;
        Next(out ReadOnlySpan<byte> word);
        int equals = word.IndexOf((byte)'=');
        key = equals > 0 ? word[..equals] : [];
        value = equals > 0 ? word[(equals + 1)..] : [];
        if (equals <= 0) this = before;
        return equals > 0;
    }

    /// <summary>Passes over <c>key=value</c> words that nobody here knows; false when another word is left.</summary>
    public bool OnlyUnknownPairs()
    {
        while (NextPair(out _, out _))
        {
            // Unknown keys are ignored: a later version may say more.
        }
        return AtEnd;
    }

    /// <summary>Takes a number of 0 or more, in decimal digits alone, that fits 63 bits.</summary>
    public bool NextNumber(out long value) => Next(out ReadOnlySpan<byte> word) & IsNumber(word, out value);

    /// <summary>Takes a port, 1 to 65,535.</summary>
    public bool NextPort(out int port)
    {
        bool valid = NextNumber(out long value) & value is > 0 and <= ushort.MaxValue;
        port = valid ? (int)value : 0;
        return valid;
    }

    /// <summary>Takes a load or a count, 0 to 2^31 - 1.</summary>
    public bool NextCount(out int count)
    {
        bool valid = NextNumber(out long value) & value <= int.MaxValue;
        count = valid ? (int)value : 0;
        return valid;
    }

    /// <summary>True when the word is a number by the rule of <see cref="NextNumber"/>.</summary>
    public static bool IsNumber(ReadOnlySpan<byte> word, out long value)
    {
        bool valid = Utf8Parser.TryParse(word, out value, out int used) && used == word.Length && value >= 0
            && word[0] is not ((byte)'-' or (byte)'+');
        if (!valid) value = 0;
        return valid;
    }
}
