using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MicroCdn.Network;
using MicroCdn.Origin;
using MicroCdn.Protocol;
using MicroCdn.Testing;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Origin;

/// <summary>A web server on a real socket that does on each connection what a test says, true or not.</summary>
internal sealed class ScriptedOrigin : IAsyncDisposable
{
    /// <summary>Only a test that hangs notices.</summary>
    public static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _over = new();
    private readonly Task _accepting;
    private readonly List<Task> _talks = [];

    /// <summary>Begins to listen; each connection is given the next script, the last one for ever.</summary>
    public ScriptedOrigin(params Func<OriginTalk, Task>[] scripts)
    {
        _listener.Start();
        _accepting = AcceptAsync(scripts);
    }

    public FakeTimeProvider Time { get; } = new();

    public LogBook Log { get; } = new();

    public TestCertificate? Certificate { get; init; }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>How many connections came.</summary>
    public int Connections { get; private set; }

    /// <summary>Asks this server, or what a test says about it.</summary>
    public OriginServer Server(Func<OriginOptions, OriginOptions>? more = null, IStreamDialer? dialer = null,
        string? url = null)
    {
        string scheme = Certificate is null ? "http" : "https";
        Assert.True(OriginAddress.TryParse(url ?? $"{scheme}://127.0.0.1:{Port}", out OriginAddress? address, out _));
        OriginOptions options = new(address!);
        return new OriginServer(more?.Invoke(options) ?? options, dialer ?? new StreamDialer(), Time, Log);
    }

    /// <summary>Stops to listen, so that the next connection is refused.</summary>
    public void Stop() => _listener.Stop();

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        _listener.Stop();
        await _accepting.WaitAsync(Bound);
        await Task.WhenAll(_talks).WaitAsync(Bound);
        _over.Dispose();
    }

    public static OriginRequest Get(string target = "/", string method = "GET", string fields = "",
        OriginBody? body = null, Action<int, HeaderFields>? informational = null) => new()
        {
            Method = method.Utf8(),
            Target = target.Utf8(),
            Fields = HeaderFields.FromLines(fields.Utf8()),
            Body = body,
            Informational = informational,
        };

    private async Task AcceptAsync(Func<OriginTalk, Task>[] scripts)
    {
        try
        {
            while (true)
            {
                Socket socket = await _listener.AcceptSocketAsync(_over.Token);
                Func<OriginTalk, Task> script = scripts[Math.Min(Connections++, scripts.Length - 1)];
                _talks.Add(PlayAsync(socket, script));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException
            or ObjectDisposedException or InvalidOperationException)
        {
            // The test is over.
        }
    }

    private async Task PlayAsync(Socket socket, Func<OriginTalk, Task> script)
    {
        await using NetworkStream raw = new(socket, ownsSocket: true);
        try
        {
            Stream stream = raw;
            if (Certificate is not null)
            {
                SslStream secure = new(raw);
                using X509Certificate2 pem = X509Certificate2.CreateFromPem(Certificate.Certificate, Certificate.Key);
                await secure.AuthenticateAsServerAsync(
                    new SslServerAuthenticationOptions { ServerCertificate = pem }, _over.Token);
                stream = secure;
            }
            await script(new OriginTalk(stream, socket, _over.Token));
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException
            or System.Security.Authentication.AuthenticationException)
        {
            // Whoever asked left, or the test is over.
        }
    }
}

/// <summary>The origin's side of one connection.</summary>
internal sealed class OriginTalk(Stream stream, Socket socket, CancellationToken over)
{
    private string _rest = "";

    /// <summary>Waits for a request's head; a closed connection ends the script.</summary>
    public async Task<string> HearAsync()
    {
        int end;
        while ((end = _rest.IndexOf("\r\n\r\n", StringComparison.Ordinal)) < 0) await MoreAsync();
        string head = _rest[..(end + 4)];
        _rest = _rest[(end + 4)..];
        return head;
    }

    /// <summary>Waits for a body that ends in this.</summary>
    public async Task<string> HearUntilAsync(string end)
    {
        while (!_rest.EndsWith(end, StringComparison.Ordinal)) await MoreAsync();
        (string body, _rest) = (_rest, "");
        return body;
    }

    /// <summary>Waits until whoever asked has closed.</summary>
    public async Task HearCloseAsync()
    {
        try
        {
            while (true) await MoreAsync();
        }
        catch (IOException)
        {
            // That is it.
        }
    }

    public async Task SayAsync(string text) => await stream.WriteAsync(Encoding.Latin1.GetBytes(text), over);

    /// <summary>Hears one request after another and answers each with this.</summary>
    public async Task AlwaysAsync(string answer)
    {
        while (true)
        {
            await HearAsync();
            await SayAsync(answer);
        }
    }

    /// <summary>Ends with a reset instead of an orderly end.</summary>
    public void Reset() => socket.Close(0);

    /// <summary>Says and hears nothing until the test is over.</summary>
    public Task HoldAsync() => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, over);

    private async Task MoreAsync()
    {
        byte[] buffer = new byte[64 * 1024];
        int count = await stream.ReadAsync(buffer, over);
        if (count == 0) throw new IOException("closed");
        _rest += Encoding.Latin1.GetString(buffer, 0, count);
    }
}

/// <summary>Reads answers as a test wants to see them.</summary>
internal static class Answers
{
    /// <summary>Asks and reads everything.</summary>
    public static async Task<string> AskAsync(this OriginServer server, OriginRequest? request = null)
    {
        using OriginExchange exchange = await server.SendAsync(request ?? ScriptedOrigin.Get(), default).AsTask()
            .WaitAsync(ScriptedOrigin.Bound);
        return $"{exchange.Status} {await exchange.RestAsync()}";
    }

    public static async Task<string> RestAsync(this OriginExchange exchange, int step = 1000)
    {
        StringBuilder body = new();
        byte[] buffer = new byte[step];
        while (await exchange.ReadAsync(buffer, default).AsTask().WaitAsync(ScriptedOrigin.Bound) is > 0 and var count)
        {
            body.Append(Encoding.Latin1.GetString(buffer, 0, count));
        }
        Assert.True(exchange.IsComplete);
        return body.ToString();
    }

    /// <summary>Asks, reads everything, and says in which way that failed.</summary>
    public static async Task<OriginException> FailAsync(this OriginServer server, OriginRequest? request = null) =>
        await Assert.ThrowsAsync<OriginException>(() => server.AskAsync(request));
}
