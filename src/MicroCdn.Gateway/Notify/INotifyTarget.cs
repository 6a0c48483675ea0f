using MicroCdn.Index.Events;

namespace MicroCdn.Gateway.Notify;

/// <summary>Somebody outside who is told what happens in the fleet.</summary>
public interface INotifyTarget
{
    /// <summary>What it is called in logs and pages; nothing that is secret.</summary>
    string Name { get; }

    /// <summary>Most events that it takes at once.</summary>
    int MostTogether { get; }

    /// <summary>Tells it of events, within a time of its own.</summary>
    /// <param name="events">The events, the oldest first; at least one.</param>
    /// <param name="json">The same as JSON: an object for one event, a list for several.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Null when it took them, else the end of a sentence that says why not.</returns>
    Task<string?> TellAsync(
        IReadOnlyList<FleetEvent> events, ReadOnlyMemory<byte> json, CancellationToken cancellationToken);
}
