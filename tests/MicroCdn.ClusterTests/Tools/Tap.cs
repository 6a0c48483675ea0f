using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>Stands between a proxy and our server: it passes everything on, and numbers the responses.</summary>
internal sealed class Tap : IAsyncDisposable
{
    public const string Field = "X-Tap";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _over = new();
    private readonly List<Task> _connections = [];
    private readonly Dictionary<int, RawResponse> _responses = [];
    private readonly int _target;
    private readonly Task _accepting;

    public Tap(int target)
    {
        _target = target;
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    public int Port { get; }

    /// <summary>Waits until the proxy, which was ended, holds no connection any more; every response of ours.</summary>
    public async Task<Dictionary<int, RawResponse>> UntilAllEndAsync()
    {
        Task[] connections;
        lock (_responses) connections = [.. _connections];
        await Task.WhenAll(connections).WaitAsync(Patience);
        lock (_responses) return new Dictionary<int, RawResponse>(_responses);
    }

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        _listener.Stop();
        await _accepting;
        _over.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket accepted = await _listener.AcceptSocketAsync(_over.Token);
                lock (_responses) _connections.Add(PassAsync(accepted));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Over.
        }
    }

    private async Task PassAsync(Socket accepted)
    {
        await using NetworkStream proxy = new(accepted, ownsSocket: true);
        using TcpClient client = new();
        await client.ConnectAsync(IPAddress.Loopback, _target);
        NetworkStream ours = client.GetStream();
        Task requests = PassRequestsAsync(proxy, client);
        using RawConnection connection = new(ours);
        try
        {
            while (await connection.ReadAsync(_over.Token) is { } response)
            {
                int id;
                lock (_responses) _responses.Add(id = _responses.Count + 1, response);
                string text = $"{response.Head[..^2]}{Field}: {id}\r\n\r\n{response.Body}";
                await proxy.WriteAsync(Encoding.Latin1.GetBytes(text));
            }
            accepted.Shutdown(SocketShutdown.Send);
        }
        catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException)
        {
            // The proxy is gone.
        }
        await requests;
    }

    private async Task PassRequestsAsync(NetworkStream proxy, TcpClient ours)
    {
        try
        {
            await proxy.CopyToAsync(ours.GetStream(), _over.Token);
            ours.Client.Shutdown(SocketShutdown.Send);
        }
        catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException)
        {
            // One of the two is gone.
        }
    }
}
