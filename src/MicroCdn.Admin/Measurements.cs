using System.Diagnostics;
using MicroCdn.Network;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace MicroCdn.Admin;

/// <summary>What the roles of a process measure, as a page.</summary>
/// <remarks>Everybody who asks within a second gets the same page, and nobody waits for the lock of a
/// collection on an event loop: however many ask, a collection runs at most once a second.</remarks>
internal sealed class Measurements : IDisposable
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1);

    private readonly RoleMeters _meters = new(inFull: false);
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
        _provider = _meters.ReadBy(Sdk.CreateMeterProviderBuilder())
            .AddReader(new BaseExportingMetricReader(_text)).Build();
        // After the provider: what is added before nobody would hear of.
        foreach (IWatched role in _roles) _meters.Add(role);
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
        _meters.Dispose();
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
