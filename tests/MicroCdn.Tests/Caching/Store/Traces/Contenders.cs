using MicroCdn.Caching.Store;

namespace MicroCdn.Tests.Caching.Store.Traces;

/// <summary>Ours, least recently used, and first in first out, on the same requests with the same room.</summary>
internal sealed class Contenders
{
    private readonly Cache[] _all;

    public Contenders(long capacity)
    {
        (Ours, LeastRecentlyUsed, FirstIn) = (new OursCache(capacity), new ListCache(capacity, true),
            new ListCache(capacity, false));
        _all = [Ours, LeastRecentlyUsed, FirstIn];
    }

    public Cache Ours { get; }

    public Cache LeastRecentlyUsed { get; }

    public Cache FirstIn { get; }

    public void Ask((ulong Key, long Weight) request)
    {
        foreach (Cache cache in _all) cache.Ask(request.Key, request.Weight);
    }

    /// <summary>Counts the hits of one way to evict.</summary>
    internal abstract class Cache
    {
        private long _asked, _hits, _askedBytes, _hitBytes;

        public double HitRatio => (double)_hits / _asked;

        public double ByteHitRatio => (double)_hitBytes / _askedBytes;

        public void Ask(ulong key, long weight)
        {
            _asked++;
            _askedBytes += weight;
            if (!IsHit(key, weight)) return;
            _hits++;
            _hitBytes += weight;
        }

        protected abstract bool IsHit(ulong key, long weight);
    }

    private sealed class OursCache(long capacity) : Cache
    {
        private readonly Eviction<Thing> _eviction = new(capacity);
        private readonly Dictionary<ulong, Thing> _within = [];

        protected override bool IsHit(ulong key, long weight)
        {
            if (_within.TryGetValue(key, out Thing? thing))
            {
                Eviction<Thing>.Use(thing);
                return true;
            }
            while (_eviction.Bytes + weight > capacity) _within.Remove(_eviction.Evict()!.Hash);
            _eviction.Add(_within[key] = new Thing(key), weight);
            return false;
        }
    }

    private sealed class ListCache(long capacity, bool isByUse) : Cache
    {
        private readonly LinkedList<(ulong Key, long Weight)> _order = new();
        private readonly Dictionary<ulong, LinkedListNode<(ulong Key, long Weight)>> _within = [];
        private long _bytes;

        protected override bool IsHit(ulong key, long weight)
        {
            if (_within.TryGetValue(key, out var node))
            {
                if (!isByUse) return true;
                _order.Remove(node);
                _order.AddLast(node);
                return true;
            }
            while (_bytes + weight > capacity)
            {
                (ulong gone, long bytes) = _order.First!.Value;
                _order.RemoveFirst();
                _within.Remove(gone);
                _bytes -= bytes;
            }
            _within[key] = _order.AddLast((key, weight));
            _bytes += weight;
            return false;
        }
    }

    private sealed class Thing(ulong hash) : Evictable(hash);
}
