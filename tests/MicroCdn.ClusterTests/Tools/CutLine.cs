using System.Net;
using System.Net.Sockets;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>A line between a server and its index that can be cut and mended.</summary>
internal sealed class CutLine : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _over = new();
    private readonly List<Socket> _open = [];
    private readonly int _target;
    private readonly Task _accepting;
    private bool _isCut;

    public CutLine(int target)
    {
        _target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Ends all connections, and each that comes.</summary>
    public void Cut()
    {
        lock (_open)
        {
            _isCut = true;
            foreach (Socket one in _open) one.Dispose();
            _open.Clear();
        }
    }

    public void Mend()
    {
        lock (_open) _isCut = false;
    }

    public async ValueTask DisposeAsync()
    {
        Cut();
        await _over.CancelAsync();
        _listener.Stop();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _over.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            Socket from = await _listener.AcceptSocketAsync(_over.Token);
            Socket to = new(SocketType.Stream, ProtocolType.Tcp);
            lock (_open)
            {
                if (!_isCut) _open.AddRange(from, to);
                else from.Dispose();
            }
            if (!from.Connected) continue;
            try
            {
                await to.ConnectAsync(IPAddress.Loopback, _target, _over.Token);
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                from.Dispose();
                continue;
            }
            _ = PassAsync(from, to);
            _ = PassAsync(to, from);
        }
    }

    private static async Task PassAsync(Socket from, Socket to)
    {
        byte[] buffer = new byte[4096];
        try
        {
            while (await from.ReceiveAsync(buffer) is > 0 and var count) await to.SendAsync(buffer.AsMemory(0, count));
            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // It was cut, or one side went away.
        }
    }
}
