using MicroCdn.Caching;

namespace MicroCdn.Edge.PullThrough;

/// <summary>The keys whose last answer could not be stored: their requests are not made to wait for one
/// another.</summary>
internal sealed class Uncacheable
{
    /// <summary>The most keys, about 100 bytes each however long they are: past that the oldest knowledge goes, which
    /// costs one wait for a head.</summary>
    internal const int Most = 65_536;

    private readonly Lock _lock = new();
    private readonly Dictionary<UInt128, long> _keys = [];
    private readonly Queue<(UInt128 Key, long Number)> _order = [];
    private long _number;

    /// <summary>True when the last answer could not be stored.</summary>
    public bool Has(CacheKey key)
    {
        lock (_lock) return _keys.ContainsKey(key.Hash);
    }

    /// <summary>Notes what became of an answer.</summary>
    public void Note(CacheKey key, bool isUncacheable)
    {
        UInt128 hash = key.Hash;
        lock (_lock)
        {
            if (!isUncacheable)
            {
                _keys.Remove(hash);
                return;
            }
            if (!_keys.TryAdd(hash, ++_number)) return;
            _order.Enqueue((hash, _number));
            while (_order.Count > Most)
            {
                (UInt128 oldest, long number) = _order.Dequeue();
                // One that was forgotten and noted anew since has its turn later.
                if (_keys.TryGetValue(oldest, out long current) && current == number) _keys.Remove(oldest);
            }
        }
    }
}
