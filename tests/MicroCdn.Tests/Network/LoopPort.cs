using System.Net;
using System.Net.Sockets;
using MicroCdn.Network;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Network;

/// <summary>One event loop with ports on real sockets: whatever connections share, they share it here.</summary>
internal sealed class LoopPort : IDisposable
{
    private readonly List<Socket> _listeners = [];
    private readonly ConnectionBudget _budget;
    private readonly EventLoop _loop;
    private bool _stopped;

    public LoopPort(IConversations service, ITlsContexts? contexts = null, TimeProvider? time = null)
    {
        time ??= TimeProvider.System;
        _budget = new ConnectionBudget(1000, Log, time);
        _loop = new EventLoop(0, _budget, Log, time);
        Listen(service, contexts);
    }

    public LogBook Log { get; } = new();

    /// <summary>How many connections are open.</summary>
    public int Open => _budget.Open;

    /// <summary>Opens one more port; returns its number among them.</summary>
    public int Listen(IConversations service, ITlsContexts? contexts)
    {
        Socket socket = Sockets.Bind(new IPEndPoint(IPAddress.Loopback, 0), SocketType.Stream);
        socket.Blocking = false;
        socket.Listen();
        _loop.Listen(new Port(socket, service, contexts));
        _listeners.Add(socket);
        return _listeners.Count - 1;
    }

    /// <summary>A connection to a port, without TLS.</summary>
    public NetworkStream Connect(int port = 0)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
        {
            NoDelay = true,
            ReceiveBufferSize = 16 * 1024,
        };
        socket.Connect(_listeners[port].LocalEndPoint!);
        return new NetworkStream(socket, ownsSocket: true);
    }

    /// <summary>Waits until the loop has taken up whatever came before.</summary>
    public async Task RoundAsync()
    {
        // The first may be answered in the middle of a round.
        for (int rounds = 0; rounds < 2; rounds++)
        {
            TaskCompletionSource passed = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _loop.Post(passed.SetResult);
            await passed.Task.WaitAsync(TimeSpan.FromSeconds(30));
        }
    }

    public void Dispose()
    {
        if (_stopped) return;
        _stopped = true;
        _loop.Stop();
        foreach (Socket socket in _listeners) socket.Dispose();
    }
}
