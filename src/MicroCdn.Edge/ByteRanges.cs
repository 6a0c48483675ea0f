using System.Text;
using MicroCdn.Protocol;

namespace MicroCdn.Edge;

/// <summary>Reads which bytes of a representation a Range field asks for (RFC 9110, section 14).</summary>
/// <remarks>
/// What is asked costs at most what the whole would: parts that overlap or touch are merged, and a request whose parts
/// and their headers would still exceed the representation is ignored, as are malformed ones and those of too many
/// parts, which section 14.2 allows. Ignored means the whole representation with 200, so no client is left without.
/// </remarks>
internal readonly struct ByteRanges
{
    /// <summary>The most ranges that one request may ask for.</summary>
    public const int Most = 16;

    /// <summary>What a part of multipart/byteranges costs beside its bytes: boundary, type, range, line ends.</summary>
    public const int PartHeaderBytes = 160;

    // Two overlaps can be a client's clumsiness; section 14.2 takes more for a broken client or an attack.
    private const int MostOverlaps = 2;

    private readonly ByteRange[]? _several;

    private ByteRanges(RangeKind kind, ByteRange single = default, ByteRange[]? several = null)
    {
        (Kind, Single, _several) = (kind, single, several);
    }

    /// <summary>How to answer.</summary>
    public RangeKind Kind { get; }

    /// <summary>The only range, for <see cref="RangeKind.Single"/>.</summary>
    public ByteRange Single { get; }

    /// <summary>The parts in the order they were asked, for <see cref="RangeKind.Several"/>.</summary>
    public ReadOnlySpan<ByteRange> Several => _several;

    /// <summary>Reads a Range field (RFC 9110, sections 14.1.1, 14.1.2 and 14.2).</summary>
    /// <param name="field">The field value; empty when absent.</param>
    /// <param name="length">The length of the selected representation in bytes.</param>
    public static ByteRanges Parse(ReadOnlySpan<byte> field, long length)
    {
        field = field.Trim(" \t"u8);
        int equals = field.IndexOf((byte)'=');
        if (equals < 0 || !Ascii.EqualsIgnoreCase(field[..equals], "bytes"u8)) return new ByteRanges(RangeKind.Ignore);
        Span<ByteRange> parts = stackalloc ByteRange[Most];
        int asked = 0, kept = 0, overlaps = 0;
        bool emptyEnd = false;
        ReadOnlySpan<byte> set = field[(equals + 1)..];
        foreach (System.Range element in set.Split((byte)','))
        {
            // An empty element of a list means nothing (RFC 9110, section 5.6.1.2).
            ReadOnlySpan<byte> spec = set[element].Trim(" \t"u8);
            if (spec.IsEmpty) continue;
            if (++asked > Most || !TryRead(spec, length, out ByteRange? range)) return new ByteRanges(RangeKind.Ignore);
            if (range is not { } part) continue;
            emptyEnd |= part.Length == 0;
            overlaps += Gather(parts, ref kept, part) ? 1 : 0;
        }
        if (asked == 0 || overlaps > MostOverlaps) return new ByteRanges(RangeKind.Ignore);
        if (kept == 0) return new ByteRanges(RangeKind.Unsatisfiable);
        // The last bytes of an empty file may be asked for, but no Content-Range could name them.
        if (emptyEnd) return new ByteRanges(RangeKind.Ignore);
        if (kept == 1) return new ByteRanges(RangeKind.Single, parts[0]);
        return Cost(parts[..kept]) > (ulong)length ? new ByteRanges(RangeKind.Ignore)
            : new ByteRanges(RangeKind.Several, default, parts[..kept].ToArray());
    }

    // False when malformed; null when well-formed and unsatisfiable.
    private static bool TryRead(ReadOnlySpan<byte> spec, long length, out ByteRange? range)
    {
        range = null;
        int dash = spec.IndexOf((byte)'-');
        if (dash < 0) return false;
        ReadOnlySpan<byte> left = spec[..dash], right = spec[(dash + 1)..];
        long first = 0, last = long.MaxValue;
        if (!left.IsEmpty && !TryReadNumber(left, out first)) return false;
        if (!right.IsEmpty && !TryReadNumber(right, out last)) return false;
        if (left.IsEmpty)
        {
            if (right.IsEmpty) return false;
            long suffix = Math.Min(last, length);
            if (last > 0) range = new ByteRange(length - suffix, suffix);
            return true;
        }
        if (last < first) return false;
        if (first < length) range = new ByteRange(first, Math.Min(last, length - 1) - first + 1);
        return true;
    }

    // A number too large to hold is as good as the largest: no file is that long.
    private static bool TryReadNumber(ReadOnlySpan<byte> digits, out long number)
    {
        number = 0;
        foreach (byte digit in digits)
        {
            if (digit is < (byte)'0' or > (byte)'9') return false;
            number = number > (long.MaxValue - (digit - '0')) / 10 ? long.MaxValue : (number * 10) + (digit - '0');
        }
        return true;
    }

    // Adds a part, or melts it with all that it overlaps or touches, at the place of the earliest asked.
    private static bool Gather(Span<ByteRange> parts, ref int kept, ByteRange part)
    {
        bool overlaps = false;
        int place = kept;
        for (int at = kept - 1; at >= 0; at--)
        {
            ByteRange other = parts[at];
            if (part.Offset > other.End || other.Offset > part.End) continue;
            overlaps |= part.Offset < other.End && other.Offset < part.End;
            long offset = Math.Min(part.Offset, other.Offset);
            part = new ByteRange(offset, Math.Max(part.End, other.End) - offset);
            if (place < kept) parts[(place + 1)..kept--].CopyTo(parts[place..]);
            place = at;
        }
        parts[place] = part;
        if (place == kept) kept++;
        return overlaps;
    }

    private static ulong Cost(ReadOnlySpan<ByteRange> parts)
    {
        ulong bytes = 0;
        foreach (ByteRange part in parts) bytes += (ulong)part.Length + PartHeaderBytes;
        return bytes;
    }
}

/// <summary>How a Range field is answered.</summary>
internal enum RangeKind
{
    /// <summary>As if it were not there: 200 with the whole.</summary>
    Ignore,

    /// <summary>416: nothing of what was asked exists (RFC 9110, section 15.5.17).</summary>
    Unsatisfiable,

    /// <summary>206 with the bytes of one range.</summary>
    Single,

    /// <summary>206 with multipart/byteranges (RFC 9110, section 14.6).</summary>
    Several,
}
