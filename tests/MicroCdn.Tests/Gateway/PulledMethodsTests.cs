using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Gateway;

// Requests of other methods than GET and HEAD for what servers pull from an origin.
public sealed class PulledMethodsTests
{
    private readonly GatewayWorld _world = new();

    [Theory]
    [InlineData("POST")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    [InlineData("PATCH")]
    [InlineData("OPTIONS")]
    [InlineData("PROPFIND")]
    [InlineData("get")]
    public void Each_method_is_kept_and_goes_where_GET_goes_path_and_query_as_they_came(string method)
    {
        Fleet();
        foreach (string target in (string[])["/", "/a%2Fb;x=1//c?y=%20z&why", "/api/..%2f?json", "/x?why", "/new.bin"])
        {
            Reply get = _world.Ask(target.Replace("why", "wh", StringComparison.Ordinal));
            Reply reply = _world.Ask(target, method: method);
            Assert.Equal((307, "no-store", "0"), (reply.Status, reply["Cache-Control"], reply["Content-Length"]));
            Assert.Equal(new Uri(get["Location"]!).Host, new Uri(reply["Location"]!).Host);
            Assert.EndsWith($":7003{target}", reply["Location"], StringComparison.Ordinal);
            Assert.Null(reply["Connection"]);
        }
    }

    [Theory]
    [InlineData("Content-Length: 5\r\n", "hello")]
    [InlineData("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n")]
    public async Task A_body_is_let_come_and_then_sent_on_like_none(string fields, string body)
    {
        Fleet();
        Wire wire = _world.Connect();
        wire.Receive(GatewayWorld.Request("/form?a=1", fields, "POST") + body[..^2]);
        Assert.Empty(wire.Sent);
        wire.Receive(body[^2..] + GatewayWorld.Request("/next"));
        await UntilAsync(wire, () => wire.Sent.Contains("/next", StringComparison.Ordinal));
        Reply reply = new(wire.SentBytes);
        Assert.Equal((307, null), (reply.Status, reply["Connection"]));
        Assert.EndsWith("/form?a=1", reply["Location"], StringComparison.Ordinal);
        Assert.Contains("HTTP/1.1 302 Found", reply.Body, StringComparison.Ordinal);
    }

    [Fact]
    public void A_body_that_says_it_is_too_large_is_not_waited_for_nor_taken_for_a_request()
    {
        Fleet();
        Wire wire = _world.Connect();
        wire.Receive(GatewayWorld.Request("/form", "Content-Length: 16777217\r\n", "PUT")
            + GatewayWorld.Request("/next"));
        Reply reply = new(wire.SentBytes);
        Assert.Equal((307, "close", ""), (reply.Status, reply["Connection"], reply.Body));
    }

    [Fact]
    public async Task A_body_without_end_is_sent_on_after_16_MiB()
    {
        Fleet();
        Wire wire = _world.Connect();
        wire.Receive(GatewayWorld.Request("/form", "Transfer-Encoding: chunked\r\n", "POST"));
        byte[] chunk = [.. "8000\r\n"u8, .. new byte[0x8000], .. "\r\n"u8];
        for (int sent = 0; sent < 16 << 20; sent += 0x8000)
        {
            Assert.Empty(wire.Sent);
            await UntilAsync(wire, () => !wire.Conversation.IsPaused);
            wire.Receive(chunk);
        }
        await UntilAsync(wire, () => wire.Sent.Length > 0);
        Assert.Equal((307, "close"), (new Reply(wire.SentBytes).Status, new Reply(wire.SentBytes)["Connection"]));
    }

    [Fact]
    public void Who_asks_before_he_sends_a_body_is_sent_on_without_it()
    {
        Fleet();
        Wire wire = _world.Connect();
        wire.Receive(GatewayWorld.Request("/form", "Content-Length: 5\r\nExpect: 100-continue\r\n", "PUT"));
        Assert.Equal(307, new Reply(wire.SentBytes).Status);
    }

    [Fact]
    public void Where_nobody_pulls_the_method_is_refused_and_a_body_too()
    {
        _world.Register("CS1", "10.0.0.1", "http=7003 pull=/docs/", "file.bin 5");
        foreach (string target in (string[])["/", "/docs", "/file.bin", "/file.bin.meta4"])
        {
            Reply reply = _world.Ask(target, method: "PUT");
            Assert.Equal((405, "GET, HEAD, OPTIONS"), (reply.Status, reply["Allow"]));
            Assert.Equal(413, _world.Ask(target, "Content-Length: 5\r\n", "POST").Status);
        }
        Assert.Equal(307, _world.Ask("/docs/", method: "PUT").Status);
    }

    [Fact]
    public void Files_and_our_health_win_over_the_origin_and_are_still_reported()
    {
        Fleet("file.bin 5");
        foreach (string target in (string[])["/file.bin", "/file.bin.meta4", "/file.bin.sha256", "/healthz", "/readyz"])
        {
            Assert.Equal(405, _world.Ask(target, method: "DELETE").Status);
        }
        const string report = "?report=wrong&server=CS1";
        Assert.Equal(204, _world.Ask("/file.bin" + report, method: "POST").Status);
        // No file: this query is the origin's, as every other one is.
        Assert.Equal(307, _world.Ask("/page" + report, method: "POST").Status);
    }

    [Fact]
    public void When_no_server_can_have_it_that_is_said()
    {
        Fleet();
        foreach (string id in (string[])["CS1", "CS2", "CS3"]) _world.Kill(id);
        Reply reply = _world.Ask("/form", method: "POST");
        Assert.Equal((503, "5"), (reply.Status, reply["Retry-After"]));
        Assert.Contains("CS2: a monitor heard nothing from it", reply.Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("TRACE")]
    [InlineData("CONNECT")]
    [InlineData("PURGE")]
    public void What_no_origin_gets_or_would_reach_one_server_alone_is_refused(string method)
    {
        Fleet();
        Assert.Equal(405, _world.Ask("/page", method: method).Status);
    }

    [Theory]
    [InlineData("GET", "Content-Length: 5\r\n", 413)]
    [InlineData("HEAD", "Transfer-Encoding: chunked\r\n", 400)]
    public void Neither_GET_nor_HEAD_has_a_body(string method, string fields, int status)
    {
        Fleet();
        Assert.Equal(status, _world.Ask("/page", fields, method).Status);
    }

    [Fact]
    public void What_a_browser_asks_before_a_page_may_post_is_answered_here_for_it_follows_no_redirect()
    {
        GatewayWorld world = new(cors: ["https://www.example.org"]);
        world.Register("CS1", "10.0.0.1", "http=7003 pull=/");
        const string page = "Origin: https://www.example.org\r\n";
        Reply asked = world.Ask("/form", page + "Access-Control-Request-Method: GET\r\n", "OPTIONS");
        Assert.Equal((204, "GET, HEAD"), (asked.Status, asked["Access-Control-Allow-Methods"]));
        Reply sent = world.Ask("/form", page, "POST");
        Assert.Equal((307, "https://www.example.org"), (sent.Status, sent["Access-Control-Allow-Origin"]));
    }

    // What a body's reader does happens on the pool.
    private static async Task UntilAsync(Wire wire, Func<bool> holds)
    {
        while (!holds())
        {
            await Task.Yield();
            wire.Turn();
        }
    }

    private void Fleet(params string[] files)
    {
        for (int number = 1; number <= 3; number++)
        {
            _world.Register($"CS{number}", $"10.0.0.{number}", "http=7003 pull=/", files);
        }
    }
}
