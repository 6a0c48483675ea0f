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
    IReadOnlyList<WatchedSeries> Series);

/// <summary>What was counted under one set of labels.</summary>
/// <param name="Tags">The labels.</param>
/// <param name="Buckets">How many values lie in each bucket, not in those below it.</param>
/// <param name="Sum">All values together.</param>
public sealed record WatchedSeries(
    IReadOnlyList<KeyValuePair<string, string>> Tags, IReadOnlyList<long> Buckets, double Sum);
