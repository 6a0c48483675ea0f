using System.Diagnostics.Metrics;
using MicroCdn.Caching.Store;
using MicroCdn.Http.Exchanges;
using MicroCdn.Network;
using MicroCdn.Origin;

namespace MicroCdn.Edge.PullThrough;

/// <summary>What is measured of the cache and of the origins that it stands before.</summary>
internal static class FrontFigures
{
    // Each is a series of each origin at each cache: what is near from what is far, and that from trouble.
    private static readonly double[] Shown = [0.1, 1, 5];

    /// <summary>Adds the instruments.</summary>
    public static void Measure(OriginFront front, RequestNumbers numbers, Meter meter, bool inFull)
    {
        RequestFigures.MeasureCache(numbers, front.HasParents ? () => front.ParentBytes : null, meter, inFull);
        meter.CreateObservableGauge("microcdn.store.size", () => Sizes(front.Store, inFull), "By",
            "Bytes that the cache takes, by where.");
        meter.CreateObservableCounter("microcdn.store.evictions", () => Evictions(front.Store, inFull), "{copy}",
            "Copies that left because others needed the room, by where.");
        meter.CreateObservableCounter("microcdn.origin.io", () => Each(front, origin => origin.BodyBytes), "By",
            "Bytes of bodies that came from an origin.");
        meter.CreateObservableCounter("microcdn.origin.failures", () => Failures(front), "{failure}",
            "Requests that an origin failed, by the word of the failure.");
        if (inFull) MeasureRest(front, meter);
    }

    /// <summary>How long origins took to begin their answers.</summary>
    public static WatchedHistogram Histogram(OriginFront front)
    {
        List<WatchedDurations> sources = [];
        foreach (OriginPlace place in front.Places)
        {
            sources.Add(new WatchedDurations(place.Counters.Times, KeyValuePair.Create("origin", place.Label)));
        }
        return WatchedHistogram.Of("microcdn.origin.duration",
            "How long an origin took from the request to the head of its answer.", sources).Shown(Shown);
    }

    private static void MeasureRest(OriginFront front, Meter meter)
    {
        meter.CreateObservableGauge("microcdn.store.copies", () => front.Store.Figures.Copies, "{copy}",
            "Responses that the cache keeps.");
        meter.CreateObservableCounter("microcdn.origin.requests", () => Each(front, origin => origin.Requests),
            "{request}", "Requests that an origin was to answer.");
        meter.CreateObservableCounter("microcdn.origin.repeated", () => Each(front, origin => origin.Repeated),
            "{request}", "Requests that were sent to an origin a second time, on a fresh connection.");
        meter.CreateObservableCounter("microcdn.origin.connections", () => Each(front,
            origin => origin.ConnectionsOpened), "{connection}", "Connections that were opened to an origin.");
    }

    private static IEnumerable<Measurement<long>> Sizes(CacheStore store, bool inFull)
    {
        StoreFigures figures = store.Figures;
        if (inFull || !store.HasDisk) yield return new(figures.MemoryBytes, Tag("place", "memory"));
        if (inFull || store.HasDisk) yield return new(figures.DiskBytes, Tag("place", "disk"));
        if (inFull) yield return new(figures.ReservedBytes, Tag("place", "reserved"));
    }

    // What leaves memory while it is on disk is no news, and without a disk nothing leaves that.
    private static IEnumerable<Measurement<long>> Evictions(CacheStore store, bool inFull)
    {
        StoreFigures figures = store.Figures;
        if (inFull || !store.HasDisk) yield return new(figures.EvictedFromMemory, Tag("place", "memory"));
        if (inFull || store.HasDisk) yield return new(figures.EvictedFromDisk, Tag("place", "disk"));
    }

    private static List<Measurement<long>> Each(OriginFront front, Func<OriginCounters, long> figure)
    {
        List<Measurement<long>> all = [];
        foreach (OriginPlace place in front.Places) all.Add(new(figure(place.Counters), Tag("origin", place.Label)));
        return all;
    }

    private static List<Measurement<long>> Failures(OriginFront front)
    {
        List<Measurement<long>> all = [];
        foreach (OriginPlace place in front.Places)
        {
            foreach (OriginFailure failure in OriginFailure.All)
            {
                long count = place.Counters.Failures(failure);
                // A word that was never needed is no series.
                if (count > 0) all.Add(new(count, Tag("origin", place.Label), Tag("error", failure.Word)));
            }
        }
        return all;
    }

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);
}
