using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace MicroCdn.Network;

/// <summary>One thread that serves its share of all connections: it waits for readiness and gives each one its
/// turn.</summary>
[SupportedOSPlatform("linux")]
internal sealed partial class EventLoop
{
    private const int Accepts = 32;
    private const int SweepMilliseconds = 500;
    private const int AcceptPauseMilliseconds = 100;

    // Each may be a signature of the key: about a millisecond with RSA of 2048 bits. Taken as they come, a batch of 128
    // would keep everyone else waiting for as many.
    private const int ShakesEachRound = 4;

    // What epoll tells of the wake instead of a listener's descriptor.
    private const int Woken = -1;

    private readonly ILogger _logger;
    private readonly ConnectionBudget _budget;
    private readonly TimeProvider _time;
    private readonly SafeFileHandle _wake = Libc.CreateEvent();
    private readonly Thread _thread;
    private readonly Queue<SocketConnection> _ready = new();
    private readonly Queue<SocketConnection> _shaking = new();
    private readonly Queue<SocketConnection> _unwatched = new();
    private readonly ConcurrentQueue<Action> _posts = new();
    private readonly List<Port> _listeners = [];
    private readonly byte[] _events = new byte[128 * Libc.EventSize];
    private readonly byte[] _readBuffer = GC.AllocateUninitializedArray<byte>(16 * 1024, pinned: true);
    private TlsTransit? _transit;
    private SocketConnection?[] _connections = new SocketConnection?[64];
    private uint _generation;
    private long _nextSweep;
    private long _acceptAgainAt = long.MaxValue;
    private volatile bool _stopping;

    public EventLoop(int number, ConnectionBudget budget, ILogger logger, TimeProvider time)
    {
        (_budget, _logger, _time) = (budget, logger, time);
        Epoll = Libc.CreateEpoll();
        if (Epoll < 0 || _wake.IsInvalid) throw new SocketException((int)SocketError.TooManyOpenSockets);
        _ = Libc.Control(Epoll, Libc.EpollAdd, (int)_wake.DangerousGetHandle(), Libc.EpollIn, unchecked((uint)Woken));
        _thread = new Thread(Run) { Name = $"microcdn-loop-{number}", IsBackground = true };
        _thread.Start();
    }

    public int Epoll { get; }

    /// <summary>This loop's own buffers: a pool shared by threads would hand one buffer to two connections.</summary>
    public BufferPool Pool { get; } = new();

    public Span<byte> ReadBuffer => _readBuffer;

    /// <summary>Where this loop's TLS connections encrypt and decrypt.</summary>
    public TlsTransit Transit => _transit ??= new();

    private long Now => _time.GetTimestamp() / (_time.TimestampFrequency / 1000);

    /// <summary>Runs an action on the loop's thread; never when the loop has ended.</summary>
    public void Post(Action action)
    {
        _posts.Enqueue(action);
        try
        {
            Libc.Signal(_wake);
        }
        catch (ObjectDisposedException)
        {
            // An answer that was made while the loop ended: nobody waits for it. The handle knows, where a bare number
            // might be somebody else's descriptor by now.
        }
    }

    /// <summary>Gives a connection a turn soon; from any thread.</summary>
    public void Post(SocketConnection connection) => Post(() => Enqueue(connection));

    public void Enqueue(SocketConnection connection)
    {
        if (connection.Queued) return;
        connection.Queued = true;
        (connection.IsShaking ? _shaking : _ready).Enqueue(connection);
    }

    /// <summary>Looks at a connection again in the next round, before the kernel is asked to watch it.</summary>
    public void LookAgain(SocketConnection connection) => _unwatched.Enqueue(connection);

    /// <summary>Starts to accept; every loop accepts from every listener, whichever is free first.</summary>
    public void Listen(Port port) => Post(() =>
    {
        _listeners.Add(port);
        Watch(port.Socket);
    });

    public void Forget(SocketConnection connection, int fd)
    {
        if (_connections[fd] == connection) _connections[fd] = null;
        _budget.Release();
    }

    /// <summary>How many connections are being sent something; on the loop's own thread.</summary>
    public int CountSending() => _connections.Count(connection => connection?.IsSending == true);

    public void Stop()
    {
        _stopping = true;
        Libc.Signal(_wake);
        _thread.Join();
        _wake.Dispose();
        Libc.Close(Epoll);
    }

    private void Run()
    {
        while (!_stopping)
        {
            try
            {
                Round();
            }
            catch (Exception exception)
            {
                // A fault in one session must not end the thread that thousands of others live on.
                LogFault(exception);
            }
        }
        foreach (SocketConnection? connection in _connections) Close(connection);
        _transit?.Dispose();
    }

    private void Round()
    {
        long now = Now;
        long next = Math.Min(_nextSweep, _acceptAgainAt);
        bool busy = _ready.Count > 0 || _shaking.Count > 0 || _unwatched.Count > 0 || !_posts.IsEmpty;
        int timeout = busy ? 0 : (int)Math.Clamp(next - now, 0, SweepMilliseconds);
        int count = Libc.Wait(Epoll, _events, timeout);
        now = Now;

        for (int looks = _unwatched.Count; looks > 0; looks--) LookAtUnwatched(_unwatched.Dequeue(), now);
        for (int index = 0; index < count; index++) Notice(index, now);
        while (_posts.TryDequeue(out Action? post)) post();
        GiveTurns(_ready, _ready.Count, now);
        GiveTurns(_shaking, ShakesEachRound, now);
        if (now >= _acceptAgainAt) AcceptAgain();
        if (now < _nextSweep) return;
        _nextSweep = now + SweepMilliseconds;
        foreach (SocketConnection? connection in _connections)
        {
            if (connection is not null) Sweep(connection, now);
        }
    }

