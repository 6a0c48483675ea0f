using MicroCdn.Caching.Store;
using MicroCdn.Content;
using MicroCdn.Edge.PullThrough;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Edge;

/// <summary>What an operator names is purged under the keys of the origins that a request for it goes to.</summary>
public sealed class PurgeTargetTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly LogBook _log = new();
    private readonly OriginFront _front;

    public PurgeTargetTests()
    {
        PullOptions options = new()
        {
            Origins =
            [
                new OriginRule("", "/", new Uri("http://main.example")),
                new OriginRule("img.example", "/", new Uri("https://img-origin.example:8443")),
                new OriginRule("", "/api/", new Uri("http://api.example:8080")),
            ],
            QueryDrop = ["utm"],
        };
        _front = new OriginFront(options, ServedFiles.None, new Complaints(_log, _time), _time, _log);
    }

    public void Dispose() => _front.Dispose();

    [Theory]
    [InlineData("https://www.example/a?b=c", "http://main.example:80/a?b=c")]
    [InlineData("https://www.example/a?utm=1&b=c#end", "http://main.example:80/a?b=c")]
    [InlineData("http://IMG.example:99/a", "https://img-origin.example:8443/a")]
    [InlineData("http://img.example", "https://img-origin.example:8443/")]
    [InlineData("https://www.example/api/x", "http://api.example:8080/api/x")]
    [InlineData("/a b/\u00e9", "http://main.example:80/a%20b/%C3%A9", "https://img-origin.example:8443/a%20b/%C3%A9")]
    [InlineData("/api/x", "http://main.example:80/api/x", "http://api.example:8080/api/x",
        "https://img-origin.example:8443/api/x")]
    public void A_URL_is_the_key_that_a_request_for_it_has(string url, params string[] keys) =>
        Assert.Equal(keys.Order(StringComparer.Ordinal), Orders(PurgeKind.Url, url, PurgeScope.Url));

    [Theory]
    [InlineData("/img/", "http://main.example:80/img/", "https://img-origin.example:8443/img/")]
    [InlineData("/ap", "http://api.example:8080/api/", "http://main.example:80/ap",
        "https://img-origin.example:8443/ap")]
    [InlineData("https://www.example/a?b", "http://main.example:80/a?b")]
    [InlineData("https://img.example/img/", "http://main.example:80/img/", "https://img-origin.example:8443/img/")]
    public void A_prefix_is_that_of_every_origin_that_may_have_it(string prefix, params string[] texts) =>
        Assert.Equal(texts.Order(StringComparer.Ordinal), Orders(PurgeKind.Prefix, prefix, PurgeScope.Prefix));

    [Fact]
    public void A_tag_is_its_bytes() => Assert.Equal(["\u00c3\u00a9"], Orders(PurgeKind.Tag, "\u00e9", PurgeScope.Tag));

    [Fact]
    public void Too_many_to_be_remembered_purge_everything()
    {
        List<Purge> many = [.. Enumerable.Range(0, 300)
            .Select(length => Make(PurgeKind.Prefix, $"/{new string('a', length)}", isSoft: false))];
        Assert.True(_front.Purges.Apply(many));
        Assert.Contains("everything is purged", string.Join('\n', _log.Lines), StringComparison.Ordinal);
    }

    private List<string> Orders(PurgeKind kind, string value, PurgeScope scope)
    {
        List<PurgeOrder> orders = [.. _front.Purges.OrdersOf(Make(kind, value, isSoft: true))];
        Assert.All(orders, order => Assert.Equal((scope, true), (order.Scope, order.IsSoft)));
        return [.. orders.Select(order => order.Text).Order(StringComparer.Ordinal)];
    }

    private static Purge Make(PurgeKind kind, string value, bool isSoft) => Purge.Of(kind, value, isSoft, out _)!;
}
