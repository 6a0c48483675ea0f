using MicroCdn.Http.Exchanges;
using MicroCdn.Network;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

namespace MicroCdn.Admin.Otlp;

/// <summary>Sends what the roles of a process measure to a collector, by OTLP.</summary>
/// <remarks>Threads of its own read and send: a collector that is slow or away delays nobody. What is measured is sums
/// and last values, so nothing waits for it meanwhile.</remarks>
public sealed class OtlpSender : IDisposable
{
    /// <summary>The time between two reports, as the library and most backends have it for slow signals: half of what
    /// alerts look back.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    // An end of the process is not to wait for a collector.
    private const int EndMilliseconds = 1_000;

    private readonly RoleMeters _meters = new();
    private readonly Carrier _metricCarrier;
    private readonly OtlpTarget _target;
    private readonly ILogger _logger;
    private MeterProvider? _metrics;

    /// <summary>Sends nothing yet.</summary>
    public OtlpSender(OtlpTarget target, ILogger logger) : this(target, logger, null)
    {
    }

    internal OtlpSender(OtlpTarget target, ILogger logger, Func<HttpMessageHandler>? network)
    {
        (_target, _logger) = (target, logger);
        _metricCarrier = new Carrier(network?.Invoke());
    }

    /// <summary>Measures how long requests take, which is not read from a role's own counts.</summary>
    /// <param name="server">The content server that answers them; null for an index.</param>
    public IExchangeListener DurationsOf(string? server) => new RequestDurations(_meters.Add(server));

    /// <summary>Begins to send.</summary>
    /// <param name="roles">Whose instruments are read.</param>
    /// <param name="instance">What tells this process from others, the same after it was started again.</param>
    /// <param name="version">The version of the program.</param>
    public void Start(IEnumerable<IWatched> roles, string instance, string version)
    {
        ResourceBuilder resource = ResourceBuilder.CreateDefault().AddService("microcdn", null, version,
            autoGenerateServiceInstanceId: false, serviceInstanceId: instance);
        MetricExporter exporter = new(_metricCarrier.OptionsFor(_target, "metrics"), _metricCarrier,
            new CollectorState("metrics", _target, _logger));
        _metrics = _meters.ReadBy(Sdk.CreateMeterProviderBuilder().SetResourceBuilder(resource))
            .AddReader(new PeriodicExportingMetricReader(exporter, (int)Interval.TotalMilliseconds)).Build();
        foreach (IWatched role in roles) _meters.Add(role);
    }

    /// <summary>Sends what is there now; false when it could not be.</summary>
    public bool Flush() => _metrics?.ForceFlush(EndMilliseconds) == true;

    /// <summary>Sends the last, and ends.</summary>
    public void Dispose()
    {
        _metrics?.Shutdown(EndMilliseconds);
        _metrics?.Dispose();
        _meters.Dispose();
        _metricCarrier.Dispose();
    }

    private sealed class MetricExporter(OtlpExporterOptions options, Carrier carrier, CollectorState state)
        : OtlpMetricExporter(options)
    {
        public override ExportResult Export(in Batch<Metric> metrics) =>
            state.Noted(base.Export(metrics), carrier.Trouble);
    }
}
