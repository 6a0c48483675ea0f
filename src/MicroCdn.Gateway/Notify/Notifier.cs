using System.Diagnostics.Metrics;
using MicroCdn.Gateway.Api.Models;
using MicroCdn.Index.Events;
using MicroCdn.Network;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Gateway.Notify;

/// <summary>Tells whoever wants to know what happens in the fleet, and tries on when that fails.</summary>
/// <remarks>Nobody's slowness costs more than a place in the log of events, and a hundred of them in memory.</remarks>
public sealed class Notifier : IRole, IWatched
{
    /// <summary>Most targets: each may take a connection or a process of its own.</summary>
    public const int MostTargets = 8;

    /// <summary>Most events that are told together.</summary>
    public const int MostTogether = 100;

    private readonly NotifyLoop[] _loops;

    /// <summary>Builds the role; nothing runs yet.</summary>
    /// <param name="events">What happens.</param>
    /// <param name="targets">Who is told, at most <see cref="MostTargets"/>; may be nobody.</param>
    /// <param name="index">Where the index listens, for those who hear of several.</param>
    /// <param name="leads">Whether that index is, of several, the one that writes: it alone tells.</param>
    /// <param name="time">The clock.</param>
    /// <param name="loggers">Where it logs.</param>
    public Notifier(EventLog events, IReadOnlyList<INotifyTarget> targets, string index, Func<bool> leads,
        TimeProvider time, ILoggerFactory loggers)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(targets.Count, MostTargets);
        ILogger logger = loggers.CreateLogger(Name);
        _loops = [.. targets.Select(target => new NotifyLoop(target, events, index, leads, time, logger))];
        events.Added += Wake;
    }

    /// <inheritdoc/>
    public string Name => "notify";

    /// <inheritdoc/>
    public IReadOnlyList<Listener> Listeners => [];

    /// <summary>Who is told, and how that went, in the order in which they were named.</summary>
    public IReadOnlyList<NotifyTargetView> Status => [.. _loops.Select(loop => loop.Status)];

    /// <inheritdoc/>
    public string? ServerName => null;

    /// <inheritdoc/>
    public void Measure(Meter meter, bool inFull)
    {
        meter.CreateObservableCounter("microcdn.notify.told", () => Each(status => status.Told), "{event}",
            "Events that somebody outside was told of.");
        meter.CreateObservableCounter("microcdn.notify.given_up", () => Each(status => status.GivenUp), "{event}",
            "Events that somebody outside could not be told of within an hour.");
        meter.CreateObservableGauge("microcdn.notify.waiting", () => Each(status => status.Waiting), "{event}",
            "Events that somebody outside is still to be told of.");
    }

    /// <inheritdoc/>
    public IEnumerable<ReadyCheck> Checks() => [];

    /// <inheritdoc/>
    public Task RunAsync(CancellationToken cancellationToken) => Tasks.UntilFirstFailure(
        [Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken),
            .. _loops.Select(loop => loop.RunAsync(cancellationToken))]);

    // Two may have the same name, for what stands behind a host is not part of it.
    private IEnumerable<Measurement<long>> Each(Func<NotifyTargetView, long> figure) =>
        Status.GroupBy(status => status.Target, figure).Select(alike => new Measurement<long>(
            alike.Sum(), new KeyValuePair<string, object?>("target", alike.Key)));

    private void Wake()
    {
        foreach (NotifyLoop loop in _loops) loop.Wake();
    }
}
