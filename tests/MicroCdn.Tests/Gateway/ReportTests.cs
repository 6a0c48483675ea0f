using MicroCdn.Protocol;

namespace MicroCdn.Tests.Gateway;

// What a client that asks a gateway reports of a server: it weighs what REPORT weighs.
public sealed class ReportTests
{
    private readonly GatewayWorld _world = new(proxies: "10.9.0.0/16");

    public ReportTests()
    {
        foreach (string id in new[] { "CS1", "CS2", "CS3" }) _world.Register(id, "10.0.0.5", "http=7003", "a%20b 1");
    }

    [Theory]
    [InlineData("connect")]
    [InlineData("stall")]
    [InlineData("missing")]
    [InlineData("wrong")]
    public void A_reported_server_is_asked_last_and_looked_at(string reason)
    {
        Assert.Equal(204, Post($"/a%20b?report={reason}&server=CS1").Status);
        Assert.Equal(["CS1"], _world.Index.Looks);
        Assert.Equal((ServerState.Suspect, ServerState.Unknown),
            (_world.Index.StateOf("CS1"), _world.Index.StateOf("CS2")));
        Assert.Contains("CS1", _world.Ask("/a%20b?json").Body, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_page_in_a_browser_sends_is_not_taken()
    {
        Reply reply = Post("/a%20b?report=wrong&server=CS1", "Origin: http://evil.example\r\n");
        Assert.Equal((405, "GET, HEAD, OPTIONS"), (reply.Status, reply["Allow"]));
        Assert.Equal(405, Post("/a%20b?report=wrong&server=CS1", "Origin: null\r\n").Status);
        Assert.Equal(ServerState.Unknown, _world.Index.StateOf("CS1"));
        Assert.Null(_world.Ask("/a%20b?report=wrong&server=CS1", method: "OPTIONS")["Access-Control-Allow-Methods"]);
    }

    [Theory]
    [InlineData("/a%20b?report=wrong")]
    [InlineData("/a%20b?server=CS1")]
    [InlineData("/a%20b?report=bad&server=CS1")]
    [InlineData("/a%20b?report=wrong&server=")]
    [InlineData("/?report=wrong&server=CS1")]
    [InlineData("/../a?report=wrong&server=CS1")]
    public void What_is_no_report_is_a_method_that_is_not_taken(string target) =>
        Assert.Equal(405, Post(target).Status);

    [Theory]
    [InlineData("/other?report=wrong&server=CS1")]
    [InlineData("/a%20b?report=wrong&server=CS9")]
    public void What_the_server_does_not_hold_counts_for_nothing(string target)
    {
        Assert.Equal(204, Post(target).Status);
        Assert.Empty(_world.Index.Looks);
    }

    [Fact]
    public void The_eleventh_of_an_address_within_ten_seconds_is_refused_whichever_door_it_takes()
    {
        const string target = "/a%20b?report=stall&server=CS1";
        Assert.EndsWith("OK REPORTED\n", _world.Index.Ask("HELLO 2\nREPORT a%20b CS1 stall\n", "192.0.2.9"),
            StringComparison.Ordinal);
        for (int n = 0; n < 9; n++) Assert.Equal(204, Post(target).Status);
        Assert.Equal(429, Post(target).Status);
        // Behind a trusted proxy each client has its own.
        Assert.Equal(204, _world.Ask(target, "X-Forwarded-For: 192.0.2.10\r\n", "POST", remote: "10.9.0.1").Status);
        Assert.Equal(429, _world.Ask(target, "X-Forwarded-For: 192.0.2.9\r\n", "POST", remote: "10.9.0.1").Status);
    }

    [Fact]
    public void A_report_with_a_body_is_refused() =>
        Assert.Equal(413, Post("/a%20b?report=wrong&server=CS1", "Content-Length: 5\r\n").Status);

    private Reply Post(string target, string fields = "") => _world.Ask(target, fields, "POST");
}
