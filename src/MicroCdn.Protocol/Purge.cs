using System.Buffers;
using System.Text;

namespace MicroCdn.Protocol;

/// <summary>What a purge names.</summary>
public enum PurgeKind
{
    /// <summary>One URL, with all its variants and parts.</summary>
    Url,

    /// <summary>Every URL that begins so.</summary>
    Prefix,

    /// <summary>Every copy that carries a tag.</summary>
    Tag,

    /// <summary>Everything.</summary>
    All,
}

/// <summary><c>hard|soft url|prefix|tag|all [value]</c>: copies that are to be used no more, in the words of an
/// operator.</summary>
/// <param name="Kind">Which ones.</param>
/// <param name="Value">A URL or path, or what one begins with; or the tag; empty for all.</param>
/// <param name="IsSoft">True when they are only stale from now on.</param>
public sealed record Purge(PurgeKind Kind, string Value, bool IsSoft)
{
    private const string Hard = "hard", Soft = "soft";
    private static readonly string[] Kinds = ["url", "prefix", "tag", "all"];

    /// <summary>What it names, as one word.</summary>
    public string KindWord => Kinds[(int)Kind];

    /// <summary>Makes a purge of what somebody wrote; null, and why, when it names nothing.</summary>
    public static Purge? Of(PurgeKind kind, string value, bool isSoft, out string wrong)
    {
        bool isUrl = kind is PurgeKind.Url or PurgeKind.Prefix;
        wrong = Encoding.UTF8.GetByteCount(value) > Limits.PurgeBytes ? $"it is longer than {Limits.PurgeBytes} bytes"
            : (kind == PurgeKind.All) != (value.Length == 0) ? "nothing is named"
            : isUrl && !IsPlace(value) ? "it is neither a path that begins with '/' nor an http or https URL" : "";
        return wrong.Length == 0 ? new Purge(kind, value, isSoft) : null;
    }

    /// <summary>Reads it from the words of a line; null when they are none.</summary>
    public static Purge? Read(Words words)
    {
        if (!words.Next(out var hardness) || !words.Next(out var kindWord)) return null;
        bool isSoft = hardness.SequenceEqual("soft"u8);
        int kind = Array.IndexOf(Kinds, Encoding.UTF8.GetString(kindWord));
        if ((!isSoft && !hardness.SequenceEqual("hard"u8)) || kind < 0) return null;
        ReadOnlySpan<byte> value = default;
        if ((PurgeKind)kind != PurgeKind.All && !words.Next(out value)) return null;
        byte[] decoded = new byte[value.Length];
        string text = Encoding.UTF8.GetString(decoded.AsSpan(0, PercentText.Decode(value, decoded)));
        return words.OnlyUnknownPairs() ? Of((PurgeKind)kind, text, isSoft, out _) : null;
    }

    /// <summary>Appends the words.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        output.WriteText($"{(IsSoft ? Soft : Hard)} {KindWord}");
        if (Kind == PurgeKind.All) return;
        output.Write(" "u8);
        PercentText.Encode(Encoding.UTF8.GetBytes(Value), output);
    }

    /// <summary>It for people.</summary>
    public override string ToString() => Kind == PurgeKind.All ? "everything" : $"{KindWord} {Value}";

    private static bool IsPlace(string value) => value.StartsWith('/')
        || value.StartsWith("http://", StringComparison.OrdinalIgnoreCase)
        || value.StartsWith("https://", StringComparison.OrdinalIgnoreCase);
}

/// <summary><c>PURGES server_id epoch number</c>: a content server says what it has applied, and asks for what came
/// after it.</summary>
public readonly ref struct PurgesQuestion
{
    /// <summary>The server's id.</summary>
    public ReadOnlySpan<byte> Id { get; private init; }

    /// <summary>Which log the number is of; 0 when it knows none.</summary>
    public ulong Epoch { get; private init; }

    /// <summary>The last purge that it applied.</summary>
    public long Number { get; private init; }

    /// <summary>Reads the words after the verb.</summary>
    public static bool TryParse(Words words, out PurgesQuestion message)
    {
        bool valid = words.Next(out var id) && ServerId.IsValid(id);
        ulong epoch = 0;
        long number = 0;
        valid = valid && words.Next(out var word) && Nonces.TryParse(word, out epoch) && words.NextNumber(out number)
            && words.OnlyUnknownPairs();
        message = new PurgesQuestion { Id = id, Epoch = epoch, Number = number };
        return valid;
    }
}

/// <summary>One line of the answer to PURGES.</summary>
/// <param name="Purge">A purge; null for the last line.</param>
/// <param name="Epoch">In the last line, which log it is.</param>
/// <param name="Number">The purge's number, or that of the last one.</param>
public readonly record struct PurgesLine(Purge? Purge, ulong Epoch, long Number)
{
    /// <summary>Reads <c>PURGE number ...</c> or <c>END epoch number</c>.</summary>
    public static bool TryParse(ReadOnlySpan<byte> line, out PurgesLine message)
    {
        Words words = new(line);
        message = default;
        if (!words.Next(out var verb)) return false;
        if (verb.SequenceEqual("PURGE"u8))
        {
            if (!words.NextNumber(out long number) || Purge.Read(words) is not { } purge) return false;
            message = new PurgesLine(purge, 0, number);
            return true;
        }
        if (!verb.SequenceEqual("END"u8) || !words.Next(out var word) || !Nonces.TryParse(word, out ulong epoch)
            || !words.NextNumber(out long last)) return false;
        message = new PurgesLine(null, epoch, last);
        return words.OnlyUnknownPairs();
    }

    /// <summary>Appends the line.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        output.Write(Purge is null ? "END "u8 : "PURGE "u8);
        if (Purge is null)
        {
            Nonces.Write(output, Epoch);
            output.Write(" "u8);
        }
        output.WriteNumber(Number);
        if (Purge is not null)
        {
            output.Write(" "u8);
            Purge.Write(output);
        }
        output.Write("\n"u8);
    }
}
