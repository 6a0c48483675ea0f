using System.Diagnostics.Metrics;
using System.Net;
using MicroCdn.Content;
using MicroCdn.Content.Figures;
using MicroCdn.Edge.PullThrough;
using MicroCdn.Http;
using MicroCdn.Http.Exchanges;
using MicroCdn.Network;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Edge;

/// <summary>The HTTP face of a content server.</summary>
public sealed class EdgeRole : IRole, IWatched, IDisposable
{
    private readonly Variants? _variants;
    private readonly OriginFront? _front;
    private readonly RequestNumbers _numbers;
    private readonly ServedFiles _files;
    private readonly TimeProvider _time;
    private readonly HttpService _service;

    /// <summary>Builds the role; nothing runs yet.</summary>
    public EdgeRole(EdgeOptions options, ServedFiles files, TimeProvider time, ILoggerFactory loggers)
    {
        ILogger logger = loggers.CreateLogger("edge");
        if (options.Variants is { } folder)
        {
            _variants = new Variants(folder, Variants.DefaultBytes, logger, time, files.Health);
        }
        Complaints complaints = new(logger, time);
        if (options.Pull.Origins.Count > 0)
        {
            _front = new OriginFront(options.Pull, files, complaints, time, logger);
        }
        ServerName = options.Pull.Id?.ToString() ?? _front?.Name;
        _numbers = new RequestNumbers(_front?.Places.Length ?? 0);
        (_files, _time) = (files, time);
        _service = new HttpService(HandlerOf(options), new TrustedNetworks(options.Proxies), complaints, time)
        {
            Listener = options.Listener is { } log ? new ExchangeListeners(log, _numbers) : _numbers,
            Tracer = options.Tracer,
            Gate = options.Gate,
        };
        Apply(options);
        Listeners =
        [
            .. Port(options.HttpPort, secure: false), .. Port(options.HttpsPort, secure: true),
        ];

        IEnumerable<Listener> Port(int? port, bool secure) =>
            port is { } number ? [new Listener(new IPEndPoint(options.Bind, number), _service, secure)] : [];
    }

    /// <summary>Takes what may be another while it runs: Cache-Control, listings, CORS and proxies. All else
    /// stays as it was at the start.</summary>
    public void Apply(EdgeOptions options)
    {
        _service.Handler = HandlerOf(options);
        _service.CrossOrigin = new CrossOrigin(options.CorsOrigins);
        _service.Clients = new ClientAddresses(options.Proxies);
        _service.Proxies = new TrustedNetworks(options.Proxies);
    }

    /// <inheritdoc/>
    public string Name => "edge";

    /// <inheritdoc/>
    public IReadOnlyList<Listener> Listeners { get; }

    /// <inheritdoc/>
    public string? ServerName { get; }

    /// <inheritdoc/>
    public void Measure(Meter meter, bool inFull)
    {
        RequestFigures.Measure(_numbers, meter, inFull);
        if (_front is { } front) FrontFigures.Measure(front, _numbers, meter, inFull);
    }

    /// <inheritdoc/>
    public IEnumerable<WatchedHistogram> Histograms() => _front is null ? [RequestFigures.Histogram(_numbers)]
        : [RequestFigures.Histogram(_numbers), FrontFigures.Histogram(_front)];

    /// <inheritdoc/>
    public IEnumerable<ReadyCheck> Checks() => [new ReadyCheck("edge", null)];

    /// <summary>What it has served and asked for.</summary>
    public ITraffic Traffic => new EdgeTraffic(_numbers, _front);

    /// <summary>What purges of the index are applied to; null when it stands before no origin.</summary>
    public IPurgeTarget? Purges => _front?.Purges;

    /// <inheritdoc/>
    public void Dispose()
    {
        _variants?.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _front?.Dispose();
        _numbers.Dispose();
    }

    private EdgeHandler HandlerOf(EdgeOptions options) =>
        new(options, new FileFieldLines(options), _files, _variants, _front, _time);

    /// <inheritdoc/>
    public Task RunAsync(CancellationToken cancellationToken) =>
        Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
}
