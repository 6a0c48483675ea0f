using MicroCdn.Client;
using MicroCdn.Gateway.Admin;
using MicroCdn.Gateway.Api.Endpoints;
using MicroCdn.Gateway.Api.Models;
using MicroCdn.Index;
using MicroCdn.Protocol;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Gateway.Api;

/// <summary>All that the API does, put together.</summary>
internal sealed class AdminApi
{
    private readonly EventStreams _streams;

    /// <summary>Puts it together; nothing runs yet.</summary>
    /// <param name="index">The index of the same process.</param>
    /// <param name="steering">By what the fleet is steered.</param>
    /// <param name="doorkeeper">Who looks at tokens.</param>
    /// <param name="sessions">Sessions of browsers.</param>
    /// <param name="uploading">Who takes the bytes of files.</param>
    /// <param name="audit">Where changes are written down.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where it logs.</param>
    public AdminApi(IndexRole index, Steering steering, Doorkeeper doorkeeper, Sessions sessions, Uploading uploading,
        AuditLog audit, TimeProvider time, ILogger logger)
    {
        CopyWatch copies = new(steering.Publisher, time);
        FleetDesk fleet = new(index, copies, steering.Version, time);
        _streams = new EventStreams(index.Events, fleet.OverviewJson, time);
        Paths = new ApiPaths(
        [
            DescriptionRoute.Of(),
            .. new SessionRoutes(doorkeeper, sessions).All,
            .. new ServerRoutes(fleet, steering.Publisher, steering.Monitors).All,
            .. new FileRoutes(index.Directory, new Explaining(index.Directory, mayRelay: true)).All,
            .. new PurgeRoutes(steering.Purger, index.Events, audit, time).All,
            .. new ReleaseRoutes(steering.Publisher, uploading, index.Events, audit).All,
            .. new PolicyRoutes(steering.Publisher, index.Events).All,
            .. new TokenRoutes(steering.Publisher, index.Events, steering.Chance, time).All,
            .. new DownloadRoutes(index.Downloads, time).All,
            .. new EventRoutes(index.Events, _streams, index.Tokens, audit, steering, time).All,
        ]);
        Handler = new ApiHandler(Paths, doorkeeper, sessions, audit, time, logger);
    }

    /// <summary>All that there is.</summary>
    public ApiPaths Paths { get; }

    /// <summary>Answers requests.</summary>
    public ApiHandler Handler { get; }

    /// <summary>Tells who listens what happens, until cancelled.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => _streams.RunAsync(cancellationToken);
}

/// <summary>By what the fleet is steered: each is told as an operator tells it.</summary>
public sealed record Steering
{
    /// <summary>Publishes, at the index of this process.</summary>
    public required Publisher Publisher { get; init; }

    /// <summary>Purges, at the index of this process.</summary>
    public required Purger Purger { get; init; }

    /// <summary>The monitors that this index goes by.</summary>
    public required IReadOnlyList<MonitorClient> Monitors { get; init; }

    /// <summary>Who is told of events, and how that went.</summary>
    public Func<IReadOnlyList<NotifyTargetView>> Notified { get; init; } = () => [];

    /// <summary>How this process is set.</summary>
    public Func<IReadOnlyList<SettingView>> Settings { get; init; } = () => [];

    /// <summary>The version of the program.</summary>
    public required string Version { get; init; }

    /// <summary>Draws tokens and keys.</summary>
    public required RandomBytes Chance { get; init; }
}
