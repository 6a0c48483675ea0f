using MicroCdn.Index.Publishing;
using MicroCdn.Protocol;

namespace MicroCdn.Index;

/// <summary>All content servers: in which state, how loaded, and how each is reached. Decides without I/O.</summary>
/// <remarks>
/// <para>What monitors say and what the index sees itself is gathered here, and a <see cref="Jury"/> judges it anew
/// whenever some of it changes. A monitor of version 1 is heard by its lists. A list is older than it seems: what it
/// says is not believed against a SERVER_DOWN that came after it was asked, nor, for <see cref="Grace"/>, against a
/// registration whose first heartbeats may not have been counted yet.</para>
/// <para>Writers hold a lock; readers take the table of the moment and read fields that are written in one step.
/// <see cref="Changed"/> and <see cref="Look"/> are called when the lock is released.</para>
/// </remarks>
internal sealed partial class Fleet(TimeProvider time, Locations? locations = null)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ServerId, Server> _byId = [];
    private Server[] _servers = [];
    private PulledPaths _pulled = PulledPaths.None;

    /// <summary>Where they and their clients are.</summary>
    public Locations Locations { get; } = locations ?? Locations.None;

    /// <summary>Says whether proofs by a key are taken now.</summary>
    public Predicate<KeyId> Takes { private get; init; } = _ => true;

    /// <summary>Who is retired.</summary>
    public RetiredServers Retired { private get; init; } = new();

    /// <summary>The clock by which all this happens.</summary>
    public TimeProvider Time => time;

    /// <summary>All servers by number.</summary>
    public Server[] Servers => Volatile.Read(ref _servers);

    /// <summary>Who pulls which paths from origins.</summary>
    public PulledPaths Pulled => Volatile.Read(ref _pulled);

    /// <summary>True while some registered server is believed dead.</summary>
    public bool SomeoneIsDead => Array.Exists(Servers, s => s is { State: ServerState.Dead, Contact: not null });

    public Server? Find(ServerId id)
    {
        lock (_lock) return _byId.GetValueOrDefault(id);
    }

    /// <summary>The server of an id, given a number now if it had none; null when the fleet is full.</summary>
    public Server? Enlist(ServerId id)
    {
        lock (_lock)
        {
            if (_byId.TryGetValue(id, out Server? server)) return server;
            if (_servers.Length >= Limits.Servers) return null;
            server = new Server(id, _servers.Length);
            _byId.Add(id, server);
            Volatile.Write(ref _servers, [.. _servers, server]);
            return server;
        }
    }

    /// <summary>A connection registers a server; null when it may, else the claim of the process that has this
    /// id.</summary>
    /// <remarks>A later start takes over from the same address, or once the older connection is gone. Peers that
    /// tell no incarnation are taken as they come.</remarks>
    public Claim? Take(Server server, Claim claim)
    {
        lock (_lock)
        {
            if (server.Claim is { } other && other != claim && other.Excludes(claim)) return other;
            (server.Claim, server.Parted) = (claim, null);
            return null;
        }
    }

    /// <summary>The connection that registered a server ended. A server that counts its starts, and did not say that
    /// it leaves, is suspect until somebody has looked: so a crash is known as soon as its connection breaks.</summary>
    /// <param name="server">The server.</param>
    /// <param name="claim">What the connection claimed.</param>
    /// <param name="hasLapsed">It ended because the key that it was proved by was taken out. A look says nothing of
    /// that: the server has <see cref="ReturnTime"/> to come back by another key.</param>
    public void Release(Server server, Claim claim, bool hasLapsed = false) => Decide(changes =>
    {
        if (server.Claim != claim) return;
        (server.Claim, server.Parted) = (null, (claim, time.GetTimestamp()));
        if (hasLapsed)
        {
            Lapse(server);
            changes.Judge(server);
            return;
        }
        if (claim.Incarnation == 0 || server.Evidence.Drains) return;
        server.Evidence = server.Evidence with { IsParted = true };
        changes.Judge(server, look: true);
    });

    // Of one whose connection ended before its key was taken out nobody else would notice.
    private void LapseWithoutConnection(Server server)
    {
        if (server.Parted?.Claim.Key is { } key && !server.Evidence.IsLapsed && !Takes(key)) Lapse(server);
    }

    private void Lapse(Server server)
    {
        server.LapsedAt = time.GetTimestamp();
        server.Evidence = server.Evidence with { IsLapsed = true };
    }

    /// <summary>Goes by another country file from now on.</summary>
    public void Locate(CountryFile countries)
    {
        lock (_lock)
        {
            Locations.Countries = countries;
            foreach (Server server in _servers)
            {
                if (server.Contact is { } contact) contact.Place = Locations.PlaceOf(contact);
            }
        }
    }

    /// <summary>A server tells its own load; false when it is unknown.</summary>
    public bool UpdateLoad(ServerId id, int load)
    {
        if (Find(id) is not { } server) return false;
        server.Load = load;
        return true;
    }
}
