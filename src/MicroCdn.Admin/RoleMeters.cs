using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using MicroCdn.Network;
using OpenTelemetry.Metrics;

namespace MicroCdn.Admin;

/// <summary>The instruments of roles, for one reader: other readers of the process have others.</summary>
/// <param name="inFull">True for a collector, false for /metrics (<see cref="IWatched.Measure"/>).</param>
internal sealed class RoleMeters(bool inFull) : IDisposable
{
    /// <summary>Most series of one instrument: 50 servers by state are 300.</summary>
    public const int MostSeries = 500;

    private const string MeterName = "MicroCdn";

    private readonly ConcurrentDictionary<Meter, bool> _meters = [];

    /// <summary>Has a provider read them, and no others of that name.</summary>
    // By the instance: several processes of a test are one.
    public MeterProviderBuilder ReadBy(MeterProviderBuilder builder) => builder.AddMeter(MeterName)
        .AddView(instrument => _meters.ContainsKey(instrument.Meter)
            ? new MetricStreamConfiguration { CardinalityLimit = MostSeries }
            : MetricStreamConfiguration.Drop);

    /// <summary>Adds a meter whose instruments are labelled with a server; null for none.</summary>
    public Meter Add(string? server)
    {
        Meter meter = new(MeterName, null,
            server is not null ? [new KeyValuePair<string, object?>("server", server)] : []);
        _meters.TryAdd(meter, true);
        return meter;
    }

    /// <summary>Adds what a role measures.</summary>
    public void Add(IWatched role)
    {
        Meter meter = Add(role.ServerName);
        role.Measure(meter, inFull);
        // Whoever reads no instrument asks the role for these.
        foreach (WatchedHistogram histogram in inFull ? role.Histograms() : []) Tell(meter, histogram);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Meter meter in _meters.Keys) meter.Dispose();
    }

    private static void Tell(Meter meter, WatchedHistogram histogram)
    {
        if (histogram.Sources.Count == 0) return;
        InstrumentAdvice<double> bounds = new()
        {
            HistogramBucketBoundaries = histogram.Sources[0].Durations.Bounds,
        };
        Histogram<double> instrument =
            meter.CreateHistogram(histogram.Name, histogram.Unit, histogram.Description, null, bounds);
        foreach (WatchedDurations source in histogram.Sources) source.Durations.Tell(instrument, source.Tags);
    }
}
