using System.Net;
using MicroCdn.Http;
using MicroCdn.Network;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Admin;

/// <summary>The admin port of a process without tokens: it can be looked at there, and nothing can be done.</summary>
public sealed partial class WatchRole : IRole, IDisposable
{
    private readonly WatchPages _pages;
    private readonly IPAddress _bind;
    private readonly ILogger _logger;

    /// <summary>Builds the role; nothing runs yet.</summary>
    /// <param name="endPoint">Where it listens.</param>
    /// <param name="roles">What can be looked at.</param>
    /// <param name="time">The clock.</param>
    /// <param name="loggers">Where it logs.</param>
    public WatchRole(IPEndPoint endPoint, IEnumerable<IWatched> roles, TimeProvider time, ILoggerFactory loggers)
    {
        _logger = loggers.CreateLogger(Name);
        _bind = endPoint.Address;
        _pages = new WatchPages(roles, time);
        Complaints complaints = new(_logger, time);
        Handler handler = new(_pages, new DownloadPages(roles.OfType<IDownloadCounts>(), time));
        Listeners =
            [new Listener(endPoint, new HttpService(handler, new TrustedNetworks([]), complaints, time))];
    }

    /// <inheritdoc/>
    public string Name => "admin";

    /// <inheritdoc/>
    public IReadOnlyList<Listener> Listeners { get; }

    /// <inheritdoc/>
    public Task RunAsync(CancellationToken cancellationToken)
    {
        if (!IPAddress.IsLoopback(_bind)) LogOpen(_bind);
        return Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose() => _pages.Dispose();

    [LoggerMessage(5201, LogLevel.Warning,
        "the admin port listens on {Address}: whoever reaches it reads what is measured")]
    private partial void LogOpen(IPAddress address);

    private sealed class Handler(WatchPages pages, DownloadPages downloads) : IHttpHandler
    {
        public void Handle(in Request request, Response response, IPeer peer)
        {
            if (WatchPages.IsFor(request.Path)) pages.Answer(request, response);
            else if (downloads.IsFor(request.Path)) downloads.Answer(request, response);
            else response.Explain(HttpStatus.NotFound, "Here are /healthz, /readyz and /metrics.");
        }
    }
}
