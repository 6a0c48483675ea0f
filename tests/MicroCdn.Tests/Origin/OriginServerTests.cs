using System.Security.Cryptography.X509Certificates;
using System.Text;
using MicroCdn.Network;
using MicroCdn.Origin;
using MicroCdn.Testing;

namespace MicroCdn.Tests.Origin;

/// <summary>An origin that behaves is asked over real sockets.</summary>
public sealed class OriginServerTests
{
    private const string Hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

    [Fact]
    public async Task A_request_goes_out_as_it_must_and_its_answer_comes_back()
    {
        string heard = "";
        await using ScriptedOrigin origin = new(async talk =>
        {
            heard = await talk.HearAsync();
            await talk.SayAsync("HTTP/1.1 200 Fine\r\nX: caf\u00e9\r\nContent-Length: 5\r\n\r\nhello");
            await talk.HoldAsync();
        });
        using OriginServer server = origin.Server(url: $"http://127.0.0.1:{origin.Port}/base/");
        using OriginExchange exchange = await server.SendAsync(
            ScriptedOrigin.Get("/a?b=c", fields: "X-A: 1\r\nHost: evil\r\nContent-Length: 7\r\nTE: trailers\r\n"),
            default);
        Assert.Equal($"GET /base/a?b=c HTTP/1.1\r\nHost: 127.0.0.1:{origin.Port}\r\nX-A: 1\r\n\r\n", heard);
        Assert.Equal((200, 5L, true), (exchange.Status, exchange.Length, exchange.IsSoundlyFramed));
        Assert.Equal("Fine", Encoding.ASCII.GetString(exchange.Reason.Span));
        Assert.Equal("caf\u00e9", Encoding.Latin1.GetString(exchange.Fields.First("x"u8)));
        Assert.Equal("hello", await exchange.RestAsync());
        Assert.Equal(5, server.Counters.BodyBytes);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100_000)]
    public async Task A_body_comes_whole_however_it_is_framed_and_read(int step)
    {
        string body = string.Concat(Enumerable.Range(0, 20_000).Select(i => (char)('a' + (i % 26))));
        string chunks = $"3\r\nabc\r\n{body.Length:x};x=y\r\n{body}\r\n1\r\nz\r\n0\r\nTrailer: dropped\r\n\r\n";
        await using ScriptedOrigin origin = new(async talk =>
        {
            await talk.HearAsync();
            await talk.SayAsync($"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\n\r\n{body}");
            await talk.HearAsync();
            await talk.SayAsync($"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}");
            await talk.HearAsync();
            await talk.SayAsync($"HTTP/1.1 200 OK\r\n\r\n{body}");
        });
        using OriginServer server = origin.Server();
        foreach (string expected in (string[])[body, $"abc{body}z", body])
        {
            using OriginExchange exchange = await server.SendAsync(ScriptedOrigin.Get(), default);
            Assert.Equal(expected, await exchange.RestAsync(step));
        }
        Assert.Equal((1, 2L), (origin.Connections, server.Counters.ConnectionsReused));
        Assert.Equal(0, server.Connections);
    }

    [Fact]
    public async Task An_answer_is_understood_in_whatever_pieces_it_comes()
    {
        const string Answer =
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "5\r\nhello\r\n0\r\n\r\n";
        await using ScriptedOrigin origin = new(async talk =>
        {
            while (true)
            {
                await talk.HearAsync();
                foreach (char letter in Answer) await talk.SayAsync(letter.ToString());
            }
        });
        using OriginServer server = origin.Server();
        for (int round = 0; round < 3; round++) Assert.Equal("200 hello", await server.AskAsync());
        Assert.Equal(1, origin.Connections);
    }

    [Fact]
    public async Task Answers_without_a_body_leave_the_connection_at_once()
    {
        await using ScriptedOrigin origin = new(async talk =>
        {
            await talk.HearAsync();
            await talk.SayAsync("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
            await talk.HearAsync();
            await talk.SayAsync("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n");
            await talk.HearAsync();
            await talk.SayAsync("HTTP/1.1 204 No Content\r\n\r\n");
            await talk.AlwaysAsync(Hello);
        });
        using OriginServer server = origin.Server();
        Assert.Equal("200 ", await server.AskAsync(ScriptedOrigin.Get(method: "HEAD")));
        Assert.Equal("304 ", await server.AskAsync());
        using OriginExchange exchange = await server.SendAsync(ScriptedOrigin.Get(), default);
        Assert.Equal((204, true, 1), (exchange.Status, exchange.IsComplete, server.IdleConnections));
        Assert.Equal("200 hello", await server.AskAsync());
        Assert.Equal(1, origin.Connections);
    }

    [Fact]
    public async Task Interim_heads_are_told_as_they_come_but_for_100()
    {
        TaskCompletionSource told = new();
        await using ScriptedOrigin origin = new(async talk =>
        {
            await talk.HearAsync();
            await talk.SayAsync("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
            await told.Task;
            await talk.SayAsync($"HTTP/1.1 102 Processing\r\n\r\n{Hello}");
            await talk.HoldAsync();
        });
        using OriginServer server = origin.Server();
        List<string> interim = [];
        Assert.Equal("200 hello", await server.AskAsync(ScriptedOrigin.Get(informational: (status, fields) =>
        {
            interim.Add($"{status} {fields}".Trim());
            told.TrySetResult();
        })));
        Assert.Equal(["103 Link: </a>", "102"], interim);
    }

    [Fact]
    public async Task Redirects_and_failures_of_the_origin_are_its_answers()
    {
        await using ScriptedOrigin origin = new(async talk =>
        {
            await talk.HearAsync();
            await talk.SayAsync("HTTP/1.1 302 Found\r\nLocation: /else\r\nContent-Length: 0\r\n\r\n");
            await talk.AlwaysAsync(
                "HTTP/1.1 503 No\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\u001f\u008b");
        });
        using OriginServer server = origin.Server();
        Assert.Equal("302 ", await server.AskAsync());
        for (int i = 0; i < 10; i++) Assert.Equal("503 \u001f\u008b", await server.AskAsync());
        Assert.False(server.IsLeftAlone);
    }

    [Theory]
    [InlineData(5L, "Content-Length: 5\r\n\r\n", "hello")]
    [InlineData(null, "Transfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n")]
    public async Task A_body_is_sent_with_its_framing(long? length, string framing, string expected)
    {
        string heard = "";
        await using ScriptedOrigin origin = new(async talk =>
        {
            heard = await talk.HearAsync() + await talk.HearUntilAsync(expected);
            await talk.SayAsync(Hello);
            await talk.HoldAsync();
        });
        using OriginServer server = origin.Server();
        Assert.Equal("200 hello",
            await server.AskAsync(ScriptedOrigin.Get(method: "POST", body: new TextBody("hello", length))));
        Assert.Equal($"POST / HTTP/1.1\r\nHost: 127.0.0.1:{origin.Port}\r\n{framing}{expected}", heard);
        Assert.Equal(1, server.IdleConnections);
    }

    [Fact]
    public async Task A_POST_without_a_body_says_so()
    {
        string heard = "";
        await using ScriptedOrigin origin = new(async talk =>
        {
            heard = await talk.HearAsync();
            await talk.SayAsync(Hello);
        });
        using OriginServer server = origin.Server();
        await server.AskAsync(ScriptedOrigin.Get(method: "POST"));
        Assert.EndsWith("Content-Length: 0\r\n\r\n", heard, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET /x", "/", "")]
    [InlineData("GET", "/a b", "")]
    [InlineData("GET", "/a\r\nX: y", "")]
    [InlineData("GET", "http://else/", "")]
    [InlineData("GET", "/", "X Y: z\r\n")]
    public async Task A_request_that_would_become_another_is_never_sent(string method, string target, string fields)
    {
        await using ScriptedOrigin origin = new(talk => talk.AlwaysAsync(Hello));
        using OriginServer server = origin.Server();
        await Assert.ThrowsAsync<ArgumentException>(() => server.AskAsync(ScriptedOrigin.Get(target, method, fields)));
        Assert.Equal(0, origin.Connections);
    }

    [Fact]
    public async Task A_certificate_is_believed_when_its_authority_is_named_and_only_then()
    {
        TestCertificate certificate = new();
        await using ScriptedOrigin origin = new(talk => talk.AlwaysAsync(Hello)) { Certificate = certificate };
        using OriginServer stranger = origin.Server();
        Assert.Equal(OriginFailure.Tls, (await stranger.FailAsync()).Failure);
        using X509Certificate2 root = X509Certificate2.CreateFromPem(certificate.Certificate);
        using OriginServer server = origin.Server(options => options with { Authorities = [root] });
        Assert.Equal("200 hello", await server.AskAsync());
        Assert.Equal("200 hello", await server.AskAsync());
        Assert.Equal((1L, 1L), (server.Counters.ConnectionsOpened, server.Counters.ConnectionsReused));
        // Signed by whom we believe, for another name.
        using OriginServer other = origin.Server(options => options with { Authorities = [root] },
            new ToLoopback(), $"https://other.example:{origin.Port}");
        Assert.Equal(OriginFailure.Tls, (await other.FailAsync()).Failure);
    }

    private sealed class ToLoopback : IStreamDialer
    {
        public ValueTask<System.Net.IPAddress[]> ResolveAsync(string host, CancellationToken cancellationToken) =>
            new([System.Net.IPAddress.Loopback]);

        public ValueTask<Stream> DialAsync(System.Net.IPEndPoint target, CancellationToken cancellationToken) =>
            new StreamDialer().DialAsync(target, cancellationToken);
    }
}

/// <summary>A body of a request that is known from the start.</summary>
internal sealed class TextBody(string text, long? length) : OriginBody
{
    private bool _isGiven;

    public override long? Length => length;

    public override ValueTask<int> ReadAsync(Memory<byte> target, CancellationToken cancellationToken)
    {
        if (_isGiven) return new(0);
        _isGiven = true;
        return new(Encoding.Latin1.GetBytes(text, target.Span));
    }
}
