using System.Collections.Immutable;
using System.Diagnostics.Metrics;

namespace MicroCdn.Network;

/// <summary>Counts how long something took, by buckets, to be shown as a <see cref="WatchedHistogram"/>; any
/// thread.</summary>
/// <remarks>For what happens some hundred times a second at most: all threads write the same memory.</remarks>
/// <param name="bounds">The upper bounds of the buckets in seconds, rising.</param>
public sealed class Durations(params double[] bounds)
{
    private readonly long[] _buckets = new long[bounds.Length + 1];
    private ImmutableArray<(Histogram<double> Instrument, KeyValuePair<string, object?>[] Labels)> _told = [];
    private long _ticks;

    /// <summary>The upper bounds of the buckets in seconds.</summary>
    public IReadOnlyList<double> Bounds => bounds;

    /// <summary>How many there were.</summary>
    public long Count
    {
        get
        {
            long count = 0;
            for (int bucket = 0; bucket < _buckets.Length; bucket++) count += Interlocked.Read(ref _buckets[bucket]);
            return count;
        }
    }

    /// <summary>Counts one.</summary>
    public void Add(TimeSpan duration)
    {
        int bucket = 0;
        while (bucket < bounds.Length && duration.TotalSeconds > bounds[bucket]) bucket++;
        Interlocked.Increment(ref _buckets[bucket]);
        Interlocked.Add(ref _ticks, duration.Ticks);
        foreach ((Histogram<double> instrument, KeyValuePair<string, object?>[] labels) in _told)
        {
            instrument.Record(duration.TotalSeconds, labels);
        }
    }

    /// <summary>Tells an instrument of each from now on, under these labels.</summary>
    public void Tell(Histogram<double> instrument, params IEnumerable<KeyValuePair<string, string>> tags)
    {
        KeyValuePair<string, object?>[] labels =
            [.. tags.Select(tag => new KeyValuePair<string, object?>(tag.Key, tag.Value))];
        ImmutableInterlocked.Update(ref _told, told => told.Add((instrument, labels)));
    }

    /// <summary>What was counted so far.</summary>
    public WatchedSeries Series(params KeyValuePair<string, string>[] tags)
    {
        long[] buckets = new long[_buckets.Length];
        for (int bucket = 0; bucket < buckets.Length; bucket++)
        {
            buckets[bucket] = Interlocked.Read(ref _buckets[bucket]);
        }
        return new WatchedSeries(tags, buckets, new TimeSpan(Interlocked.Read(ref _ticks)).TotalSeconds);
    }
}
