using System.Net;
using System.Net.Sockets;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>Stands before a server, and can hold up what clients send to it as if they had been stopped.</summary>
internal sealed class HeldUp : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _over = new();
    private readonly SemaphoreSlim _waiting = new(0);
    private readonly int _target;
    private readonly Task _accepting;
    private TaskCompletionSource _open = new();

    public HeldUp(int target)
    {
        _target = target;
        _open.SetResult();
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    public int Port { get; }

    public void Hold() => _open = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Waits until something that was sent is held.</summary>
    public Task UntilSomethingWaitsAsync() => _waiting.WaitAsync(TimeSpan.FromSeconds(30));

    public void LetGo() => _open.TrySetResult();

    public async ValueTask DisposeAsync()
    {
        LetGo();
        await _over.CancelAsync();
        _listener.Stop();
        await _accepting;
        _over.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = PassAsync(await _listener.AcceptTcpClientAsync(_over.Token));
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException)
        {
            // Over.
        }
    }

    private async Task PassAsync(TcpClient client)
    {
        using TcpClient near = client, far = new();
        try
        {
            await far.ConnectAsync(IPAddress.Loopback, _target, _over.Token);
            Task back = far.GetStream().CopyToAsync(near.GetStream(), _over.Token);
            byte[] buffer = new byte[64 * 1024];
            while (await near.GetStream().ReadAsync(buffer, _over.Token) is > 0 and var read)
            {
                if (!_open.Task.IsCompleted) _waiting.Release();
                await _open.Task;
                await far.GetStream().WriteAsync(buffer.AsMemory(0, read), _over.Token);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException or SocketException)
        {
            // One side has closed.
        }
    }
}
