using MicroCdn.Index.Events;

namespace MicroCdn.Gateway.Notify;

/// <summary>Decides which events somebody outside has to know of; it is shown every event, in order.</summary>
internal sealed class NoticeFilter
{
    // More servers than a fleet has; the return of one beyond them is not told.
    private const int MostDead = 1_000;

    private readonly HashSet<string> _dead = [];

    /// <summary>True for what matters: who is suspect or unknown may be well in a second, and what an operator did
    /// the operator knows.</summary>
    public bool Takes(FleetEvent what) => what.Kind switch
    {
        EventKind.Server => TakesServer(what),
        EventKind.Copies or EventKind.Origin or EventKind.Disk or EventKind.Certificate or EventKind.Index => true,
        _ => false,
    };

    // A server that was not told to be dead does not come back.
    private bool TakesServer(FleetEvent what) => what.Severity switch
    {
        Severity.Error => _dead.Count >= MostDead || _dead.Add(what.Subject),
        Severity.Info => _dead.Remove(what.Subject),
        _ => false,
    };
}
