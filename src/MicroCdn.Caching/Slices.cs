using System.Text;
using MicroCdn.Protocol;

namespace MicroCdn.Caching;

/// <summary>Decides which bytes of a large object to ask for, so that a range waits for its own bytes alone, and
/// whether what comes belongs to what is there.</summary>
/// <remarks>The strong validator decides: bytes of two states of an object are never mixed (RFC 9110, section
/// 15.3.7.3). Without one nothing is put together, and a range passes through.</remarks>
public static class Slices
{
    /// <summary>The size of a slice in bytes.</summary>
    public const int Size = 1 << 20;

    /// <summary>The most that one request asks for: whoever leaves after a byte has cost no more than this.</summary>
    public const long MostAsked = 16L * Size;

    /// <summary>What to ask the origin for when nothing is stored and one range is wanted: its slices.</summary>
    /// <param name="range">The client's Range field.</param>
    /// <returns>The Range field to send: the client's own where it counts from the end, which nobody knows yet; empty
    /// when the whole is to be asked for, since several ranges are wanted, or none that can be read.</returns>
    public static string First(ReadOnlySpan<byte> range)
    {
        range = range.Trim(Tokens.Blanks);
        if (range.Length < 6 || !Ascii.EqualsIgnoreCase(range[..6], "bytes="u8)) return "";
        ReadOnlySpan<byte> spec = range[6..].Trim(Tokens.Blanks);
        int dash = spec.IndexOf((byte)'-');
        if (dash < 0 || !TryRead(spec[..dash], 0, out long first)
            || !TryRead(spec[(dash + 1)..], long.MaxValue, out long last)) return "";
        if (dash == 0) return last is > 0 and < long.MaxValue ? $"bytes=-{last}" : "";
        if (last < first || first > long.MaxValue - MostAsked) return "";
        long start = first - (first % Size);
        last = Math.Min(last, start + MostAsked - 1);
        return $"bytes={start}-{last - (last % Size) + Size - 1}";
    }

    /// <summary>What to ask for next; null when all that is wanted is there.</summary>
    /// <param name="have">What is stored.</param>
    /// <param name="wanted">What the client wants.</param>
    /// <param name="complete">How long the whole is.</param>
    public static ByteRange? Next(ByteSet have, ByteRange wanted, long complete)
    {
        if (have.Missing(wanted) is not { } gap) return null;
        long start = gap.Offset - (gap.Offset % Size);
        long end = Math.Min(complete, gap.End + ((Size - (gap.End % Size)) % Size));
        // What of the first slice is there already is not asked for again.
        ByteRange missing = new(start, 0);
        while (missing.End <= gap.Offset)
        {
            missing = have.Missing(new ByteRange(missing.End, end - missing.End)) ?? gap;
        }
        return missing with { Length = Math.Min(missing.Length, MostAsked) };
    }

    /// <summary>Judges the answer to a request for part of a copy, sent with If-Range.</summary>
    /// <param name="copy">What is stored.</param>
    /// <param name="complete">How long the whole of it is; null when that is not known.</param>
    /// <param name="asked">What was asked for.</param>
    /// <param name="answer">What came.</param>
    public static SliceAnswer Judge(CopyRules copy, long? complete, ByteRange asked, CopyRules answer)
    {
        if (answer.Head.Status == 200) return SliceAnswer.Whole;
        if (answer.Head.Status is not (206 or 416)) return SliceAnswer.Refused;
        if (answer.Head.Status == 416) return SliceAnswer.Changed;
        if (!PartialContent.TryRead(answer.Head, out PartialContent part)) return SliceAnswer.Refused;
        if (!part.MayJoin(copy, complete, answer)) return SliceAnswer.Changed;
        return part.Range.Offset == asked.Offset && part.Range.End <= asked.End
            ? SliceAnswer.Fits : SliceAnswer.Refused;
    }

    private static bool TryRead(ReadOnlySpan<byte> digits, long absent, out long number)
    {
        number = absent;
        return digits.IsEmpty || (digits.Length <= 18 && !digits.ContainsAnyExceptInRange((byte)'0', (byte)'9')
            && long.TryParse(digits, out number));
    }
}

/// <summary>What the answer to a request for part of a copy is.</summary>
public enum SliceAnswer
{
    /// <summary>The bytes belong to the copy.</summary>
    Fits,

    /// <summary>The object is another one now: the copy is dropped, and all begins anew.</summary>
    Changed,

    /// <summary>The whole comes: the object changed, or the origin knows no ranges. It replaces the copy.</summary>
    Whole,

    /// <summary>Neither: an error, or other bytes than were asked for. Nothing of it is stored.</summary>
    Refused,
}
