using System.Net;
using MicroCdn.Protocol;

namespace MicroCdn.Index;

/// <summary>What one monitor said of one server.</summary>
/// <param name="State">What it believes of it.</param>
/// <param name="Incarnation">Of which of its starts; 0 when the monitor knows none.</param>
/// <param name="Event">The number of the event at that monitor; 0 for monitors of version 1, which count none.</param>
/// <param name="IsOverruled">The server itself has spoken since: it stands only against the same word again.</param>
/// <param name="IsSpared">A suspect that the monitor would call dead, had it not removed as many as it may.</param>
/// <param name="Why">What it says so for, in words; empty when it did not say.</param>
internal readonly record struct Statement(
    ServerState State, long Incarnation, long Event, bool IsOverruled = false, bool IsSpared = false,
    string Why = "")
{
    // Only the monitor's own count orders its words: a server that goes back to version 1 has no incarnation any more,
    // and what is said of it then is news all the same.
    public bool IsOlderThan(in Statement other) => Event < other.Event;
}

/// <summary>One row of all that a monitor knows.</summary>
/// <param name="Id">The server.</param>
/// <param name="Statement">What is said of it.</param>
/// <param name="Heard">How long before that its last heartbeat came; null when it did not say.</param>
internal readonly record struct DigestRow(ServerId Id, Statement Statement, TimeSpan? Heard = null);

/// <summary>One monitor as this index hears it: its last word on each server. Pure; not for several threads at
/// once.</summary>
/// <remarks>It is one connection of one process, whose events only grow: of two words on a server the one of the later
/// event stands, in whatever order and however often they come. A monitor of version 1 counts nothing: its last word is
/// the one that came last.</remarks>
/// <param name="name">What it calls itself, or where it is asked.</param>
/// <param name="isVersion1">It is asked by LIST_SERVERS, and says nothing by itself but SERVER_DOWN.</param>
internal sealed class Juror(string name, bool isVersion1 = false)
{
    private readonly Dictionary<ServerId, Statement> _said = [];
    private readonly Dictionary<ServerId, TimeSpan> _heard = [];
    private long _upTo;

    public string Name => name;

    public bool IsVersion1 => isVersion1;

    /// <summary>The address it speaks from, or is reached at; null until that is known.</summary>
    public IPAddress? Address { get; set; }

    /// <summary>What one that is asked by LIST_SERVERS calls itself where it speaks version 2; null until it
    /// told.</summary>
    public string? CallsItself { get; set; }

    /// <summary>True while it can be heard.</summary>
    public bool IsHere { get; set; } = !isVersion1;

    /// <summary>True while it says that it does not trust itself.</summary>
    public bool Doubts { get; set; }

    /// <summary>When it last said anything, by our clock.</summary>
    public long HeardAt { get; set; }

    /// <summary>When it last told all that it knows, by our clock.</summary>
    public long ToldAllAt { get; set; }

    /// <summary>How long before <see cref="ToldAllAt"/> it heard the last heartbeat of each server; nothing of those of
    /// whom it did not say that.</summary>
    public IReadOnlyDictionary<ServerId, TimeSpan> Heard => _heard;

    /// <summary>What it said last of a server; null when nothing.</summary>
    public Statement? Of(ServerId id) => _said.TryGetValue(id, out Statement statement) ? statement : null;

    /// <summary>Takes one word; false when it changes nothing.</summary>
    public bool Hear(ServerId id, in Statement statement)
    {
        if (_said.TryGetValue(id, out Statement known) ? !known.IsOlderThan(statement) : statement.Event <= _upTo)
        {
            return false;
        }
        if (_said.Count >= Limits.Servers && !_said.ContainsKey(id)) return false;
        _said[id] = statement;
        return true;
    }

    /// <summary>Takes everything that it knows, which replaces all it said up to an event.</summary>
    /// <param name="rows">The servers it knows.</param>
    /// <param name="upTo">The last event that is in them; later ones stand. Null when it does not say.</param>
    public void Replace(IReadOnlyList<DigestRow> rows, long? upTo)
    {
        HashSet<ServerId> listed = [.. rows.Select(row => row.Id)];
        foreach ((ServerId id, Statement said) in _said.ToArray())
        {
            if (said.Event <= (upTo ?? long.MaxValue) && !listed.Contains(id)) _said.Remove(id);
        }
        foreach (DigestRow row in rows)
        {
            bool isKnown = _said.TryGetValue(row.Id, out Statement known);
            if (isKnown && !known.IsOlderThan(row.Statement)) continue;
            if (!isKnown && _said.Count >= Limits.Servers) continue;
            _said[row.Id] = row.Statement;
        }
        _heard.Clear();
        foreach (DigestRow row in rows)
        {
            _upTo = Math.Max(_upTo, row.Statement.Event);
            if (row.Heard is { } heard) _heard[row.Id] = heard;
        }
        _upTo = Math.Max(_upTo, upTo ?? 0);
    }

    /// <summary>Sets a word that counts no events, as version 1 has them.</summary>
    public void Set(ServerId id, ServerState state) => _said[id] = new Statement(state, 0, 0);

    /// <summary>A server of which this monitor knows no incarnation spoke for itself: what was said before is
    /// over.</summary>
    public void Overrule(ServerId id, long incarnation)
    {
        if (!_said.TryGetValue(id, out Statement said) || (said.Incarnation > 0 && incarnation > 0)) return;
        if (isVersion1) _said.Remove(id);
        else _said[id] = said with { IsOverruled = true };
    }
}
