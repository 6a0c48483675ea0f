using System.Diagnostics;
using MicroCdn.Http.Exchanges;
using MicroCdn.Network;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Tracer = MicroCdn.Http.Tracing.Tracer;

namespace MicroCdn.Admin.Otlp;

/// <summary>Sends what a process measures, and the spans of its requests, to a collector, by OTLP.</summary>
/// <remarks>Threads of its own read and send: a collector that is slow or away delays nobody. What is measured is sums
/// and last values, so nothing waits for it meanwhile; of spans <see cref="MostSpans"/> do, and what comes then is
/// dropped.</remarks>
public sealed class OtlpSender : IDisposable
{
    /// <summary>The time between two reports, as the library and most backends have it for slow signals: half of what
    /// alerts look back.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    /// <summary>The most spans that wait, as the library has it: some 2 MB.</summary>
    public const int MostSpans = 2048;

    private const int BatchSpans = 512;
    private const int SpanMilliseconds = 5_000;

    // An end of the process is not to wait long for a collector that says nothing.
    private const int EndMilliseconds = 5_000;

    private readonly RoleMeters _meters = new();
    private readonly Carrier _metricCarrier;
    private readonly OtlpTarget _target;
    private readonly ILogger _logger;
    private readonly Carrier _spanCarrier;
    private readonly ThreadLocal<Random> _chance = new(() => new Random());
    private MeterProvider? _metrics;
    private TracerProvider? _spans;

    /// <summary>Sends nothing yet.</summary>
    public OtlpSender(OtlpTarget target, ILogger logger) : this(target, logger, null)
    {
    }

    internal OtlpSender(OtlpTarget target, ILogger logger, Func<HttpMessageHandler>? network)
    {
        (_target, _logger) = (target, logger);
        (_metricCarrier, _spanCarrier) = (new Carrier(network?.Invoke()), new Carrier(network?.Invoke()));
        Tracer = new Tracer(target.TraceRatio, () => _chance.Value!.NextDouble());
    }

    /// <summary>Makes the spans that are sent.</summary>
    public Tracer Tracer { get; }

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
        SpanExporter spans = new(_spanCarrier.OptionsFor(_target, "traces"), _spanCarrier,
            new CollectorState("traces", _target, _logger));
        // The tracer has decided.
        _spans = Sdk.CreateTracerProviderBuilder().SetResourceBuilder(resource).AddSource(Tracer.Name)
            .SetSampler(new AlwaysOnSampler()).AddProcessor(new BatchActivityExportProcessor(
                spans, MostSpans, SpanMilliseconds, Carrier.PatienceMilliseconds, BatchSpans)).Build();
    }

    /// <summary>Sends what is there now; false when it could not be.</summary>
    public bool Flush() =>
        _metrics?.ForceFlush(EndMilliseconds) == true & _spans?.ForceFlush(EndMilliseconds) == true;

    /// <summary>Sends the last, and ends.</summary>
    public void Dispose()
    {
        // Side by side, for each may wait.
        Task.WaitAll(Task.Run(() => _metrics?.Shutdown(EndMilliseconds)),
            Task.Run(() => _spans?.Shutdown(EndMilliseconds)));
        _metrics?.Dispose();
        _spans?.Dispose();
        Tracer.Dispose();
        _chance.Dispose();
        _meters.Dispose();
        _metricCarrier.Dispose();
        _spanCarrier.Dispose();
    }

    private sealed class SpanExporter(OtlpExporterOptions options, Carrier carrier, CollectorState state)
        : OtlpTraceExporter(options)
    {
        public override ExportResult Export(in Batch<Activity> spans) =>
            state.Noted(base.Export(spans), carrier.Trouble);
    }

    private sealed class MetricExporter(OtlpExporterOptions options, Carrier carrier, CollectorState state)
        : OtlpMetricExporter(options)
    {
        public override ExportResult Export(in Batch<Metric> metrics) =>
            state.Noted(base.Export(metrics), carrier.Trouble);
    }
}
