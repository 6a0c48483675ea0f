using System.Net;
using MicroCdn.Network;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Index;

/// <summary>The index: which server has which file, and which one gets this client.</summary>
public sealed class IndexRole : IRole
{
    private readonly Applied _applied;
    private readonly MonitorWatch _monitor;

    /// <summary>Builds the role; nothing runs yet.</summary>
    /// <param name="options">What it is told.</param>
    /// <param name="dialer">How it reaches the monitor.</param>
    /// <param name="time">The clock.</param>
    /// <param name="chance">Seeds the name table, so that nobody can choose names that collide.</param>
    /// <param name="loggers">Where it logs.</param>
    public IndexRole(IndexOptions options, IDialer dialer, TimeProvider time, Random chance, ILoggerFactory loggers)
    {
        ILogger logger = loggers.CreateLogger("index");
        Router router = new(new Catalog(chance.NextInt64()), new Fleet(time));
        _applied = new Applied(router, logger);
        Directory = new FileDirectory(router);
        _monitor = new MonitorWatch(options, router.Fleet, dialer, time, logger);
        IndexService service =
            new(router, new TrustedNetworks(options.Trust), _applied, new Complaints(logger, time), logger);
        Listeners = [new Listener(new IPEndPoint(options.Bind, options.Port), service)];
    }

    /// <inheritdoc/>
    public string Name => "index";

    /// <summary>The same catalog that the line protocol answers from, for other doors to it.</summary>
    public FileDirectory Directory { get; }

    /// <inheritdoc/>
    public IReadOnlyList<Listener> Listeners { get; }

    /// <inheritdoc/>
    public Task RunAsync(CancellationToken cancellationToken) =>
        Tasks.UntilFirstFailure(_applied.RunAsync(cancellationToken), _monitor.RunAsync(cancellationToken));
}
