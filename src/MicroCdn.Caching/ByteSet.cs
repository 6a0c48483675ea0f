using MicroCdn.Protocol;

namespace MicroCdn.Caching;

/// <summary>Which bytes of a representation are there.</summary>
/// <remarks>Immutable, so that readers see one state of it while a writer makes the next: adding copies the few ranges,
/// which costs less than the bytes that came with them.</remarks>
public sealed class ByteSet
{
    /// <summary>The most ranges apart from one another. More are no copy but crumbs: a set of this size is copied in a
    /// microsecond, and 1,024 slices of 1 MiB with gaps between them are half of a 2 GiB object.</summary>
    public const int Most = 1024;

    private readonly ByteRange[] _ranges;

    private ByteSet(ByteRange[] ranges) => _ranges = ranges;

    /// <summary>No byte.</summary>
    public static ByteSet Empty { get; } = new([]);

    /// <summary>The ranges in rising order; none touches the next.</summary>
    public ReadOnlySpan<ByteRange> Ranges => _ranges;

    /// <summary>How many bytes there are.</summary>
    public long Bytes
    {
        get
        {
            long bytes = 0;
            foreach (ByteRange range in _ranges) bytes += range.Length;
            return bytes;
        }
    }

    /// <summary>Adds bytes; false when the set would fall into more than <see cref="Most"/> ranges.</summary>
    /// <param name="range">The bytes. They may overlap those that are there.</param>
    /// <param name="sum">The set with them, or this set where the answer is false.</param>
    public bool TryAdd(ByteRange range, out ByteSet sum)
    {
        sum = this;
        if (Checked(range).Length == 0 || Contains(range)) return true;
        // All that overlap or touch melt into one.
        int first = FirstEndingAtOrAfter(range.Offset), behind = first;
        while (behind < _ranges.Length && _ranges[behind].Offset <= range.End) behind++;
        if (_ranges.Length - (behind - first) + 1 > Most) return false;
        long start = range.Offset, end = range.End;
        if (behind > first)
        {
            start = Math.Min(start, _ranges[first].Offset);
            end = Math.Max(end, _ranges[behind - 1].End);
        }
        sum = new([.. _ranges.AsSpan(0, first), new ByteRange(start, end - start), .. _ranges.AsSpan(behind)]);
        return true;
    }

    /// <summary>True when every byte of a range is there; of an empty range always.</summary>
    public bool Contains(ByteRange range) => Missing(range) is null;

    /// <summary>The first bytes of a range that are not there, up to the next that is; null when all are
    /// there.</summary>
    public ByteRange? Missing(ByteRange range)
    {
        long from = Checked(range).Offset;
        int at = FirstEndingAtOrAfter(from);
        // One that merely touches the first byte holds nothing of the range.
        if (at < _ranges.Length && _ranges[at].End == from) at++;
        if (at < _ranges.Length && _ranges[at].Offset <= from) from = _ranges[at++].End;
        if (from >= range.End) return null;
        long end = at < _ranges.Length ? Math.Min(_ranges[at].Offset, range.End) : range.End;
        return new ByteRange(from, end - from);
    }

    /// <summary>How many bytes are there from an offset on without a gap.</summary>
    public long Available(long offset)
    {
        int at = FirstEndingAtOrAfter(offset);
        if (at < _ranges.Length && _ranges[at].End == offset) at++;
        return at < _ranges.Length && _ranges[at].Offset <= offset ? _ranges[at].End - offset : 0;
    }

    /// <inheritdoc/>
    public override string ToString() =>
        string.Join(' ', Array.ConvertAll(_ranges, range => $"{range.Offset}+{range.Length}"));

    private static ByteRange Checked(ByteRange range)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(range.Offset, nameof(range));
        ArgumentOutOfRangeException.ThrowIfNegative(range.Length, nameof(range));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(range.Length, long.MaxValue - range.Offset, nameof(range));
        return range;
    }

    private int FirstEndingAtOrAfter(long offset)
    {
        int low = 0, high = _ranges.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_ranges[middle].End < offset) low = middle + 1;
            else high = middle;
        }
        return low;
    }
}
