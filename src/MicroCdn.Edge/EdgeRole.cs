using System.Diagnostics.Metrics;
using System.Net;
using MicroCdn.Content;
using MicroCdn.Edge.PullThrough;
using MicroCdn.Http;
using MicroCdn.Network;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Edge;

/// <summary>The HTTP face of a content server.</summary>
public sealed class EdgeRole : IRole, IWatched, IDisposable
{
    private readonly Variants? _variants;
    private readonly OriginFront? _front;

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
        EdgeHandler handler = new(options, files, _variants, _front, time);
        HttpService service =
            new(handler, new TrustedNetworks(options.Proxies), complaints, time)
            {
                CrossOrigin = new CrossOrigin(options.CorsOrigins),
                Listener = options.Listener,
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
    public string? ServerName => _front?.Name;

    /// <inheritdoc/>
    public void Measure(Meter meter)
    {
        if (_front is { } front) FrontFigures.Measure(front, meter);
    }

    /// <inheritdoc/>
    public IEnumerable<ReadyCheck> Checks() => [new ReadyCheck("edge", null)];

    /// <summary>What purges of the index are applied to; null when it stands before no origin.</summary>
    public IPurgeTarget? Purges => _front?.Purges;

    /// <inheritdoc/>
    public void Dispose()
    {
        _variants?.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _front?.Dispose();
    }

    /// <inheritdoc/>
    public Task RunAsync(CancellationToken cancellationToken) =>
        Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
}
