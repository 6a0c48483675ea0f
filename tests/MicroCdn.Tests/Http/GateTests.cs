using System.Net;
using MicroCdn.Access;
using MicroCdn.Http;
using MicroCdn.Network;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Http;

/// <summary>What stands before every handler: who may not have something is refused there.</summary>
public sealed class GateTests
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.FromUnixTimeSeconds(1_700_000_000));

    [Fact]
    public void Who_is_refused_gets_403_that_nobody_keeps_and_the_handler_hears_nothing()
    {
        string answer = Ask(["/ from=192.0.2.0/24 deny"], "/a");
        Assert.StartsWith("HTTP/1.1 403 Forbidden\r\n", answer, StringComparison.Ordinal);
        Assert.Contains("Cache-Control: no-store\r\n", answer, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\nThis may not be had from where you are.\n", answer, StringComparison.Ordinal);
        Assert.EndsWith("served /a", Ask(["/ from=198.51.100.0/24 deny"], "/a"), StringComparison.Ordinal);
    }

    [Fact]
    public void Who_comes_too_often_gets_429_with_the_time_to_wait()
    {
        Wire wire = Connect(["/ rate=6/m burst=2"]);
        for (int count = 0; count < 2; count++)
            Assert.EndsWith("served /a", wire.Receive(Get("/a")).Take(), StringComparison.Ordinal);
        string answer = wire.Receive(Get("/a")).Take();
        Assert.StartsWith("HTTP/1.1 429 Too Many Requests\r\n", answer, StringComparison.Ordinal);
        Assert.Contains("Retry-After: 10\r\n", answer, StringComparison.Ordinal);
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.EndsWith("served /a", wire.Receive(Get("/a")).Take(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_signed_link_lets_in_and_each_fault_has_its_sentence()
    {
        string good = SignedLink.Sign(AccessRules.Keys, "/private/x", false, 1_700_000_001);
        string other = SignedLink.Sign(
            AccessRules.Keys, "/private/x", false, 1_700_000_001, IPNetwork.Parse("10.0.0.0/8"));
        string[] rules = ["/private/ signed"];
        Assert.EndsWith($"served /private/x?{good}", Ask(rules, $"/private/x?{good}"), StringComparison.Ordinal);
        Assert.EndsWith($"served /%70rivate/x?{good}", Ask(rules, $"/%70rivate/x?{good}"), StringComparison.Ordinal);
        Assert.EndsWith("This needs a signed link.\n", Ask(rules, "/private/x"), StringComparison.Ordinal);
        Assert.EndsWith("This needs a signed link.\n", Ask(rules, "/%70rivate/x"), StringComparison.Ordinal);
        Assert.EndsWith("This needs a signed link.\n", Ask(rules, "//private//x"), StringComparison.Ordinal);
        Assert.EndsWith("The signature of this link is wrong.\n", Ask(rules, $"/private/y?{good}"),
            StringComparison.Ordinal);
        Assert.EndsWith("This link is good for another network.\n", Ask(rules, $"/private/x?{other}"),
            StringComparison.Ordinal);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.EndsWith("This link has expired.\n", Ask(rules, $"/private/x?{good}"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/public/../private/x")]
    [InlineData("/public/%2e%2e/private/x")]
    [InlineData("/public%2f..%2fprivate/x")]
    public void Where_rules_tell_paths_apart_none_may_be_read_in_two_ways(string path)
    {
        Assert.StartsWith("HTTP/1.1 400 ", Ask(["/private/ signed"], path), StringComparison.Ordinal);
        Assert.EndsWith($"served {path}", Ask(["/ rate=5/s"], path), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 403 ", Ask(["/ deny"], path), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/healthz")]
    [InlineData("/readyz")]
    public void Whether_we_are_well_may_be_asked_by_all(string path) =>
        Assert.EndsWith($"served {path}", Ask(["/ deny"], path), StringComparison.Ordinal);

    [Fact]
    public void Behind_a_proxy_it_is_the_client_that_counts()
    {
        string[] rules = ["/ from=203.0.113.0/24 deny"];
        const string forwarded = "GET /a HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.7\r\n\r\n";
        Assert.Contains(" 403 ", Connect(rules, new ClientAddresses([IPNetwork.Parse("192.0.2.0/24")]))
            .Receive(forwarded).Sent, StringComparison.Ordinal);
        Assert.Contains(" 200 ", Connect(rules).Receive(forwarded).Sent, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")]
    [InlineData("DELETE /a HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("OPTIONS /a HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("PURGE /a HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("GET http://x/a HTTP/1.1\r\nHost: x\r\n\r\n")]
    public void Every_method_is_looked_at(string request) =>
        Assert.StartsWith("HTTP/1.1 403 ", Connect(["/ deny"]).Receive(request).Sent, StringComparison.Ordinal);

    [Fact]
    public void A_table_takes_the_place_of_another_while_connections_stand()
    {
        Gate gate = new(_time) { Table = AccessRules.Table("/ deny") };
        Wire wire = Connect(gate, ClientAddresses.AsTheyCome);
        Assert.Contains(" 403 ", wire.Receive(Get("/a")).Take(), StringComparison.Ordinal);
        gate.Table = AccessTable.Open;
        Assert.Contains(" 200 ", wire.Receive(Get("/a")).Take(), StringComparison.Ordinal);
    }

    private string Ask(string[] rules, string target) => Connect(rules).Receive(Get(target)).Sent;

    private Wire Connect(string[] rules, ClientAddresses? clients = null) =>
        Connect(new Gate(_time) { Table = AccessRules.Table(rules) }, clients ?? ClientAddresses.AsTheyCome);

    private Wire Connect(Gate gate, ClientAddresses clients) => new(new HttpService(
        new Serving(), new TrustedNetworks([]), new Complaints(new LogBook(), _time), _time)
    {
        Gate = gate, Clients = clients,
    }, Peer.From("192.0.2.1", "192.0.2.99"));

    private static string Get(string target) => $"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n";

    private sealed class Serving : IHttpHandler
    {
        public bool Takes(in Request request) => true;

        public void Handle(in Request request, Response response, IPeer peer)
        {
            response.Begin(HttpStatus.Ok);
            response.End([.. "served "u8, .. request.Target]);
        }
    }
}
