using System.Buffers;
using System.Text;

namespace MicroCdn.Protocol;

/// <summary>Writes a name as one word: spaces, <c>%</c> and control characters become <c>%XX</c> (UTF-8, upper-case
/// hex).</summary>
/// <remarks>
/// Every Unicode white space counts as a space, since some peers split their lines at any of them. Reading is
/// forgiving: a <c>%</c> that is not followed by two hex digits stands for itself.
/// </remarks>
public static class PercentText
{
    private static readonly SearchValues<byte> PlainAscii = SearchValues.Create(
        Enumerable.Range(0x21, 0x7F - 0x21).Where(b => b != '%').Select(b => (byte)b).ToArray());

    /// <summary>True when <paramref name="name"/> is already one word and means itself.</summary>
    public static bool IsPlain(ReadOnlySpan<byte> name) => PlainLength(name) == name.Length;

    /// <summary>Appends <paramref name="name"/> as one word; at most three bytes for each byte of the name.</summary>
    public static void Encode(ReadOnlySpan<byte> name, IBufferWriter<byte> output)
    {
        while (!name.IsEmpty)
        {
            int plain = PlainLength(name);
            output.Write(name[..plain]);
            name = name[plain..];
            if (name.IsEmpty) return;

            int length = Math.Max(1, RuneLength(name));
            foreach (byte value in name[..length])
            {
                ReadOnlySpan<byte> hex = "0123456789ABCDEF"u8;
                output.Write([(byte)'%', hex[value >> 4], hex[value & 15]]);
            }
            name = name[length..];
        }
    }

    /// <summary>Writes the decoded form to <paramref name="decoded"/>, which is at least as long as the word.</summary>
    /// <returns>The number of bytes written.</returns>
    public static int Decode(ReadOnlySpan<byte> word, Span<byte> decoded)
    {
        int length = 0;
        while (!word.IsEmpty)
        {
            if (word[0] == '%' && word.Length > 2 && Hex(word[1]) is >= 0 and var high
                && Hex(word[2]) is >= 0 and var low)
            {
                decoded[length++] = (byte)((high << 4) | low);
                word = word[3..];
            }
            else
            {
                decoded[length++] = word[0];
                word = word[1..];
            }
        }
        return length;
    }

    /// <summary>True for a rune that ends a word for some peer, or that a line may not carry.</summary>
    internal static bool Breaks(Rune rune) => Rune.IsWhiteSpace(rune) || Rune.IsControl(rune);

    // The length of the leading part that needs no encoding.
    private static int PlainLength(ReadOnlySpan<byte> name)
    {
        int at = 0;
        while (at < name.Length)
        {
            int odd = name[at..].IndexOfAnyExcept(PlainAscii);
            if (odd < 0) return name.Length;
            at += odd;
            if (name[at] < 0x80) return at;
            if (Rune.DecodeFromUtf8(name[at..], out Rune rune, out int length) != OperationStatus.Done) return at;
            if (Breaks(rune)) return at;
            at += length;
        }
        return at;
    }

    private static int RuneLength(ReadOnlySpan<byte> name)
    {
        Rune.DecodeFromUtf8(name, out _, out int length);
        return length;
    }

    private static int Hex(byte digit) => digit switch
    {
        >= (byte)'0' and <= (byte)'9' => digit - '0',
        >= (byte)'A' and <= (byte)'F' => digit - 'A' + 10,
        >= (byte)'a' and <= (byte)'f' => digit - 'a' + 10,
        _ => -1,
    };

    /// <summary>Text as a word.</summary>
    public static string WordOf(string text)
    {
        ArrayBufferWriter<byte> word = new();
        Encode(Encoding.UTF8.GetBytes(text), word);
        return Encoding.UTF8.GetString(word.WrittenSpan);
    }

    /// <summary>A word as the text that it stands for.</summary>
    public static string TextOf(ReadOnlySpan<byte> word)
    {
        byte[] decoded = new byte[word.Length];
        return Encoding.UTF8.GetString(decoded, 0, Decode(word, decoded));
    }
}
