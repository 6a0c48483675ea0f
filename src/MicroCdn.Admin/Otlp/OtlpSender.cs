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

    private readonly RoleMeters _meters = new(inFull: true);
    private readonly Carrier _metricCarrier;
    private readonly OtlpTarget _target;
    private readonly ILogger _logger;
    private readonly Carrier _spanCarrier;
    private readonly SpanRoom _room = new(MostSpans);
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
        _meters.Add((string?)null).CreateObservableCounter("microcdn.traces.dropped", () => _room.Dropped, "{span}",
            "Spans that the collector does not get: it was away, refused them, or too many came at once.");
        _metrics = _meters.ReadBy(Sdk.CreateMeterProviderBuilder().SetResourceBuilder(resource))
            .AddReader(new PeriodicExportingMetricReader(exporter, (int)Interval.TotalMilliseconds)).Build();
        foreach (IWatched role in roles) _meters.Add(role);
        SpanExporter spans = new(_spanCarrier.OptionsFor(_target, "traces"), _spanCarrier,
            new CollectorState("traces", _target, _logger, () => _room.Dropped), _room);
        // The tracer has decided.
        _spans = Sdk.CreateTracerProviderBuilder().SetResourceBuilder(resource).AddSource(Tracer.Name)
            .SetSampler(new AlwaysOnSampler()).AddProcessor(new SpanQueue(spans, _room)).Build();
        // The first report does not wait: a wrong URL shows in the log at once, and the last one finds a connection.
        MeterProvider metrics = _metrics;
        _ = Task.Run(() => metrics.ForceFlush(EndMilliseconds));
    }

    /// <summary>Sends what is there now; false when it could not be.</summary>
    public bool Flush() =>
        _metrics?.ForceFlush(EndMilliseconds) == true & _spans?.ForceFlush(EndMilliseconds) == true;

    /// <summary>Sends the last, and ends.</summary>
    public void Dispose()
    {
        // Side by side, for each may wait; and for a report that is under way too.
        Task.WaitAll([Task.Run(() => _metrics?.Shutdown(EndMilliseconds)),
            Task.Run(() => _spans?.Shutdown(EndMilliseconds))], EndMilliseconds);
        _metrics?.Dispose();
        _spans?.Dispose();
        Tracer.Dispose();
        _chance.Dispose();
        _meters.Dispose();
        _metricCarrier.Dispose();
        _spanCarrier.Dispose();
    }

    private sealed class SpanQueue(SpanExporter exporter, SpanRoom room) : BatchActivityExportProcessor(
        exporter, MostSpans, SpanMilliseconds, Carrier.PatienceMilliseconds, BatchSpans)
    {
        protected override void OnExport(Activity data)
        {
            if (room.TryEnter()) base.OnExport(data);
        }
    }

    private sealed class SpanExporter(
        OtlpExporterOptions options, Carrier carrier, CollectorState state, SpanRoom room) : OtlpTraceExporter(options)
    {
        public override ExportResult Export(in Batch<Activity> spans)
        {
            long count = spans.Count;
            ExportResult result = base.Export(spans);
            room.Leave(count, result == ExportResult.Success);
            return state.Noted(result, carrier.Trouble);
        }
    }

    private sealed class MetricExporter(OtlpExporterOptions options, Carrier carrier, CollectorState state)
        : OtlpMetricExporter(options)
    {
        public override ExportResult Export(in Batch<Metric> metrics) =>
            state.Noted(base.Export(metrics), carrier.Trouble);
    }
}
