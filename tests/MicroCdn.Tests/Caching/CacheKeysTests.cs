using MicroCdn.Caching;
using static MicroCdn.Tests.Caching.CacheWords;

namespace MicroCdn.Tests.Caching;

// RFC 9111, sections 2 and 4.4; RFC 3986, section 5.2.
public sealed class CacheKeysTests
{
    [Theory]
    [InlineData("http", "a.example", "/", "", "http://a.example:80/")]
    [InlineData("HTTPS", "A.Example", "/x", "q=1", "https://a.example:443/x?q=1")]
    [InlineData("http", "a.example:", "/", "", "http://a.example:80/")]
    [InlineData("http", "a.example:0080", "/", "", "http://a.example:80/")]
    [InlineData("http", "[::1]:81", "/", "", "http://[::1]:81/")]
    [InlineData("http", "[::1]", "/", "", "http://[::1]:80/")]
    [InlineData("ftp", "a.example", "/", "", null)]
    [InlineData("http", "", "/", "", null)]
    [InlineData("http", "a@b", "/", "", null)]
    [InlineData("http", "a:x", "/", "", null)]
    [InlineData("http", "a.example", "*", "", null)]
    public void A_key_has_one_form_for_scheme_and_host(string scheme, string authority, string path, string query,
        string? key) => Assert.Equal(key, Of(scheme, authority, path, query)?.Text);

    [Theory]
    [InlineData("/account/x.css")]
    [InlineData("/account%2Fx.css")]
    [InlineData("/account%2fx.css")]
    [InlineData("/account;x.css")]
    [InlineData("/account%3Bx.css")]
    [InlineData("/account//x.css")]
    [InlineData("/account/.%2e/x.css")]
    [InlineData("/Account/x.css")]
    [InlineData("/account/x.css%00")]
    [InlineData("/account/x.css%23")]
    public void Paths_that_an_origin_may_tell_apart_never_share_a_copy(string path) =>
        Assert.Equal($"http://a.example:80{path}", Of("http", "a.example", path, "")?.Text);

    [Theory]
    [InlineData("a=1&utm_source=x&b=2", "a=1&b=2")]
    [InlineData("utm_source", "")]
    [InlineData("utm_source=1&&a", "a")]
    [InlineData("b=2&a=1", "b=2&a=1")]
    [InlineData("utm%5fsource=1", "utm%5fsource=1")]
    public void Parameters_may_be_dropped(string query, string kept) =>
        Assert.Equal(kept, Kept(QueryRule.Drop("utm_source"), query));

    [Theory]
    [InlineData("a=1&x=2&b=3&a=4", "a=1&b=3&a=4")]
    [InlineData("x=1", "")]
    [InlineData("A=1", "")]
    public void Or_some_alone_are_kept(string query, string kept) =>
        Assert.Equal(kept, Kept(QueryRule.Keep("a", "b"), query));

    [Fact]
    public void A_target_that_is_too_long_has_no_key() =>
        Assert.Null(Of("http", "a.example", "/" + new string('x', CacheKey.MostBytes), ""));

    [Theory]
    [InlineData("other", "http://a.example:80/dir/other")]
    [InlineData("/other", "http://a.example:80/other")]
    [InlineData("../other?x#y", "http://a.example:80/other?x")]
    [InlineData("./../../../other/..", "http://a.example:80/")]
    [InlineData("?x", "http://a.example:80/dir/page?x")]
    [InlineData("#x", null)]
    [InlineData("//a.example/x", "http://a.example:80/x")]
    [InlineData("http://A.EXAMPLE:80/x", "http://a.example:80/x")]
    [InlineData("https://a.example/x", null)]
    [InlineData("http://b.example/x", null)]
    [InlineData("//b.example/x", null)]
    [InlineData("http://a.example:81/x", null)]
    [InlineData("mailto:x", null)]
    [InlineData("http:", null)]
    [InlineData("", null)]
    public void A_change_makes_its_own_url_and_those_it_names_at_the_same_origin_invalid(string reference,
        string? other)
    {
        string?[] expected = other is null ? [Key.Text] : [Key.Text, other];
        foreach (string name in (string[])["Location", "Content-Location"])
        {
            Assert.Equal(expected, Invalidation.Of(MethodKind.Post, Key, 201, Fields($"{name}: {reference}"),
                CachePolicy.Site).Select(key => key.Text));
        }
    }

    [Theory]
    [InlineData("POST", 200, 1)]
    [InlineData("PUT", 204, 1)]
    [InlineData("DELETE", 302, 1)]
    [InlineData("M-SEARCH", 200, 1)]
    [InlineData("POST", 500, 0)]
    [InlineData("POST", 404, 0)]
    [InlineData("GET", 200, 0)]
    [InlineData("HEAD", 200, 0)]
    [InlineData("OPTIONS", 200, 0)]
    public void Only_what_may_change_something_and_succeeds_makes_copies_invalid(string method, int status, int keys) =>
        Assert.Equal(keys, Invalidation.Of(RequestRules.KindOf(Bytes(method)), Key, status, Fields(""),
            CachePolicy.Site).Count);

    private static CacheKey? Of(string scheme, string authority, string path, string query) =>
        CacheKeys.Of(Bytes(scheme), Bytes(authority), Bytes(path), Bytes(query), CachePolicy.Site);

    private static string Kept(QueryRule rule, string query)
    {
        byte[] target = new byte[query.Length];
        return Text(target.AsSpan(0, rule.Write(Bytes(query), target)));
    }
}
