using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using MicroCdn.Network;
using OpenTelemetry.Metrics;

namespace MicroCdn.Admin;

/// <summary>The instruments of roles, for one reader: other readers of the process have others.</summary>
internal sealed class RoleMeters : IDisposable
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
    public void Add(IWatched role) => role.Measure(Add(role.ServerName));

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Meter meter in _meters.Keys) meter.Dispose();
    }
}
