using System.Diagnostics.Metrics;
using MicroCdn.Network;

namespace MicroCdn.Http.Exchanges;

/// <summary>Shows what <see cref="RequestNumbers"/> counted to whoever looks at a role, by the names that OpenTelemetry
/// has for HTTP servers.</summary>
public static class RequestFigures
{
    private const string Duration = "http.server.request.duration";

    // Each bound is a series of each of fifty servers: these four of OpenTelemetry's bounds tell what was in memory
    // from what was on disk or at an origin, and that from trouble.
    private static readonly double[] Shown = [0.005, 0.1, 1, 10];

    // Below them is who left before an answer began, and there is no response; 1xx is never the last.
    private static readonly (int Class, string Name)[] Classes = [(2, "2xx"), (3, "3xx"), (4, "4xx"), (5, "5xx")];

    /// <summary>Adds the counters.</summary>
    /// <param name="numbers">What was counted.</param>
    /// <param name="meter">Where they are added.</param>
    /// <param name="inFull">True for a collector, which has the statuses with <see cref="RequestDurations"/>.</param>
    public static void Measure(RequestNumbers numbers, Meter meter, bool inFull)
    {
        meter.CreateObservableCounter("microcdn.http.sent", () => numbers.Snapshot().BodyBytes, "By",
            "Bytes of bodies that were sent.");
        meter.CreateObservableCounter("microcdn.http.cut", () => numbers.Snapshot().Cut, "{response}",
            "Answers that were cut: the client left, was too slow, or the bytes could not be had.");
        if (inFull) return;
        meter.CreateObservableCounter("microcdn.http.responses", () => ByClass(numbers.Snapshot()), "{response}",
            "Responses to requests of every method, by the class of their status.");
    }

    /// <summary>Adds the counters of a cache.</summary>
    /// <param name="numbers">What was counted.</param>
    /// <param name="parents">Bytes that came from other caches; null where there are none.</param>
    /// <param name="meter">Where they are added.</param>
    /// <param name="inFull">True for a collector, which is told by all words of the log.</param>
    public static void MeasureCache(RequestNumbers numbers, Func<long>? parents, Meter meter, bool inFull)
    {
        meter.CreateObservableCounter("microcdn.cache.requests", () => ByResult(numbers.Snapshot(), inFull),
            "{request}", "Requests for origins, by the part that the cache had in the answer.");
        meter.CreateObservableCounter("microcdn.cache.bytes", () =>
        {
            Measurement<long> served = new(numbers.Snapshot().CachedBytes, Tag("direction", "served"));
            return parents is null ? [served] : new[] { served, new(parents(), Tag("direction", "parents")) };
        }, "By", "Bytes of bodies that were served by the cache, and that came from other caches.");
    }

    /// <summary>How long requests for something took: each GET, whatever its status.</summary>
    public static WatchedHistogram Histogram(RequestNumbers numbers)
    {
        RequestCounts counts = numbers.Snapshot();
        long[] buckets = new long[RequestNumbers.Buckets];
        TimeSpan sum = TimeSpan.Zero;
        for (int statusClass = 0; statusClass < RequestNumbers.Classes; statusClass++)
        {
            ReadOnlySpan<long> some = counts.BucketsOf(Method.Get, statusClass);
            for (int bucket = 0; bucket < some.Length; bucket++) buckets[bucket] += some[bucket];
            sum += counts.DurationOf(Method.Get, statusClass);
        }
        WatchedSeries series = new([new("http.request.method", Method.Get.Text())], buckets, sum.TotalSeconds);
        return new WatchedHistogram(Duration, "s", "How long GET requests took until their last byte was handed over.",
            [.. RequestNumbers.BucketBounds], [series]).Shown(Shown);
    }

    // What never came shows as 0, so that a rate sees the first.
    private static IEnumerable<Measurement<long>> ByClass(RequestCounts counts) =>
        Classes.Select(one => new Measurement<long>(
            Enum.GetValues<Method>().Sum(method => counts.RequestsOf(method, one.Class)),
            Tag("http.response.status_code", one.Name)));

    private static IEnumerable<Measurement<long>> ByResult(RequestCounts counts, bool inFull) =>
        Enum.GetValues<CacheResult>().Where(result => result != CacheResult.None)
            .GroupBy(result => inFull ? result : Coarse(result), counts.RequestsOf)
            .Select(alike => new Measurement<long>(
                alike.Sum(), Tag("cache.result", alike.Key.ToString().ToLowerInvariant())));

    // For each of these an origin was asked.
    private static CacheResult Coarse(CacheResult result) => result switch
    {
        CacheResult.Expired or CacheResult.Revalidated or CacheResult.Partial => CacheResult.Miss,
        _ => result,
    };

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);
}
