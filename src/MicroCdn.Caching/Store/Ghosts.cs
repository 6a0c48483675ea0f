namespace MicroCdn.Caching.Store;

/// <summary>Remembers what left, by its hash alone, until as many bytes left behind it as there is room for.</summary>
/// <remarks>A table of a fixed size with four places for each bucket: the oldest of the four gives way. Two things of
/// the same hash are taken for one another, which costs one of them a place that it had not earned.</remarks>
internal sealed class Ghosts
{
    // For copies of 16 KiB on average, within 24 KiB and 6 MiB of memory.
    private const long BytesOfOne = 16 * 1024;
    private const int LeastBuckets = 1 << 8, MostBuckets = 1 << 16, Ways = 4;

    private readonly Ghost[] _table;
    private readonly long _room;
    private long _left;

    public Ghosts(long room)
    {
        _room = room;
        long buckets = Math.Clamp(room / BytesOfOne * 2 / Ways, LeastBuckets, MostBuckets);
        _table = new Ghost[(long)System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)buckets) * Ways];
    }

    public void Add(ulong hash, long weight)
    {
        _left += weight;
        Span<Ghost> bucket = Bucket(hash);
        int place = 0;
        for (int way = 0; way < Ways; way++)
        {
            if (bucket[way].Hash == hash)
            {
                place = way;
                break;
            }
            if (bucket[way].Left < bucket[place].Left) place = way;
        }
        bucket[place] = new Ghost(hash, _left);
    }

    public bool Has(ulong hash) => Find(hash) >= 0;

    /// <summary>Forgets one; false when it was not remembered.</summary>
    public bool Take(ulong hash)
    {
        int way = Find(hash);
        if (way < 0) return false;
        Bucket(hash)[way] = default;
        return true;
    }

    private int Find(ulong hash)
    {
        ReadOnlySpan<Ghost> bucket = Bucket(hash);
        for (int way = 0; way < Ways; way++)
        {
            Ghost ghost = bucket[way];
            if (ghost.Left > 0 && ghost.Hash == hash && _left - ghost.Left <= _room) return way;
        }
        return -1;
    }

    private Span<Ghost> Bucket(ulong hash)
    {
        int bucket = (int)((hash * 0x9E37_79B9_7F4A_7C15) >> 40) & ((_table.Length / Ways) - 1);
        return _table.AsSpan(bucket * Ways, Ways);
    }

    // Left: the bytes that had left, with it, when it did; 0 for an empty place.
    private readonly record struct Ghost(ulong Hash, long Left);
}
