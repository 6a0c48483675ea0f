using System.Net;
using MicroCdn.Network;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Testing;

/// <summary>One machine of the fake network, from its start to its crash.</summary>
public sealed class FakeHost
{
    private readonly FakeNetwork _network;
    private readonly HostClock _clock;
    private readonly List<ServedConnection> _served = [];
    private readonly Dictionary<int, FakePort> _ports = [];
    private readonly Queue<Action> _held = new();
    private readonly CancellationTokenSource _crash = new();
    private bool _paused;

    internal FakeHost(FakeNetwork network, string name, IPAddress address)
    {
        (_network, Name, Address) = (network, name, address);
        _clock = new HostClock(network.Time);
        Dialer = new FakeDialer(network, this);
        Datagrams = new FakeDatagrams(network, this);
        Loggers = network.Log.From(name);
    }

    /// <summary>The host's name, which others can dial.</summary>
    public string Name { get; }

    /// <summary>Its address; its roles also reach one another by loopback.</summary>
    public IPAddress Address { get; }

    /// <summary>Its view of the fake time.</summary>
    public TimeProvider Time => _clock;

    /// <summary>By how much its clock tells another time of day than the world's.</summary>
    public TimeSpan ClockAhead
    {
        get => _clock.Ahead;
        set => _clock.Ahead = value;
    }

    /// <summary>Opens connections from here.</summary>
    public IDialer Dialer { get; }

    /// <summary>Opens UDP ports here.</summary>
    public IDatagrams Datagrams { get; }

    /// <summary>Its log, in which every line carries the host's name.</summary>
    public ILoggerFactory Loggers { get; }

    /// <summary>True once it crashed; the next host of this name is a new one.</summary>
    public bool IsCrashed { get; private set; }

    internal Dictionary<int, Action<FakeConnection>> Listeners { get; } = [];

    internal List<Task> Running { get; } = [];

    /// <summary>Opens a role's ports here and runs it.</summary>
    public void Attach(IRole role)
    {
        foreach (Listener listener in role.Listeners)
        {
            Open(listener.EndPoint.Port, connection =>
            {
                ServedConnection served = new(_network, this, connection, listener.Service);
                lock (_network.Gate) _served.Add(served);
                served.Turn();
            });
        }
        lock (_network.Gate) Running.Add(Task.Run(() => RunAsync(role)));
    }

    /// <summary>Listens as a foreign peer would that is written in a few lines; the token ends with the host.</summary>
    public void Listen(int port, Func<LineConnection, CancellationToken, Task> script) => Open(port, connection =>
    {
        LineConnection accepted = new(new FakeStream(_network, connection.ToServer, connection.ToClient),
            connection.ServerAddress, connection.ClientAddress);
        _ = RunAsync(script, accepted);
    });

    /// <summary>Kills everything here at once, as a power cut would.</summary>
    public void Crash()
    {
        ServedConnection[] served;
        lock (_network.Gate)
        {
            if (IsCrashed) return;
            IsCrashed = true;
            Listeners.Clear();
            _ports.Clear();
            _held.Clear();
            served = [.. _served];
        }
        _network.BreakConnectionsOf(this);
        // Files that sessions hold are given back on the network's own thread, where no turn is under way.
        foreach (ServedConnection connection in served) _network.Post(connection.Close);
        _crash.Cancel();
    }

    /// <summary>Stops everything here, as SIGSTOP does: timers do not fire, what arrives waits.</summary>
    public void Pause()
    {
        _clock.Pause();
        lock (_network.Gate) _paused = true;
    }

    /// <summary>Goes on.</summary>
    /// <param name="timersFirst">Whether due timers run before what arrived meanwhile: a system may do either.</param>
    public void Resume(bool timersFirst)
    {
        if (timersFirst) _clock.Resume();
        Action[] held;
        lock (_network.Gate)
        {
            _paused = false;
            held = [.. _held];
            _held.Clear();
        }
        foreach (Action post in held) Post(post);
        if (!timersFirst) Post(_clock.Resume);
    }

    internal void Post(Action post) => _network.Post(() =>
    {
        lock (_network.Gate)
        {
            if (IsCrashed) return;
            if (_paused)
            {
                _held.Enqueue(post);
                return;
            }
        }
        post();
    });

    internal void Forget(ServedConnection connection)
    {
        lock (_network.Gate) _served.Remove(connection);
    }

    internal void Sweep()
    {
        ServedConnection[] served;
        lock (_network.Gate) served = [.. _served];
        foreach (ServedConnection connection in served) connection.Sweep();
    }

    internal void Bind(FakePort port)
    {
        lock (_network.Gate)
        {
            if (_ports.TryAdd(port.Local.Port, port)) return;
            throw new InvalidOperationException($"UDP port of {Name} in use: {port.Local}");
        }
    }

    internal void Unbind(FakePort port)
    {
        lock (_network.Gate)
        {
            if (_ports.GetValueOrDefault(port.Local.Port) == port) _ports.Remove(port.Local.Port);
        }
    }

    internal void TakeDatagram(int port, byte[] datagram, byte[] sender, int senderPort)
    {
        FakePort? bound;
        lock (_network.Gate) bound = _ports.GetValueOrDefault(port);
        bound?.Take(datagram, sender, senderPort);
    }

    private void Open(int port, Action<FakeConnection> accept)
    {
        lock (_network.Gate)
        {
            if (Listeners.TryAdd(port, accept)) return;
            throw new InvalidOperationException($"TCP port of {Name} in use: {port}");
        }
    }

    private async Task RunAsync(IRole role)
    {
        try
        {
            await role.RunAsync(_crash.Token).ConfigureAwait(false);
            if (_crash.IsCancellationRequested) return;
            throw new InvalidOperationException($"{role.Name} on {Name} ended by itself");
        }
        catch (OperationCanceledException) when (_crash.IsCancellationRequested)
        {
            // It crashed.
        }
        catch (Exception exception)
        {
            _network.Fault(exception);
        }
        finally
        {
            (role as IDisposable)?.Dispose();
        }
    }

    private async Task RunAsync(Func<LineConnection, CancellationToken, Task> script, LineConnection accepted)
    {
        try
        {
            await using (accepted) await script(accepted, _crash.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException)
        {
            // The other side left, or this host crashed.
        }
        catch (Exception exception)
        {
            _network.Fault(exception);
        }
    }
}

/// <summary>Dials from one host.</summary>
internal sealed class FakeDialer(FakeNetwork network, FakeHost host) : IDialer
{
    public async ValueTask<LineConnection> DialAsync(string name, int port, CancellationToken cancellationToken)
    {
        // A real connection is never there at once.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        cancellationToken.ThrowIfCancellationRequested();
        return network.Connect(host, name, port);
    }
}
