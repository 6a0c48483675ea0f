using System.Diagnostics.Metrics;
using System.Net;
using MicroCdn.Http;
using MicroCdn.Http.Exchanges;
using MicroCdn.Index;
using MicroCdn.Network;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Gateway;

/// <summary>The HTTP face of an index.</summary>
public sealed class GatewayRole : IRole, IWatched, IDisposable
{
    private readonly RequestNumbers _numbers = new();
    private readonly List<(HttpService Service, Func<GatewayOptions, IHttpHandler> HandlerOf)> _ports = [];

    /// <summary>Builds the role; nothing runs yet.</summary>
    /// <param name="options">What it is told.</param>
    /// <param name="directory">The index of the same process.</param>
    /// <param name="dialer">How it reaches servers whose files it passes on.</param>
    /// <param name="time">The clock.</param>
    /// <param name="loggers">Where it logs.</param>
    public GatewayRole(
        GatewayOptions options, FileDirectory directory, IDialer dialer, TimeProvider time, ILoggerFactory loggers)
    {
        Complaints complaints = new(loggers.CreateLogger(Name), time);
        Relays? relays = options.Relays ? new Relays(dialer, complaints, time) : null;
        Pieces pieces = new(dialer, complaints, time);
        IExchangeListener listener = options.Listener is { } log ? new ExchangeListeners(log, _numbers) : _numbers;
        Listeners = [.. Port(options.HttpPort, secure: false), .. Port(options.HttpsPort, secure: true)];
        Apply(options);

        IEnumerable<Listener> Port(int? port, bool secure)
        {
            if (port is not { } number) yield break;
            IHttpHandler HandlerOf(GatewayOptions now) => new GatewayHandler(now, directory, relays, pieces, secure);
            HttpService service = new(HandlerOf(options), new TrustedNetworks(options.Proxies), complaints, time)
            {
                Listener = listener, Tracer = options.Tracer, Gate = options.Gate,
            };
            _ports.Add((service, HandlerOf));
            yield return new Listener(new IPEndPoint(options.Bind, number), service, secure);
        }
    }

    /// <summary>Takes what may be another while it runs: CORS and proxies. All else stays as it was at the
    /// start.</summary>
    public void Apply(GatewayOptions options)
    {
        foreach ((HttpService service, Func<GatewayOptions, IHttpHandler> handlerOf) in _ports)
        {
            service.Handler = handlerOf(options);
            service.CrossOrigin = new CrossOrigin(options.CorsOrigins);
            service.Clients = new ClientAddresses(options.Proxies);
            service.Proxies = new TrustedNetworks(options.Proxies);
        }
    }

    /// <inheritdoc/>
    public string Name => "gateway";

    /// <inheritdoc/>
    public IReadOnlyList<Listener> Listeners { get; }

    /// <inheritdoc/>
    public string? ServerName => null;

    /// <inheritdoc/>
    public void Measure(Meter meter, bool inFull) => RequestFigures.Measure(_numbers, meter, inFull);

    /// <inheritdoc/>
    public IEnumerable<WatchedHistogram> Histograms() => [RequestFigures.Histogram(_numbers)];

    /// <inheritdoc/>
    public IEnumerable<ReadyCheck> Checks() => [];

    /// <inheritdoc/>
    public void Dispose() => _numbers.Dispose();

    /// <inheritdoc/>
    public Task RunAsync(CancellationToken cancellationToken) =>
        Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
}
