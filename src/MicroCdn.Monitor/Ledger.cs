using MicroCdn.Protocol;

namespace MicroCdn.Monitor;

/// <summary>What this monitor says of each server now, each thing with the number of the event that made it
/// so.</summary>
/// <remarks>Whoever tells an index compares the numbers it has an answer for with these: a later event takes the place
/// of an earlier one that was not told yet. One caller at a time.</remarks>
internal sealed class Ledger
{
    private readonly Dictionary<ServerId, StateEvent> _rows = [];

    /// <summary>The number of the last event.</summary>
    public long Last { get; private set; }

    /// <summary>True while the monitor doubts itself.</summary>
    public bool Doubts { get; set; }

    /// <summary>Everything said.</summary>
    public IReadOnlyCollection<StateEvent> Rows => _rows.Values;

    /// <summary>Writes down what is said from now on.</summary>
    public StateEvent Write(ServerId id, ServerState state, long incarnation, long unixSeconds, bool isSpared = false,
        string why = "") =>
        _rows[id] = new StateEvent(id, state, incarnation, ++Last, unixSeconds, isSpared, why);

    /// <summary>Forgets those of whom nothing is known any more.</summary>
    public void Keep(Func<ServerId, bool> isKnown)
    {
        foreach (ServerId id in _rows.Keys.Where(id => !isKnown(id)).ToArray()) _rows.Remove(id);
    }

    /// <summary>True when this is still what is said.</summary>
    public bool Holds(in StateEvent news) => _rows.TryGetValue(news.Id, out StateEvent row) && row.Event == news.Event;
}
