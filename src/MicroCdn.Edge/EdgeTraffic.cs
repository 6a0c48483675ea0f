using MicroCdn.Content.Figures;
using MicroCdn.Edge.PullThrough;
using MicroCdn.Http.Exchanges;

namespace MicroCdn.Edge;

/// <summary>What an edge served, and asked of its origins, in the numbers that an index is told.</summary>
internal sealed class EdgeTraffic(RequestNumbers numbers, OriginFront? front) : ITraffic
{
    /// <inheritdoc/>
    public TrafficCounts Now()
    {
        RequestCounts counts = numbers.Snapshot();
        TrafficCounts told = new()
        {
            Requests = counts.Requests, Errors = counts.Errors, Bytes = counts.BodyBytes, Hits = counts.Hits,
            Misses = counts.Misses, CachedBytes = counts.CachedBytes,
        };
        if (front is null) return told;
        List<OriginCounts> origins = [];
        foreach (OriginPlace place in front.Places)
        {
            origins.Add(new OriginCounts(place.Label, counts.HitsOf(place.Number), counts.MissesOf(place.Number),
                place.Counters.AllFailures, place.Counters.BodyBytes, place.Counters.Down?.Word));
        }
        return told with
        {
            FilledBytes = front.FilledBytes, ParentBytes = front.ParentBytes,
            StoreBytes = front.Store.Figures.DiskBytes, Origins = origins,
        };
    }
}
