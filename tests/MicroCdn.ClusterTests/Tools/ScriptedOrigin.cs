using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>One request as it reached the origin; text is one letter for each byte.</summary>
internal sealed record OriginCall(string Method, string Target, string Head, string Body, NetworkStream Client)
{
    public string? Field(string name) => RawResponse.FieldOf(Head, name);

    /// <summary>Writes any bytes.</summary>
    public async Task SayAsync(string text) => await Client.WriteAsync(Encoding.Latin1.GetBytes(text));

    /// <summary>Answers with a body of known length.</summary>
    public Task AnswerAsync(string body, string fields = "", string status = "200 OK") =>
        SayAsync($"HTTP/1.1 {status}\r\n{fields}Content-Length: {body.Length}\r\n\r\n{body}");

    /// <summary>Ends the connection by a reset.</summary>
    public void Reset()
    {
        Client.Socket.LingerState = new LingerOption(true, 0);
        Client.Socket.Close();
    }
}

/// <summary>A web server that does what a test says, and counts; on loopback.</summary>
internal sealed class ScriptedOrigin : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _over = new();
    private readonly Func<OriginCall, Task> _answer;
    private readonly Task _accepting;

    /// <summary>Starts with what is done for each request.</summary>
    public ScriptedOrigin(Func<OriginCall, Task> answer)
    {
        _answer = answer;
        _listener.Start(512);
        _accepting = Task.Run(AcceptAsync);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public string Url => $"http://127.0.0.1:{Port}";

    /// <summary>The requests so far.</summary>
    public ConcurrentQueue<OriginCall> Calls { get; } = new();

    /// <summary>How many of them were for a target.</summary>
    public int CountOf(string target) => Calls.Count(call => call.Target == target);

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        _listener.Dispose();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _over.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_over.IsCancellationRequested)
        {
            TcpClient client = await _listener.AcceptTcpClientAsync(_over.Token);
            _ = Task.Run(() => ServeAsync(client));
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using TcpClient owned = client;
        client.NoDelay = true;
        NetworkStream stream = client.GetStream();
        try
        {
            while (await ReadHeadAsync(stream) is { } head)
            {
                string[] words = head[..head.IndexOf('\r', StringComparison.Ordinal)].Split(' ');
                string body = await ReadBodyAsync(stream, head);
                OriginCall call = new(words[0], words[1], head, body, stream);
                Calls.Enqueue(call);
                await _answer(call);
                if (!client.Connected || call.Field("Connection") == "close") return;
            }
        }
        catch (Exception exception) when (exception is IOException or SocketException or ObjectDisposedException
            or OperationCanceledException)
        {
            // The cache went away, or the script closed the connection.
        }
    }

    private async Task<string?> ReadHeadAsync(NetworkStream stream)
    {
        StringBuilder head = new();
        byte[] next = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            if (await stream.ReadAsync(next, _over.Token) == 0) return null;
            head.Append((char)next[0]);
        }
        return head.ToString();
    }

    private async Task<string> ReadBodyAsync(NetworkStream stream, string head)
    {
        if (RawResponse.FieldOf(head, "Transfer-Encoding") is not null) return await ReadChunksAsync(stream);
        if (RawResponse.FieldOf(head, "Content-Length") is not { } length) return "";
        byte[] body = new byte[int.Parse(length, System.Globalization.CultureInfo.InvariantCulture)];
        await stream.ReadExactlyAsync(body, _over.Token);
        return Encoding.Latin1.GetString(body);
    }

    private async Task<string> ReadChunksAsync(NetworkStream stream)
    {
        StringBuilder body = new();
        byte[] next = new byte[1];
        while (true)
        {
            StringBuilder line = new();
            while (line.Length < 2 || line[^1] != '\n')
            {
                await stream.ReadExactlyAsync(next, _over.Token);
                line.Append((char)next[0]);
            }
            byte[] chunk = new byte[Convert.ToInt32(line.ToString().Trim(), 16) + 2];
            await stream.ReadExactlyAsync(chunk, _over.Token);
            if (chunk.Length == 2) return body.ToString();
            body.Append(Encoding.Latin1.GetString(chunk, 0, chunk.Length - 2));
        }
    }
}
