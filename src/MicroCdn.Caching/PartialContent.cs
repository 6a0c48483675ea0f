using System.Text;
using System.Text.Unicode;
using MicroCdn.Protocol;

namespace MicroCdn.Caching;

/// <summary>Which bytes of which whole a 206 brings (RFC 9110, sections 14.4 and 15.3.7).</summary>
/// <param name="Range">The bytes.</param>
/// <param name="Complete">How long the whole is; null when the origin does not say.</param>
public readonly record struct PartialContent(ByteRange Range, long? Complete)
{
    // A longer number is no length of anything, and would not fit.
    private const int MostDigits = 18;

    /// <summary>Reads a 206; false when it cannot be stored as part of a whole: it has several parts, or its fields
    /// contradict one another.</summary>
    public static bool TryRead(StoredHead head, out PartialContent part)
    {
        part = default;
        HeaderFields fields = head.Fields;
        int line = fields.IndexOf("Content-Range"u8);
        if (head.Status != 206 || line < 0 || fields.IndexOf("Content-Range"u8, line + 1) >= 0) return false;
        if (!TryParse(fields.ValueAt(line), out part)) return false;
        return !fields.Has("Content-Length"u8)
            || (TryNumber(fields.Joined("Content-Length"u8), out long length) && length == part.Range.Length);
    }

    /// <summary>Reads Content-Range (RFC 9110, section 14.4) strictly; false for <c>bytes */10</c>, which brings
    /// nothing, and for any other unit.</summary>
    public static bool TryParse(ReadOnlySpan<byte> value, out PartialContent part)
    {
        part = default;
        if (value.Length < 6 || !Ascii.EqualsIgnoreCase(value[..6], "bytes "u8)) return false;
        value = value[6..];
        int dash = value.IndexOf((byte)'-'), slash = value.IndexOf((byte)'/');
        if (dash < 0 || slash < dash) return false;
        if (!TryNumber(value[..dash], out long first)) return false;
        if (!TryNumber(value[(dash + 1)..slash], out long last)) return false;
        ReadOnlySpan<byte> complete = value[(slash + 1)..];
        long length = long.MaxValue;
        bool isKnown = !complete.SequenceEqual("*"u8);
        if ((isKnown && !TryNumber(complete, out length)) || last < first || last >= length) return false;
        part = new PartialContent(new ByteRange(first, last - first + 1), isKnown ? length : null);
        return true;
    }

    /// <summary>True when bytes of two responses are bytes of one representation (RFC 9110, section 15.3.7.3; RFC 9111,
    /// section 3.4): both have the same strong validator, and are of one length.</summary>
    /// <param name="copy">What is stored.</param>
    /// <param name="complete">How long the whole of the copy is; null when that is not known.</param>
    /// <param name="answer">The 206 that came.</param>
    public bool MayJoin(CopyRules copy, long? complete, CopyRules answer) =>
        !copy.StrongValidator.IsEmpty && copy.StrongValidator.SequenceEqual(answer.StrongValidator)
        && copy.Tag.IsEmpty == answer.Tag.IsEmpty
        && (complete is null || Complete is null || complete == Complete)
        && copy.Head.Fields.Joined("Content-Encoding"u8).SequenceEqual(answer.Head.Fields.Joined("Content-Encoding"u8));

    /// <summary>The head of the whole that a 206 is part of: what is stored.</summary>
    public StoredHead WholeHead(StoredHead head)
    {
        HeaderFields.Builder builder = new();
        for (int line = 0; line < head.Fields.Count; line++)
        {
            if (!head.Fields.IsNamed(line, "Content-Range"u8) && !head.Fields.IsNamed(line, "Content-Length"u8))
            {
                builder.Add(head.Fields, line);
            }
        }
        if (Complete is { } complete) builder.Add("Content-Length"u8, Encoding.ASCII.GetBytes($"{complete}"));
        return head with { Status = 200, Reason = "OK"u8.ToArray(), Fields = builder.Build() };
    }

    /// <summary>Writes the Range field that asks for bytes: without an end where they go to the end of the
    /// whole.</summary>
    /// <returns>Its length, at most 48 bytes.</returns>
    public static int WriteRange(ByteRange range, long? complete, Span<byte> target)
    {
        int length;
        if (range.End == complete) Utf8.TryWrite(target, $"bytes={range.Offset}-", out length);
        else Utf8.TryWrite(target, $"bytes={range.Offset}-{range.End - 1}", out length);
        return length;
    }

    private static bool TryNumber(ReadOnlySpan<byte> digits, out long number)
    {
        number = 0;
        if (digits.IsEmpty || digits.Length > MostDigits) return false;
        foreach (byte digit in digits)
        {
            if (digit is < (byte)'0' or > (byte)'9') return false;
            number = (number * 10) + (digit - '0');
        }
        return true;
    }
}
