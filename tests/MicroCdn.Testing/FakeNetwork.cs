using System.Net;
using MicroCdn.Network;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Testing;

/// <summary>A small network in memory: streams arrive in pieces, datagrams get lost, all from one seed.</summary>
/// <remarks>
/// It hosts the real conversations and the real roles; only sockets are missing. Every delivery is an event on one
/// queue, so that sessions never overlap, as on an event loop. What the seed cannot fix is the order in which the
/// thread pool runs the roles' own loops; therefore each link and each connection draws from a chance of its own.
/// </remarks>
public sealed class FakeNetwork : IDisposable
{
    private static readonly TimeSpan SweepInterval = TimeSpan.FromMilliseconds(500);
    private readonly int _seed;
    private readonly Pump _pump;
    private readonly ITimer _sweeps;
    private readonly Dictionary<string, FakeHost> _hosts = [];
    private readonly Dictionary<string, IPAddress> _addresses = [];
    private readonly Dictionary<(string From, string To), Link> _links = [];
    private readonly List<FakeConnection> _connections = [];
    private readonly List<Dial> _dials = [];
    private readonly List<Exception> _faults = [];

    /// <summary>Makes an empty network.</summary>
    public FakeNetwork(int seed, FakeTimeProvider time, LogCollector log)
    {
        (_seed, Time, Log) = (seed, time, log);
        _pump = new Pump(Fault);
        StartedAt = time.GetTimestamp();
        _sweeps = time.CreateTimer(_ => Sweep(), null, SweepInterval, SweepInterval);
    }

    /// <summary>When set, every fragment is exactly so long: 1 delivers byte by byte.</summary>
    public int? FragmentBytes { get; set; }

    /// <summary>Every attempt to connect so far.</summary>
    public IReadOnlyList<Dial> Dials
    {
        get
        {
            lock (Gate) return [.. _dials];
        }
    }

    /// <summary>What must never happen: sessions, handlers or roles that threw, and roles that ended alone.</summary>
    public IReadOnlyList<Exception> Faults
    {
        get
        {
            lock (Gate) return [.. _faults];
        }
    }

    internal FakeTimeProvider Time { get; }

    internal LogCollector Log { get; }

    internal Lock Gate { get; } = new();

    internal BufferPool Buffers { get; } = new();

    internal long StartedAt { get; }

    internal long Milliseconds => Time.GetTimestamp() / (Time.TimestampFrequency / 1000);

    /// <summary>A host by name; one that crashed comes back empty, at its old address.</summary>
    public FakeHost Host(string name)
    {
        lock (Gate)
        {
            if (_hosts.TryGetValue(name, out FakeHost? host) && !host.IsCrashed) return host;
            if (!_addresses.TryGetValue(name, out IPAddress? address))
            {
                address = new IPAddress([10, 0, 0, (byte)(_addresses.Count + 1)]);
                _addresses.Add(name, address);
            }
            host = new FakeHost(this, name, address);
            _hosts[name] = host;
            return host;
        }
    }

    /// <summary>Gives a host a certain address, before anything uses it.</summary>
    public void SetAddress(string name, IPAddress address)
    {
        lock (Gate) _addresses[name] = address;
    }

    /// <summary>Opens a role's ports on a host and runs it, as <c>RoleHost</c> does with real sockets.</summary>
    public void Attach(IRole role, string host) => Host(host).Attach(role);

    /// <summary>Kills everything on a host: listeners vanish, connections break, roles are cancelled.</summary>
    public void Crash(string host) => Host(host).Crash();

    /// <summary>The link from one host to another.</summary>
    public Link LinkOf(string from, string to)
    {
        lock (Gate)
        {
            if (_links.TryGetValue((from, to), out Link? link)) return link;
            return _links[(from, to)] = new Link(from, to, _seed);
        }
    }

    /// <summary>Cuts every connection between two hosts, whoever dialed.</summary>
    public void Cut(string one, string other)
    {
        foreach (FakeConnection connection in Connections(c => Joins(c, one, other))) connection.Break();
    }

