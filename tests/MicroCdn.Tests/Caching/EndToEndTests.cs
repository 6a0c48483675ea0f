using MicroCdn.Caching;
using static MicroCdn.Tests.Caching.CacheWords;

namespace MicroCdn.Tests.Caching;

// RFC 9110, section 7.6; RFC 9111, section 3.1; RFC 8586; RFC 9211.
public sealed class EndToEndTests
{
    [Theory]
    [InlineData("Connection: a, B | A: 1 | b: 2 | c: 3", "c: 3")]
    [InlineData("Connection: a | Connection: b | A: 1 | b: 2", "")]
    [InlineData("Keep-Alive: 1 | Proxy-Authenticate: 1 | Proxy-Authentication-Info: 1 | Proxy-Authorization: 1 | "
        + "Proxy-Connection: 1 | TE: 1 | Trailer: 1 | Transfer-Encoding: 1 | Upgrade: 1 | Set-Cookie: a=b",
        "Set-Cookie: a=b")]
    [InlineData("Connection: cache-control, vary, close | Cache-Control: private | Vary: a",
        "Cache-Control: private | Vary: a")]
    public void Fields_of_one_connection_stay_behind_and_rules_cannot_be_named_away(string lines, string left) =>
        Assert.Equal(left, Line(EndToEnd.Of(Fields(lines))));

    [Fact]
    public void Age_is_not_stored_and_everything_else_comes_back_in_its_order() => Assert.Equal(
        "Date: x | Clear-Site-Data: y | Content-Range: z",
        Line(EndToEnd.ForStorage(Fields("Date: x | Age: 5 | Clear-Site-Data: y | Content-Range: z"), Directives.None)));

    [Fact]
    public void The_origin_is_asked_without_the_clients_conditions_and_without_what_is_in_no_key()
    {
        const string Asked = "Host: a | Accept: x | If-None-Match: \"a\" | Range: bytes=0-1 | X-Forwarded-Host: evil | "
            + "X-Original-URL: /admin | Forwarded: host=evil | Accept-Encoding: deflate, gzip;q=0.1 | Foo: 1 | "
            + "Connection: foo, authorization | Authorization: y | Cache-Control: no-cache | Content-Length: 0";
        Assert.Equal("Accept: x | Authorization: y | Accept-Encoding: gzip | Via: 1.1 edge | CDN-Loop: edge",
            Line(OriginFields.ForStorage(Fields(Asked), "edge", CachePolicy.Site).Build()));
        Assert.Equal("Accept: x | Authorization: y | Cache-Control: no-cache | Accept-Encoding: gzip | Via: 1.1 edge | "
            + "CDN-Loop: edge", Line(OriginFields.ForStorage(Fields(Asked), "edge", CachePolicy.Conformant).Build()));
    }

    [Fact]
    public void What_passes_through_keeps_its_conditions_and_says_who_was_here() => Assert.Equal(
        "If-Match: \"a\" | Via: 1.0 x | CDN-Loop: y; a=b | Via: 1.1 edge | CDN-Loop: edge",
        Line(OriginFields.ForPassing(Fields("If-Match: \"a\" | Via: 1.0 x | CDN-Loop: y; a=b"), "edge").Build()));

    // RFC 9110, 7.6.2
    [Theory]
    [InlineData("Max-Forwards: 3", "Max-Forwards: 2", false)]
    [InlineData("max-forwards: 1", "max-forwards: 0", false)]
    [InlineData("Max-Forwards: 0", "Max-Forwards: 0", true)]
    [InlineData("Max-Forwards: 00", "Max-Forwards: 0", true)]
    [InlineData("Max-Forwards: x", "Max-Forwards: x", false)]
    [InlineData("Max-Forwards: ", "Max-Forwards:", false)]
    [InlineData("Max-Forwards: -1", "Max-Forwards: -1", false)]
    public void What_says_how_far_it_may_go_comes_one_further(string line, string passed, bool isLast)
    {
        Assert.StartsWith(passed, Line(OriginFields.ForPassing(Fields(line), "edge").Build()),
            StringComparison.Ordinal);
        Assert.Equal(isLast, OriginFields.IsLastHop(Fields(line)));
    }

    [Theory]
    [InlineData("CDN-Loop: edge", true)]
    [InlineData("CDN-Loop: other, EDGE;v=1", true)]
    [InlineData("CDN-Loop: other | CDN-Loop: edge", true)]
    [InlineData("CDN-Loop: other; a=\"x, edge\"", false)]
    [InlineData("CDN-Loop: edges, my-edge", false)]
    [InlineData("CDN-Loop: other; a=\"x, edge", true)] // a quote that is not closed hides nothing
    [InlineData("Via: 1.1 edge", false)]
    public void A_request_that_was_here_before_is_known(string lines, bool isLoop) =>
        Assert.Equal(isLoop, OriginFields.IsLoop(Fields(lines), "edge"u8));

    [Fact]
    public void No_cut_of_cdn_loop_hangs_or_sees_a_name_that_is_not_there()
    {
        const string Value = "other; a=\"x, \\\" edge\" , third;b=c, \tedg";
        for (int length = 0; length <= Value.Length; length++)
        {
            // A quote that is not closed hides nothing: what follows it counts as it stands.
            _ = OriginFields.IsLoop(Fields($"CDN-Loop: {Value[..length]}"), "nobody"u8);
        }
        Assert.False(OriginFields.IsLoop(Fields($"CDN-Loop: {Value}"), "edge"u8));
    }

    [Fact]
    public void Cache_status_says_how_it_went() // RFC 9211, 2
    {
        Assert.Equal("edge; hit; ttl=376", Status(new CacheStatus(Outcome.Hit) { SecondsLeft = 376 }));
        Assert.Equal("edge; hit; ttl=-5; detail=hit-stale",
            Status(new CacheStatus(Outcome.HitStale) { SecondsLeft = -5 }));
        Assert.Equal("edge; fwd=uri-miss; fwd-status=200; ttl=60; stored; collapsed",
            Status(new CacheStatus(Outcome.UriMiss)
            {
                ForwardStatus = 200,
                SecondsLeft = 60,
                IsStored = true,
                IsCollapsed = true,
            }));
        Assert.Equal("edge; fwd=stale; fwd-status=503; ttl=-5; detail=hit-error",
            Status(new CacheStatus(Outcome.HitError) { ForwardStatus = 503, SecondsLeft = -5 }));
        Assert.Equal("edge; detail=only-if-cached", Status(new CacheStatus(Outcome.OnlyIfCached)));
        Assert.Equal("edge; detail=loop", Status(new CacheStatus(Outcome.Loop)));
        foreach (Outcome outcome in Enum.GetValues<Outcome>()) Assert.NotEmpty(Status(new CacheStatus(outcome)));
    }

    private static string Status(CacheStatus status)
    {
        byte[] target = new byte[CacheStatus.MostBytes + 4];
        return Text(target.AsSpan(0, status.Write("edge"u8, target)));
    }
}
