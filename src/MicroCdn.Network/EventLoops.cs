using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Network;

/// <summary>The real network's listening half: a few threads that serve all the roles of a process.</summary>
/// <remarks>
/// One thread for each processor, each with its own epoll. Sessions never block, so more threads would only wait.
/// Linux alone, by choice: see docs/decisions/0002-event-loops.md.
/// </remarks>
[SupportedOSPlatform("linux")]
public sealed class EventLoops : IDisposable
{
    private const int Backlog = 4096;
    private readonly List<Socket> _sockets = [];
    private readonly EventLoop[] _loops;

    /// <summary>Starts the threads.</summary>
    public EventLoops(ILoggerFactory loggers, TimeProvider time)
    {
        ILogger logger = loggers.CreateLogger("network");
        ConnectionBudget budget = new(ConnectionBudget.FromDescriptorLimit(Descriptors.Limit), logger, time);
        _loops = [.. Enumerable.Range(0, Math.Clamp(Environment.ProcessorCount, 1, 16))
            .Select(number => new EventLoop(number, budget, logger, time))];
    }

    /// <summary>Binds a listener's port and starts to accept.</summary>
    /// <param name="listener">The port, and what answers there.</param>
    /// <param name="contexts">For the handshakes of a secure one.</param>
    /// <returns>The address and port bound, which tells the port when 0 was asked for.</returns>
    /// <exception cref="PortUnavailableException">The port is in use, or the address is not ours.</exception>
    public IPEndPoint Listen(Listener listener, ITlsContexts? contexts = null)
    {
        if (listener.IsSecure) ArgumentNullException.ThrowIfNull(contexts);
        Socket socket = Sockets.Bind(listener.EndPoint, SocketType.Stream);
        try
        {
            // Inherited by every accepted socket: an answer's last small segment must not wait for an acknowledgement.
            socket.NoDelay = true;
            Sockets.KeepAlive(socket);
            socket.Blocking = false;
            socket.Listen(Backlog);
        }
        catch (SocketException exception)
        {
            // On Linux a port that another socket listens on may bind, and only fails here.
            socket.Dispose();
            throw new PortUnavailableException("TCP", listener.EndPoint, exception);
        }
        _sockets.Add(socket);
        Port port = new(socket, listener.Service, listener.IsSecure ? contexts : null);
        foreach (EventLoop loop in _loops) loop.Listen(port);
        return (IPEndPoint)socket.LocalEndPoint!;
    }

    /// <summary>How many connections are still being sent text or a file, or have not confirmed what they were
    /// sent.</summary>
    public async Task<int> CountSendingAsync()
    {
        int sending = 0;
        foreach (EventLoop loop in _loops)
        {
            TaskCompletionSource<int> counted = new(TaskCreationOptions.RunContinuationsAsynchronously);
            loop.Post(() => counted.SetResult(loop.CountSending()));
            sending += await counted.Task.ConfigureAwait(false);
        }
        return sending;
    }

    /// <summary>Leaves all spare buffers to the collector, on each loop's own thread.</summary>
    public async Task ReleaseBuffersAsync()
    {
        HeldBuffers.Release();
        foreach (EventLoop loop in _loops)
        {
            TaskCompletionSource released = new(TaskCreationOptions.RunContinuationsAsynchronously);
            loop.Post(() =>
            {
                loop.Pool.Release();
                released.SetResult();
            });
            await released.Task.ConfigureAwait(false);
        }
    }

    /// <summary>Closes every connection and listener.</summary>
    public void Dispose()
    {
        foreach (EventLoop loop in _loops) loop.Stop();
        foreach (Socket socket in _sockets) socket.Dispose();
    }
}
