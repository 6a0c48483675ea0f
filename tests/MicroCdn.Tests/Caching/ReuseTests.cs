using CsCheck;
using MicroCdn.Caching;
using static MicroCdn.Tests.Caching.CacheWords;

namespace MicroCdn.Tests.Caching;

// RFC 9111, sections 4 to 4.2.4 and 5.2; RFC 5861; RFC 8246.
public sealed class ReuseTests
{
    [Theory]
    [InlineData("max-age=60", 59, Outcome.Hit)]
    [InlineData("max-age=60", 60, Outcome.Stale)]
    [InlineData("max-age=60, no-cache", 1, Outcome.Stale)]
    [InlineData("max-age=60, stale-while-revalidate=10", 70, Outcome.HitStale)]
    [InlineData("max-age=60, stale-while-revalidate=10", 71, Outcome.Stale)]
    [InlineData("max-age=60, stale-while-revalidate=10, must-revalidate", 65, Outcome.Stale)]
    [InlineData("max-age=60, stale-while-revalidate=10, proxy-revalidate", 65, Outcome.Stale)]
    [InlineData("s-maxage=60, stale-while-revalidate=10", 65, Outcome.Stale)]
    public void A_copy_is_used_while_it_is_fresh_or_within_its_window(string directives, long age, Outcome outcome) =>
        Assert.Equal(outcome, Decide(directives, age));

    [Theory]
    [InlineData("max-age=0", "max-age=60", 1, Outcome.Request)]
    [InlineData("max-age=1", "max-age=60", 1, Outcome.Hit)]
    [InlineData("no-cache", "max-age=60", 1, Outcome.Request)]
    [InlineData("no-store", "max-age=60", 1, Outcome.Request)]
    [InlineData("min-fresh=59", "max-age=60", 1, Outcome.Hit)]
    [InlineData("min-fresh=60", "max-age=60", 1, Outcome.Request)]
    [InlineData("max-stale=5", "max-age=60", 65, Outcome.HitStale)]
    [InlineData("max-stale=5", "max-age=60", 66, Outcome.Stale)]
    [InlineData("max-stale", "max-age=60", 9999, Outcome.HitStale)]
    [InlineData("max-stale", "max-age=60, must-revalidate", 9999, Outcome.Stale)]
    [InlineData("only-if-cached", "max-age=60", 1, Outcome.Hit)]
    [InlineData("only-if-cached", "max-age=60", 61, Outcome.OnlyIfCached)]
    [InlineData("max-age=0", "max-age=60, immutable", 1, Outcome.Hit)]
    [InlineData("max-age=0", "max-age=60, immutable", 61, Outcome.Request)]
    [InlineData("no-cache", "max-age=60, immutable", 1, Outcome.Request)]
    [InlineData("max-age=x", "max-age=60", 1, Outcome.Hit)]
    public void The_conformant_preset_follows_the_request(string request, string directives, long age, Outcome outcome)
    {
        Assert.Equal(outcome, Decide(directives, age, $"Cache-Control: {request}"));
        Outcome expected = age >= 60 ? Outcome.Stale : Outcome.Hit;
        Assert.Equal(expected, Decide(directives, age, $"Cache-Control: {request}", CachePolicy.Site));
    }

    [Theory]
    [InlineData("Pragma: no-cache", Outcome.Request)] // 5.4
    [InlineData("Pragma: x, No-Cache", Outcome.Request)]
    [InlineData("Pragma: x", Outcome.Hit)]
    [InlineData("Pragma: no-cache | Cache-Control: max-age=60", Outcome.Hit)]
    [InlineData("Cookie: a=b", Outcome.Hit)]
    [InlineData("Authorization: x", Outcome.Hit)]
    public void Pragma_counts_only_without_cache_control(string request, Outcome outcome) =>
        Assert.Equal(outcome, Decide("max-age=60", 1, request));

    [Theory]
    [InlineData("GET", Outcome.UriMiss)]
    [InlineData("HEAD", Outcome.UriMiss)]
    [InlineData("POST", Outcome.Method)]
    [InlineData("OPTIONS", Outcome.Method)]
    [InlineData("M-SEARCH", Outcome.Method)]
    public void Without_a_copy_the_origin_is_asked(string method, Outcome outcome) =>
        Assert.Equal(outcome, Reuse.Decide(Request(method, ""), Fields(""), [], T).Outcome);

    [Fact]
    public void Only_if_cached_never_asks() => Assert.Equal(Outcome.OnlyIfCached,
        Reuse.Decide(Request("GET", "Cache-Control: only-if-cached"), Fields(""), [], T).Outcome);

    [Theory]
    [InlineData("max-age=60", 61, true)]
    [InlineData("max-age=60", 60 + (24 * 60 * 60), true)]
    [InlineData("max-age=60", 61 + (24 * 60 * 60), false)]
    [InlineData("max-age=60, stale-if-error=10", 70, true)]
    [InlineData("max-age=60, stale-if-error=10", 71, false)]
    [InlineData("max-age=60, stale-if-error=999999", 900000, true)]
    [InlineData("max-age=60, stale-if-error=10, must-revalidate", 61, false)]
    [InlineData("max-age=60, proxy-revalidate", 61, false)]
    [InlineData("s-maxage=60", 61, false)]
    [InlineData("max-age=60, no-cache", 61, false)]
    [InlineData("max-age=60, no-cache", 1, false)]
    [InlineData("max-age=60, must-revalidate", 1, true)] // it is not even stale
    public void A_stale_copy_stands_in_for_an_origin_that_fails_unless_forbidden(string directives, long age, bool may)
    {
        CopyRules copy = Copy($"Cache-Control: {directives} | ETag: \"a\"");
        Assert.Equal(may, Reuse.OnFailure(Request("GET", ""), copy, CachePolicy.Site, T + age));
        Assert.False(Reuse.OnFailure(Request("GET", "Cache-Control: no-cache"), copy, CachePolicy.Conformant, T + age));
    }

    [Theory]
    [InlineData(500, true)]
    [InlineData(501, false)]
    [InlineData(502, true)]
    [InlineData(503, true)]
    [InlineData(504, true)]
    [InlineData(404, false)]
    public void Some_statuses_are_failures(int status, bool isFailure) =>
        Assert.Equal(isFailure, Reuse.IsFailure(status));

    // Whatever the numbers: no use after the time that any rule allows, and freshness always means a hit.
    [Fact]
    public void A_copy_is_never_used_longer_than_it_allows() => Gen.Select(Gen.Int[0, 100], Gen.Int[0, 100],
        Gen.Int[0, 100], Gen.Int[0, 400], Gen.Bool).Sample((lifetime, window, received, passed, strict) =>
        {
            CopyRules copy = Copy($"Cache-Control: max-age={lifetime}, stale-while-revalidate={window}"
                + $"{(strict ? ", must-revalidate" : "")} | Age: {received}");
            Outcome outcome = Reuse.Decide(Request("GET", ""), Fields(""), [copy], T + passed).Outcome;
            int age = received + passed;
            Outcome expected = age < lifetime ? Outcome.Hit
                : !strict && age - lifetime <= window ? Outcome.HitStale : Outcome.Stale;
            Assert.Equal(expected, outcome);
        });

    private static Outcome Decide(string directives, long age, string request = "", CachePolicy? policy = null) =>
        Reuse.Decide(Request("GET", request, policy), Fields(request),
            [Copy($"Cache-Control: {directives} | ETag: \"a\"", policy)], T + age).Outcome;
}
