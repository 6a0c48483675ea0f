namespace MicroCdn.Network;

/// <summary>A histogram that a role counts itself, and that is read when somebody looks: the instruments of
/// System.Diagnostics.Metrics know only of one that is told of every value.</summary>
/// <param name="Name">Its name, as those of instruments.</param>
/// <param name="Unit">The unit of its values.</param>
/// <param name="Description">One sentence.</param>
/// <param name="Bounds">The upper bounds of its buckets, which belong to them; behind them is one more without
/// one.</param>
/// <param name="Series">What was counted.</param>
public sealed record WatchedHistogram(string Name, string Unit, string Description, IReadOnlyList<double> Bounds,
    IReadOnlyList<WatchedSeries> Series)
{
    /// <summary>What counts them, for readers of instruments, who are told of each value; empty where others tell
    /// them.</summary>
    public IReadOnlyList<WatchedDurations> Sources { get; private init; } = [];

    /// <summary>One of durations in seconds, which have the same bounds.</summary>
    public static WatchedHistogram Of(
        string name, string description, params IReadOnlyList<WatchedDurations> sources) =>
        new(name, "s", description, sources.Count > 0 ? sources[0].Durations.Bounds : [],
            [.. sources.Select(source => source.Durations.Series(source.Tags))]) { Sources = sources };

    /// <summary>The same with fewer buckets.</summary>
    /// <param name="bounds">Some of its bounds.</param>
    public WatchedHistogram Shown(IReadOnlyList<double> bounds) => this with
    {
        Bounds = bounds, Series = [.. Series.Select(one => one with { Buckets = Merged(one.Buckets, bounds) })],
    };

    private long[] Merged(IReadOnlyList<long> buckets, IReadOnlyList<double> bounds)
    {
        long[] merged = new long[bounds.Count + 1];
        int place = 0;
        for (int bucket = 0; bucket < buckets.Count; bucket++)
        {
            while (place < bounds.Count && (bucket == Bounds.Count || Bounds[bucket] > bounds[place])) place++;
            merged[place] += buckets[bucket];
        }
        return merged;
    }
}

/// <summary>What was counted under one set of labels.</summary>
/// <param name="Tags">The labels.</param>
/// <param name="Buckets">How many values lie in each bucket, not in those below it.</param>
/// <param name="Sum">All values together.</param>
public sealed record WatchedSeries(
    IReadOnlyList<KeyValuePair<string, string>> Tags, IReadOnlyList<long> Buckets, double Sum);

/// <summary>Durations that are shown under one set of labels.</summary>
/// <param name="Durations">What counts them.</param>
/// <param name="Tags">The labels.</param>
public readonly record struct WatchedDurations(Durations Durations, params KeyValuePair<string, string>[] Tags);
