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
        EdgeHandler handler = new(options, files, _variants, _front, time);
        HttpService service =
            new(handler, new TrustedNetworks(options.Proxies), complaints, time)
            {
                CrossOrigin = new CrossOrigin(options.CorsOrigins),
                Listener = options.Listener is { } log ? new ExchangeListeners(log, _numbers) : _numbers,
                Tracer = options.Tracer,
                Gate = options.Gate,
                Clients = new ClientAddresses(options.Proxies),
            };
        Listeners =
        [
            .. Port(options.HttpPort, secure: false), .. Port(options.HttpsPort, secure: true),
        ];

        IEnumerable<Listener> Port(int? port, bool secure) =>
            port is { } number ? [new Listener(new IPEndPoint(options.Bind, number), service, secure)] : [];
    }

    /// <inheritdoc/>
    public string Name => "edge";

    /// <inheritdoc/>
    public IReadOnlyList<Listener> Listeners { get; }

    /// <inheritdoc/>
    public string? ServerName { get; }

    /// <inheritdoc/>
    public void Measure(Meter meter)
    {
        RequestFigures.Measure(_numbers, meter);
        if (_front is { } front) FrontFigures.Measure(front, _numbers, meter);
    }

    /// <inheritdoc/>
    public IEnumerable<WatchedHistogram> Histograms() => _front is null ? RequestFigures.Histograms(_numbers)
        : RequestFigures.Histograms(_numbers).Append(FrontFigures.Histogram(_front));

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

    /// <inheritdoc/>
    public Task RunAsync(CancellationToken cancellationToken) =>
        Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
}
