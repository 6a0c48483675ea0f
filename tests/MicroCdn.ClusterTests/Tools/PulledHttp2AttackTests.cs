using System.Net;
using System.Net.Sockets;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>A cache of ours over HTTP/2: an origin that lies ends one stream, and one client that leaves ends
/// nothing.</summary>
public sealed class PulledHttp2AttackTests : IAsyncLifetime
{
    private const string Keep = "Cache-Control: max-age=600\r\n";
    private const string Never = "Cache-Control: private, no-store\r\n";
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    // More than what waits in windows and kernels between the origin and a client.
    private static readonly string Large = new('x', 8 << 20);

    private readonly Stage _stage = new();
    private int _connections;
    private HttpClient _client = null!;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        _client?.Dispose();
        await _stage.DisposeAsync();
    }

    [Theory]
    [InlineData("Content-Length: 10\r\n\r\nhalf!", false)]
    [InlineData("Content-Length: 10\r\n\r\nhalf!", true)]
    [InlineData("Content-Length: 10\r\n\r\n", true)]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n5\r\nhalf!\r\n", false)]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n5\r\nhalf!\r\n0\r\n", false)]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n5\r\nhalf!\r\n", true)]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n5\r\nhalf!XX5\r\n", false)]
    [InlineData("Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhalf!", false)]
    public async Task A_lie_ends_its_own_stream_by_a_reset_and_is_never_told_again(string rest, bool resets)
    {
        await using ScriptedOrigin origin = new(async call =>
        {
            if (call.Target == "/good")
            {
                await call.AnswerAsync("good", Keep);
                return;
            }
            await call.SayAsync($"HTTP/1.1 200 OK\r\n{(call.Target == "/kept" ? Keep : Never)}{rest}");
            if (resets) call.Reset();
            else call.Client.Socket.Shutdown(SocketShutdown.Send);
        });
        await StartAsync(origin.Url);
        foreach (string target in (string[])["/kept", "/mine", "/kept", "/mine"])
        {
            await Assert.ThrowsAsync<HttpRequestException>(() => _client.GetStringAsync(target, Cancel));
            Assert.Equal("good", await _client.GetStringAsync("/good", Cancel));
        }
        Assert.True(origin.CountOf("/kept") >= 2, "what was cut was kept");
        Assert.Equal(1, _connections);
    }

    [Fact]
    public async Task Streams_whose_origin_says_nothing_more_hold_up_no_other()
    {
        TaskCompletionSource goesOn = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using ScriptedOrigin origin = new(async call =>
        {
            if (!call.Target.StartsWith("/stalls/", StringComparison.Ordinal))
            {
                await call.AnswerAsync(call.Target, Keep);
                return;
            }
            await call.SayAsync($"HTTP/1.1 200 OK\r\n{Keep}Content-Length: 10\r\n\r\nfirst");
            await goesOn.Task;
            await call.SayAsync("after");
        });
        await StartAsync(origin.Url);
        HttpResponseMessage[] stalled = await Task.WhenAll(Enumerable.Range(0, 60).Select(number =>
            _client.GetAsync($"/stalls/{number}", HttpCompletionOption.ResponseHeadersRead, Cancel)));
        for (int number = 0; number < 100; number++)
        {
            Assert.Equal($"/fast/{number}", await _client.GetStringAsync($"/fast/{number}", Cancel));
        }
        // Half of them leave; what the others wait for comes all the same.
        for (int number = 0; number < 30; number++) stalled[number].Dispose();
        goesOn.SetResult();
        for (int number = 30; number < 60; number++)
        {
            Assert.Equal("firstafter", await stalled[number].Content.ReadAsStringAsync(Cancel));
        }
        for (int number = 0; number < 30; number++)
        {
            Assert.Equal("firstafter", await _client.GetStringAsync($"/stalls/{number}", Cancel));
            Assert.Equal(1, origin.CountOf($"/stalls/{number}"));
        }
        Assert.Equal(1, _connections);
    }

    [Theory]
    [InlineData(Keep)]
    [InlineData(Never)]
    public async Task Many_streams_that_leave_in_mid_body_cost_who_stays_nothing(string fields)
    {
        int active = 0;
        await using ScriptedOrigin origin = new(async call =>
        {
            Interlocked.Increment(ref active);
            try
            {
                await call.AnswerAsync(call.Target == "/small" ? "small" : Large, fields);
            }
            finally
            {
                Interlocked.Decrement(ref active);
            }
        });
        Cache cache = await StartAsync(origin.Url);
        Task<string> stays = _client.GetStringAsync("/large", Cancel);
        for (int round = 0; round < 5; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 40).Select(LeaveAsync));
            Assert.Equal("small", await _client.GetStringAsync("/small", Cancel));
        }
        Assert.True(Large == await stays, "who stayed got something else");
        Assert.Equal(1, _connections);
        await Stage.UntilAsync("nothing is under way at the origin", Soon,
            () => Task.FromResult(Volatile.Read(ref active) == 0));
        Assert.Equal("small", (await cache.GetAsync("/small")).Body);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private async Task LeaveAsync(int number)
    {
        using HttpResponseMessage response = await _client.GetAsync(
            number % 2 == 0 ? "/large" : $"/large/{number}", HttpCompletionOption.ResponseHeadersRead, Cancel);
        await using Stream body = await response.Content.ReadAsStreamAsync(Cancel);
        await body.ReadExactlyAsync(new byte[1000], Cancel);
    }

    private async Task<Cache> StartAsync(string origin)
    {
        (string certificate, string key) = Edge.CertificateIn(_stage.Folder);
        int port = Stage.FreePort();
        Cache cache = await Cache.StartAsync(_stage, origin,
            "--https-port", $"{port}", "--cert", certificate, "--key", key);
        _client = new HttpClient(new SocketsHttpHandler
        {
            SslOptions = { RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null },
            ConnectCallback = async (context, cancel) =>
            {
                Interlocked.Increment(ref _connections);
                Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(context.DnsEndPoint, cancel);
                return new NetworkStream(socket, ownsSocket: true);
            },
        })
        {
            BaseAddress = new Uri($"https://127.0.0.1:{port}"), DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact, Timeout = TimeSpan.FromSeconds(60),
        };
        await Stage.UntilAsync("it serves over HTTP/2", Soon, async () =>
        {
            try
            {
                return (await _client.GetStringAsync("/healthz", Cancel)).Length > 0;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        });
        _connections = 1;
        return cache;
    }
}
