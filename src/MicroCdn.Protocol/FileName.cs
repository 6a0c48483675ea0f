using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace MicroCdn.Protocol;

/// <summary>The name of a file: a relative path with <c>/</c>, at most 1,024 bytes of UTF-8, that never climbs
/// out.</summary>
/// <remarks>
/// Allowed is whatever a folder on Linux can hold: spaces, <c>%</c>, control characters other than NUL. Refused are
/// the empty name, a leading or trailing <c>/</c>, empty segments, <c>.</c> and <c>..</c>, NUL, and invalid UTF-8.
/// </remarks>
public readonly record struct FileName
{
    private FileName(string value) => Value = value;

    /// <summary>The name as text.</summary>
    public string Value { get; }

    /// <summary>The name in a folder of the same shape, for people and for the client's target.</summary>
    public override string ToString() => Value;

    /// <summary>Reads a name from text; false when it is none.</summary>
    public static bool TryCreate(string text, out FileName name)
    {
        name = default;
        // A lone surrogate has no UTF-8 form, and Encoding would quietly replace it by U+FFFD: another name.
        Span<byte> utf8 = stackalloc byte[Limits.NameBytes];
        if (Utf8.FromUtf16(text, utf8, out int read, out int written, replaceInvalidSequences: false)
            != OperationStatus.Done || read != text.Length) return false;
        if (!IsValid(utf8[..written])) return false;
        name = new FileName(text);
        return true;
    }

    /// <summary>Reads a name from its decoded bytes; false when they are none.</summary>
    public static bool TryCreate(ReadOnlySpan<byte> utf8, out FileName name)
    {
        name = default;
        if (!IsValid(utf8)) return false;
        name = new FileName(Encoding.UTF8.GetString(utf8));
        return true;
    }

    /// <summary>True when the decoded bytes are a name by the rules above.</summary>
    public static bool IsValid(ReadOnlySpan<byte> utf8)
    {
        if (utf8.IsEmpty || utf8.Length > Limits.NameBytes || utf8.Contains((byte)0)) return false;
        if (!Utf8.IsValid(utf8)) return false;
        while (true)
        {
            int length = utf8.IndexOf((byte)'/');
            if ((length < 0 ? utf8 : utf8[..length]) is [] or [(byte)'.'] or [(byte)'.', (byte)'.']) return false;
            if (length < 0) return true;
            utf8 = utf8[(length + 1)..];
        }
    }

    /// <summary>A GET for this name as a version 1 peer reads it: raw wherever the line can carry it.</summary>
    public byte[] ToGetLine() => TravelsRaw(Value) ? Encoding.UTF8.GetBytes($"GET {Value}\n") : ToEncodedGetLine();

    /// <summary>A GET for this name as one word.</summary>
    public byte[] ToEncodedGetLine()
    {
        ArrayBufferWriter<byte> line = new();
        line.Write("GET "u8);
        PercentText.Encode(Encoding.UTF8.GetBytes(Value), line);
        line.Write("\n"u8);
        return line.WrittenSpan.ToArray();
    }

    private static bool TravelsRaw(string value)
    {
        foreach (Rune rune in value.EnumerateRunes())
        {
            if (Rune.IsControl(rune)) return false;
        }
        return !char.IsWhiteSpace(value[0]) && !char.IsWhiteSpace(value[^1]);
    }
}