    /// <summary>Makes a link faultless again and lets held bytes go on.</summary>
    public void Heal(string from, string to)
    {
        Link link = LinkOf(from, to);
        (link.Refuses, link.Stalls, link.CutsAfter, link.Loss, link.Doubling) = (false, false, null, 0, 0);
        foreach (FakeConnection connection in Connections(c => c.ToServer.Link == link || c.ToClient.Link == link))
        {
            (connection.ToServer.Link == link ? connection.ToServer : connection.ToClient).Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _sweeps.Dispose();
        FakeHost[] hosts;
        lock (Gate) hosts = [.. _hosts.Values];
        foreach (FakeHost host in hosts) host.Crash();
    }

    internal Task AllEnded()
    {
        lock (Gate) return Task.WhenAll(_hosts.Values.SelectMany(host => host.Running));
    }

    internal void Post(Action post) => _pump.Post(post);

    internal void Fault(Exception exception)
    {
        lock (Gate) _faults.Add(exception);
    }

    internal LineConnection Connect(FakeHost from, string name, int port)
    {
        FakeConnection connection;
        FakeHost to;
        Action<FakeConnection> accept;
        lock (Gate)
        {
            IPAddress address = Resolve(name)[0];
            bool loopback = IPAddress.IsLoopback(address);
            FakeHost? found = loopback ? from : At(address);
            Action<FakeConnection>? listening = null;
            bool connects = !from.IsCrashed && found is { IsCrashed: false } && !LinkOf(from.Name, found.Name).Refuses
                && found.Listeners.TryGetValue(port, out listening);
            _dials.Add(new Dial(Elapsed, from.Name, found?.Name ?? name, port, connects));
            if (!connects)
            {
                throw new ConnectionRefusedException($"{name}:{port} cannot be reached: nothing listens there (fake)");
            }
            (to, accept) = (found!, listening!);
            connection = new FakeConnection(this, from, to, loopback);
            _connections.Add(connection);
        }
        LineConnection dialed = new(new FakeStream(this, connection.ToClient, connection.ToServer),
            connection.ClientAddress, connection.ServerAddress);
        to.Post(() => accept(connection));
        return dialed;
    }

    internal IPAddress[] Resolve(string name)
    {
        if (IPAddress.TryParse(name, out IPAddress? address)) return [address];
        if (name.Equals("localhost", StringComparison.OrdinalIgnoreCase)) return [IPAddress.Loopback];
        lock (Gate)
        {
            return _addresses.TryGetValue(name, out address) ? [address]
                : throw new IOException($"the host name '{name}' is unknown");
        }
    }

    internal void SendDatagram(FakeHost from, int port, byte[] datagram, IPEndPoint target)
    {
        bool loopback = IPAddress.IsLoopback(target.Address);
        FakeHost? to;
        int copies;
        lock (Gate)
        {
            to = loopback ? from : At(target.Address);
            if (to is null || from.IsCrashed) return;
            copies = LinkOf(from.Name, to.Name).Copies();
        }
        byte[] sender = (loopback ? IPAddress.Loopback : from.Address).GetAddressBytes();
        for (; copies > 0; copies--) to.Post(() => to.TakeDatagram(target.Port, datagram, sender, port));
    }

    internal void BreakConnectionsOf(FakeHost host)
    {
        FakeConnection[] broken = Connections(c => c.Client == host || c.Server == host);
        lock (Gate) _connections.RemoveAll(c => c.Client == host || c.Server == host);
        foreach (FakeConnection connection in broken) connection.Break();
    }

    private TimeSpan Elapsed => Time.GetElapsedTime(StartedAt);

    private static bool Joins(FakeConnection connection, string one, string other) =>
        (connection.Client.Name == one && connection.Server.Name == other)
        || (connection.Client.Name == other && connection.Server.Name == one);

    private FakeHost? At(IPAddress address) => _hosts.Values.FirstOrDefault(host => host.Address.Equals(address));

    private FakeConnection[] Connections(Func<FakeConnection, bool> which)
    {
        lock (Gate) return [.. _connections.Where(which)];
    }

    // The real loops look every half second who took too long.
    private void Sweep()
    {
        FakeHost[] hosts;
        lock (Gate) hosts = [.. _hosts.Values];
        foreach (FakeHost host in hosts) host.Post(host.Sweep);
    }
}

/// <summary>One attempt to connect.</summary>
/// <param name="At">When, counted from the start of the network.</param>
/// <param name="From">The host that dialed.</param>
/// <param name="To">The host that was dialed.</param>
/// <param name="Port">The port there.</param>
/// <param name="Connected">False when it was refused.</param>
public sealed record Dial(TimeSpan At, string From, string To, int Port, bool Connected);
