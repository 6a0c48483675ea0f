using System.Diagnostics.Metrics;
using MicroCdn.Caching.Store;
using MicroCdn.Http.Exchanges;
using MicroCdn.Network;
using MicroCdn.Origin;

namespace MicroCdn.Edge.PullThrough;

/// <summary>What is measured of the cache and of the origins that it stands before.</summary>
internal static class FrontFigures
{
    public static void Measure(OriginFront front, RequestNumbers numbers, Meter meter)
    {
        RequestFigures.MeasureCache(numbers, () => front.FilledBytes, () => front.ParentBytes, meter);
        meter.CreateObservableGauge("microcdn.store.copies", () => front.Store.Figures.Copies, "{copy}",
            "Responses that the cache keeps.");
        meter.CreateObservableGauge("microcdn.store.size", () => Sizes(front.Store.Figures), "By",
            "Bytes that the cache takes, by where.");
        meter.CreateObservableCounter("microcdn.store.evictions", () => new Measurement<long>[]
        {
            new(front.Store.Figures.EvictedFromMemory, Tag("place", "memory")),
            new(front.Store.Figures.EvictedFromDisk, Tag("place", "disk")),
        }, "{copy}", "Copies that left because others needed the room, by where.");
        meter.CreateObservableCounter("microcdn.origin.requests", () => Each(front, origin => origin.Requests),
            "{request}", "Requests that an origin was to answer.");
        meter.CreateObservableCounter("microcdn.origin.repeated", () => Each(front, origin => origin.Repeated),
            "{request}", "Requests that were sent to an origin a second time, on a fresh connection.");
        meter.CreateObservableCounter("microcdn.origin.connections", () => Each(front,
            origin => origin.ConnectionsOpened), "{connection}", "Connections that were opened to an origin.");
        meter.CreateObservableCounter("microcdn.origin.io", () => Each(front, origin => origin.BodyBytes), "By",
            "Bytes of bodies that came from an origin.");
        meter.CreateObservableCounter("microcdn.origin.failures", () => Failures(front), "{failure}",
            "Requests that an origin failed, by the word of the failure.");
    }

    /// <summary>How long origins took to begin their answers.</summary>
    public static WatchedHistogram Histogram(OriginFront front)
    {
        List<WatchedSeries> series = [];
        foreach (OriginPlace place in front.Places)
        {
            series.Add(place.Counters.Times.Series(KeyValuePair.Create("origin", place.Label)));
        }
        return new WatchedHistogram("microcdn.origin.duration", "s",
            "How long an origin took from the request to the head of its answer.", OriginCounters.TimeBounds, series);
    }

    private static Measurement<long>[] Sizes(StoreFigures figures) =>
    [
        new(figures.MemoryBytes, Tag("place", "memory")), new(figures.DiskBytes, Tag("place", "disk")),
        new(figures.ReservedBytes, Tag("place", "reserved")),
    ];

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