    private void Notice(int index, long now)
    {
        (uint flags, ulong data) = Libc.ReadEvent(_events, index);
        int fd = (int)(uint)data;
        uint generation = (uint)(data >> 32);
        if (generation != 0)
        {
            SocketConnection? connection = fd < _connections.Length ? _connections[fd] : null;
            if (connection is null || connection.Generation != generation) return;
            connection.Notice(flags);
            TurnOrQueue(connection, now);
        }
        else if (fd == Woken) Libc.ClearSignal(_wake);
        else Accept(fd, now);
    }

    private void LookAtUnwatched(SocketConnection connection, long now)
    {
        connection.Notice(Libc.EpollIn);
        TurnOrQueue(connection, now);
    }

    private void GiveTurns(Queue<SocketConnection> queue, int most, long now)
    {
        for (; most > 0 && queue.TryDequeue(out SocketConnection? connection); most--)
        {
            connection.Queued = false;
            Turn(connection, now);
        }
    }

    private void TurnOrQueue(SocketConnection connection, long now)
    {
        if (connection.IsShaking) Enqueue(connection);
        else if (!connection.Queued) Turn(connection, now);
    }

    private void Turn(SocketConnection connection, long now)
    {
        try
        {
            if (connection.Turn(now)) Enqueue(connection);
        }
        catch (Exception exception)
        {
            LogFault(exception);
            Close(connection);
        }
    }

    private void Sweep(SocketConnection connection, long now)
    {
        try
        {
            connection.Sweep(now);
        }
        catch (Exception exception)
        {
            LogFault(exception);
            Close(connection);
        }
    }

    // One that fails even at its end has given back its socket all the same, and keeps nobody else from their turn.
    private void Close(SocketConnection? connection)
    {
        try
        {
            connection?.Close();
        }
        catch (Exception exception)
        {
            LogFault(exception);
        }
    }

    private void Accept(int listener, long now)
    {
        Port? port = PortOf(listener);
        // With nothing else to do one is enough: the kernel tells at once when there are more.
        int most = _ready.Count == 0 && _shaking.Count == 0 ? 1 : Accepts;
        for (int accepts = 0; accepts < most && port is not null; accepts++)
        {
            if (!_budget.TryTake())
            {
                PauseAccepting(now, "the connection limit");
                return;
            }
            int fd = Libc.Accept(listener);
            if (fd < 0)
            {
                int error = Marshal.GetLastPInvokeError();
                _budget.Release();
                if (error is Libc.ErrorAborted or Libc.ErrorInterrupted) continue;
                if (error is Libc.ErrorTooManyFiles or Libc.ErrorTableFull or Libc.ErrorNoMemory or Libc.ErrorNoBuffers)
                {
                    PauseAccepting(now, "the limit of open file descriptors");
                }
                return;
            }
            Open(fd, port, now);
        }
    }

    private void Open(int fd, Port port, long now)
    {
        if (fd >= _connections.Length) Array.Resize(ref _connections, Math.Max(fd + 1, _connections.Length * 2));
        if (++_generation == 0) _generation = 1;
        SocketConnection connection;
        try
        {
            connection = new(this, fd, _generation, port, now);
        }
        catch (Exception exception)
        {
            LogFault(exception);
            Libc.Close(fd);
            _budget.Release();
            return;
        }
        _connections[fd] = connection;
        TurnOrQueue(connection, now);
    }

    private Port? PortOf(int listener)
    {
        foreach (Port port in _listeners)
        {
            if ((int)port.Socket.Handle == listener) return port;
        }
        return null;
    }

    // Out of descriptors: the listeners stay, the kernel keeps the callers in its queue, and we look again soon.
    // Nothing here opens a file.
    private void PauseAccepting(long now, string limit)
    {
        foreach (Port port in _listeners) _ = Libc.Control(Epoll, Libc.EpollDelete, (int)port.Socket.Handle, 0, 0);
        _acceptAgainAt = now + AcceptPauseMilliseconds;
        _budget.Complain(limit);
    }

    private void AcceptAgain()
    {
        _acceptAgainAt = long.MaxValue;
        foreach (Port port in _listeners) Watch(port.Socket);
    }

    private void Watch(Socket socket)
    {
        int fd = (int)socket.Handle;
        _ = Libc.Control(Epoll, Libc.EpollAdd, fd, Libc.EpollIn | Libc.EpollExclusive, (uint)fd);
    }

    [LoggerMessage(1010, LogLevel.Error, "a session failed; its connection is closed, all others go on")]
    private partial void LogFault(Exception exception);
}

/// <summary>One listening socket with what stands behind it.</summary>
/// <param name="Socket">The socket.</param>
/// <param name="Service">Begins the conversations.</param>
/// <param name="Contexts">For handshakes; null on a port for clear text.</param>
internal sealed record Port(Socket Socket, IConversations Service, ITlsContexts? Contexts);
