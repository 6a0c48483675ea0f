using System.Diagnostics.Metrics;
using MicroCdn.Network;

namespace MicroCdn.Http.Exchanges;

/// <summary>Shows what <see cref="RequestNumbers"/> counted to whoever looks at a role, by the names that OpenTelemetry
/// has for HTTP servers.</summary>
public static class RequestFigures
{
    private const string Duration = "http.server.request.duration";

    // A pair of method and class has a series for each bound, at each of fifty servers: these four of OpenTelemetry's
    // bounds tell what was in memory from what was on disk or at an origin, and that from trouble.
    private static readonly double[] Shown = [0.005, 0.1, 1, 10];

    private static readonly string[] Classes = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];

    /// <summary>Adds the counters.</summary>
    public static void Measure(RequestNumbers numbers, Meter meter)
    {
        meter.CreateObservableCounter("microcdn.http.sent", () => numbers.Snapshot().BodyBytes, "By",
            "Bytes of bodies that were sent.");
        meter.CreateObservableCounter("microcdn.http.cut", () => numbers.Snapshot().Cut, "{response}",
            "Answers that were cut: the client left, was too slow, or the bytes could not be had.");
    }

    /// <summary>Adds the counters of a cache.</summary>
    /// <param name="numbers">What was counted.</param>
    /// <param name="filled">Bytes that came from origins.</param>
    /// <param name="parents">Bytes that came from other caches.</param>
    /// <param name="meter">Where they are added.</param>
    public static void MeasureCache(RequestNumbers numbers, Func<long> filled, Func<long> parents, Meter meter)
    {
        meter.CreateObservableCounter("microcdn.cache.requests", () => ByResult(numbers.Snapshot()), "{request}",
            "Requests for origins, by the part that the cache had in the answer.");
        meter.CreateObservableCounter("microcdn.cache.bytes", () => new Measurement<long>[]
        {
            new(numbers.Snapshot().CachedBytes, Tag("direction", "served")),
            new(filled(), Tag("direction", "filled")), new(parents(), Tag("direction", "parents")),
        }, "By", "Bytes of bodies that were served by the cache, that came from origins, and from other caches.");
    }

    /// <summary>How long requests took, by method and class of status.</summary>
    public static IEnumerable<WatchedHistogram> Histograms(RequestNumbers numbers)
    {
        RequestCounts counts = numbers.Snapshot();
        List<WatchedSeries> series = [];
        for (Method method = 0; method <= Method.Post; method++)
        {
            for (int statusClass = 0; statusClass < Classes.Length; statusClass++)
            {
                // What never came is no series.
                if (counts.RequestsOf(method, statusClass) == 0) continue;
                series.Add(new WatchedSeries(
                    [
                        new("http.request.method", NameOf(method)),
                        new("http.response.status_code", Classes[statusClass]),
                    ],
                    Merge(counts.BucketsOf(method, statusClass)), counts.DurationOf(method, statusClass).TotalSeconds));
            }
        }
        yield return new WatchedHistogram(
            Duration, "s", "How long requests took until their last byte was handed over.", Shown, series);
    }

    private static IEnumerable<Measurement<long>> ByResult(RequestCounts counts)
    {
        for (CacheResult result = CacheResult.None + 1; (int)result < CacheResultWords.Count; result++)
        {
            if (counts.RequestsOf(result) is > 0 and long count)
            {
                yield return new(count, Tag("cache.result", result.ToString().ToLowerInvariant()));
            }
        }
    }

    // Each bound that is shown is one of those that are counted.
    private static long[] Merge(ReadOnlySpan<long> buckets)
    {
        long[] merged = new long[Shown.Length + 1];
        int place = 0;
        for (int bucket = 0; bucket < buckets.Length; bucket++)
        {
            while (place < Shown.Length && (bucket == RequestNumbers.BucketBounds.Length
                || RequestNumbers.BucketBounds[bucket] > Shown[place])) place++;
            merged[place] += buckets[bucket];
        }
        return merged;
    }

    // OpenTelemetry's word for what an instrumentation does not know.
    private static string NameOf(Method method) =>
        method == Method.Other ? "_OTHER" : method.ToString().ToUpperInvariant();

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);
}
