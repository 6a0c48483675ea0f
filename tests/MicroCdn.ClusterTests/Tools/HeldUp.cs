using System.Net;
using System.Net.Sockets;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>Stands before a server, and can hold up what clients send to it, or what it answers.</summary>
internal sealed class HeldUp : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _over = new();
    private readonly SemaphoreSlim _waiting = new(0);
    private readonly int _target;
    private readonly Task _accepting;
    private readonly List<TcpClient> _clients = [];
    private TaskCompletionSource _open = new(), _answers = new();

    public HeldUp(int target)
    {
        _target = target;
        _open.SetResult();
        _answers.SetResult();
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    public int Port { get; }

    public void Hold() => _open = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void HoldAnswers() => _answers = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Lets the answers that come from now on through; those that were held are lost with their connections.</summary>
    public void CutOff()
    {
        lock (_clients) _clients.ForEach(client => client.Dispose());
        _answers.TrySetResult();
    }

    /// <summary>Waits until something that was sent is held.</summary>
    public Task UntilSomethingWaitsAsync() => _waiting.WaitAsync(TimeSpan.FromSeconds(30));

    public void LetGo() => _open.TrySetResult();

    public async ValueTask DisposeAsync()
    {
        LetGo();
        _answers.TrySetResult();
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
            lock (_clients) _clients.Add(near);
            Task back = CopyAsync(far.GetStream(), near.GetStream(), () => _answers.Task);
            await CopyAsync(near.GetStream(), far.GetStream(), () =>
            {
                if (!_open.Task.IsCompleted) _waiting.Release();
                return _open.Task;
            });
        }
        catch (SocketException)
        {
            // Nobody is there.
        }
    }

    private async Task CopyAsync(NetworkStream from, NetworkStream to, Func<Task> may)
    {
        byte[] buffer = new byte[64 * 1024];
        try
        {
            while (await from.ReadAsync(buffer, _over.Token) is > 0 and var read)
            {
                await may();
                await to.WriteAsync(buffer.AsMemory(0, read), _over.Token);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException or ObjectDisposedException)
        {
            // One side has closed.
        }
    }
}
