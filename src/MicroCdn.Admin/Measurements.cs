using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using MicroCdn.Network;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace MicroCdn.Admin;

/// <summary>What the roles of a process measure, as a page.</summary>
/// <remarks>Everybody who asks within a second gets the same page, and nobody waits for the lock of a
/// collection on an event loop: however many ask, a collection runs at most once a second.</remarks>
internal sealed class Measurements : IDisposable
{
    /// <summary>Most series of one instrument: 50 servers by state are 300.</summary>
    public const int MostSeries = 500;

    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1);

    private const string MeterName = "MicroCdn";

    private readonly ConcurrentDictionary<Meter, bool> _meters = [];
    private readonly PrometheusText _text;
    private readonly IWatched[] _roles;
    private readonly MeterProvider _provider;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private Task<byte[]>? _page;
    private long _collectedAt;

    public Measurements(IEnumerable<IWatched> roles, TimeProvider time)
    {
        (_time, _roles) = (time, [.. roles]);
        _text = new PrometheusText(Histograms);
        // By the instance: several processes of a test are one.
        _provider = Sdk.CreateMeterProviderBuilder().AddMeter(MeterName)
            .AddView(instrument => _meters.ContainsKey(instrument.Meter)
                ? new MetricStreamConfiguration { CardinalityLimit = MostSeries }
                : MetricStreamConfiguration.Drop)
            .AddReader(new BaseExportingMetricReader(_text)).Build();
        // After the provider: what is added before nobody would hear of.
        foreach (IWatched role in _roles)
        {
            Meter meter = new(MeterName, null,
                role.ServerName is { } name ? [new KeyValuePair<string, object?>("server", name)] : []);
            _meters.TryAdd(meter, true);
            role.Measure(meter);
        }
    }

    /// <summary>The page of this moment, or of at most a second ago.</summary>
    public Task<byte[]> PageAsync()
    {
        lock (_lock)
        {
            if (_page is { } page && (!page.IsCompleted || _time.GetElapsedTime(_collectedAt) < Fresh)) return page;
            _collectedAt = _time.GetTimestamp();
            return _page = Task.Run(Collect);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _provider.Dispose();
        foreach (Meter meter in _meters.Keys) meter.Dispose();
    }

    // One that breaks does not take the others with it, as the library has it with instruments.
    private List<(string?, WatchedHistogram)> Histograms()
    {
        List<(string?, WatchedHistogram)> all = [];
        foreach (IWatched role in _roles)
        {
            try
            {
                foreach (WatchedHistogram histogram in role.Histograms()) all.Add((role.ServerName, histogram));
            }
            catch (Exception exception)
            {
                Trace.TraceWarning($"a histogram could not be read: {exception.Message}");
            }
        }
        return all;
    }

    private byte[] Collect() => _text.Collect!(Timeout.Infinite) ? _text.Page
        : throw new InvalidOperationException(
            $"the instruments could not be read: {_text.Failure?.Message ?? "they say no more"}", _text.Failure);
}
