using MicroCdn.Protocol;

namespace MicroCdn.Index;

/// <summary>All content servers: who is alive, how loaded, and how each is reached. Decides without I/O.</summary>
/// <remarks>
/// <para>A server is believed alive from its registration on, and dead once a monitor says so. A monitor that lists it
/// alive again, or a new registration, brings it back. A monitor's list is older than it seems: what it says is not
/// believed against a SERVER_DOWN that came after it was asked, nor, for <see cref="Grace"/>, against a registration
/// whose first heartbeats may not have been counted yet.</para>
/// <para>Writers hold a lock; readers take the table of the moment and read fields that are written in one step.</para>
/// </remarks>
internal sealed class Fleet(TimeProvider time, Locations? locations = null)
{
    /// <summary>How long a new registration outweighs a monitor that still lists the server dead: three
    /// heartbeats.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly Dictionary<ServerId, Server> _byId = [];
    private Server[] _servers = [];

    /// <summary>Where they and their clients are.</summary>
    public Locations Locations { get; } = locations ?? Locations.None;

    /// <summary>All servers by number.</summary>
    public Server[] Servers => Volatile.Read(ref _servers);

    /// <summary>True while some registered server is believed dead.</summary>
    public bool SomeoneIsDead => Array.Exists(Servers, s => s is { IsAlive: false, Contact: not null });

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

    /// <summary>A server completed its registration.</summary>
    public void Registered(Server server, Contact contact)
    {
        lock (_lock)
        {
            contact.Place = Locations.PlaceOf(contact);
            server.Contact = contact;
            server.RegisteredAt = time.GetTimestamp();
            server.IsAlive = true;
        }
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

    /// <summary>A monitor calls a server dead; true when that is news.</summary>
    public bool MarkDead(ServerId id)
    {
        lock (_lock)
        {
            if (!_byId.TryGetValue(id, out Server? server)) return false;
            server.DownAt = time.GetTimestamp();
            bool news = server.IsAlive;
            server.IsAlive = false;
            return news;
        }
    }

    /// <summary>A server tells its own load; false when it is unknown.</summary>
    public bool UpdateLoad(ServerId id, int load)
    {
        if (Find(id) is not { } server) return false;
        server.Load = load;
        return true;
    }

    /// <summary>A monitor's list arrived; returns the servers whose state it changed.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="askedAt">When the monitor was asked, by our clock.</param>
    public List<Server> Hear(IReadOnlyList<ServerRow> rows, long askedAt)
    {
        List<Server> changed = [];
        lock (_lock)
        {
            foreach (ServerRow row in rows)
            {
                if (!_byId.TryGetValue(row.Id, out Server? server) || server.Contact is null) continue;
                server.Load = row.Load;
                bool believed = row.Alive ? server.DownAt <= askedAt
                    : time.GetElapsedTime(server.RegisteredAt, askedAt) > Grace;
                if (!believed || server.IsAlive == row.Alive) continue;
                server.IsAlive = row.Alive;
                changed.Add(server);
            }
        }
        return changed;
    }

    /// <summary>Ages the count of recent answers; called once a second.</summary>
    public void Forget()
    {
        foreach (Server server in Servers) server.Forget();
    }
}
