using MicroCdn.Caching;
using static MicroCdn.Tests.Caching.CacheWords;

namespace MicroCdn.Tests.Caching;

// RFC 9111, sections 3 to 3.5.
public sealed class StoringTests
{
    [Theory]
    [InlineData(200, "Cache-Control: max-age=60", Storability.Yes)]
    [InlineData(200, "ETag: \"a\"", Storability.Yes)]
    [InlineData(200, "Cache-Control: no-cache | ETag: \"a\"", Storability.Yes)] // 5.2.2.4: stored, always validated
    [InlineData(200, "Cache-Control: max-age=0 | Last-Modified: @-5", Storability.Yes)]
    [InlineData(200, "Cache-Control: max-age=0, stale-if-error=60", Storability.Yes)]
    [InlineData(200, "", Storability.NoUse)]
    [InlineData(200, "Cache-Control: no-cache, max-age=60", Storability.NoUse)]
    [InlineData(200, "Cache-Control: max-age=60 | Age: 60", Storability.NoUse)]
    [InlineData(200, "Cache-Control: private, max-age=60", Storability.Private)]
    [InlineData(200, "Cache-Control: max-age=60, No-StOrE | ETag: \"a\"", Storability.NoStore)]
    [InlineData(200, "Cache-Control: no-store | CDN-Cache-Control: max-age=60", Storability.Yes)] // RFC 9213
    [InlineData(200, "Cache-Control: max-age=60 | CDN-Cache-Control: private", Storability.Private)]
    [InlineData(200, "Cache-Control: max-age=60 | Vary: a, *", Storability.Varies)]
    [InlineData(299, "Expires: @60", Storability.Yes)]
    [InlineData(302, "Cache-Control: s-maxage=60", Storability.Yes)]
    [InlineData(302, "Last-Modified: @-1000", Storability.NoLifetime)]
    [InlineData(499, "Cache-Control: max-age=60", Storability.Yes)]
    [InlineData(503, "Cache-Control: max-age=60", Storability.Yes)]
    [InlineData(503, "ETag: \"a\"", Storability.NoLifetime)]
    [InlineData(599, "Cache-Control: max-age=60", Storability.Yes)]
    [InlineData(599, "Cache-Control: max-age=60, must-understand", Storability.NotUnderstood)] // 5.2.2.3
    [InlineData(200, "Cache-Control: max-age=60, must-understand, no-store", Storability.Yes)]
    [InlineData(103, "Cache-Control: max-age=60", Storability.Status)]
    [InlineData(304, "Cache-Control: max-age=60", Storability.Status)]
    [InlineData(412, "Cache-Control: max-age=60", Storability.Status)]
    [InlineData(416, "Cache-Control: max-age=60", Storability.Status)]
    public void A_response_is_stored_when_nothing_forbids_it_and_it_is_of_use(int status, string lines,
        Storability answer) => Assert.Equal(answer, Decide(lines, status: status));

    [Theory]
    [InlineData("Expires: @60", Storability.Authorized)]
    [InlineData("Cache-Control: max-age=60", Storability.Authorized)]
    [InlineData("Cache-Control: max-age=60, public", Storability.Yes)]
    [InlineData("Cache-Control: max-age=60, must-revalidate", Storability.Yes)]
    [InlineData("Cache-Control: s-maxage=60", Storability.Yes)]
    [InlineData("CDN-Cache-Control: max-age=60 | Cache-Control: public", Storability.Authorized)]
    public void What_was_asked_for_with_credentials_is_shared_only_if_the_origin_says_so(string lines, // 3.5
        Storability answer) => Assert.Equal(answer, Decide(lines, request: "Authorization: x"));

    [Fact]
    public void What_was_asked_for_with_credentials_stays_so_when_others_validate_it() // 3.5
    {
        CopyRules copy = Copy("Cache-Control: max-age=60", request: "Authorization: x");
        Assert.Equal(Storability.Authorized, Storing.Decide(Request("GET", ""), Key, copy, CachePolicy.Site));
    }

    [Theory]
    [InlineData(0, Storability.Yes)]
    [InlineData(1, Storability.TooLarge)]
    public void A_head_that_could_not_be_sent_on_is_not_stored(int more, Storability answer)
    {
        const string Lines = "Cache-Control: max-age=60 | X: ";
        int length = StoredHead.MostBytes - Copy(Lines).Head.Bytes + more;
        Assert.Equal(answer, Decide(Lines + new string('x', length)));
    }

    [Fact]
    public void The_site_preset_gives_nobodys_cookie_to_others()
    {
        const string Lines = "Cache-Control: max-age=60 | Set-Cookie: a=b";
        Assert.Equal(Storability.Yes, Decide(Lines, CachePolicy.Conformant));
        Assert.Equal(Storability.Cookie, Decide(Lines, CachePolicy.Site));
    }

    [Fact]
    public void The_conformant_preset_follows_the_client_that_wants_nothing_stored() // 5.2.1.5
    {
        Assert.Equal(Storability.NoStoreAsked, Decide("Cache-Control: max-age=60", request: "Cache-Control: no-store"));
        Assert.Equal(Storability.Yes,
            Decide("Cache-Control: max-age=60", CachePolicy.Site, request: "Cache-Control: no-store"));
    }

    [Theory]
    [InlineData("HEAD", "Cache-Control: max-age=60", Storability.Method)]
    [InlineData("PUT", "Cache-Control: max-age=60 | Content-Location: /dir/page?q=1", Storability.Method)]
    [InlineData("get", "Cache-Control: max-age=60", Storability.Method)]
    [InlineData("POST", "Cache-Control: max-age=60", Storability.Method)]
    [InlineData("POST", "ETag: \"a\" | Content-Location: /dir/page?q=1", Storability.Method)]
    [InlineData("POST", "Cache-Control: max-age=60 | Content-Location: /dir/other", Storability.Method)]
    [InlineData("POST", "Cache-Control: max-age=60 | Content-Location: /dir/page?q=1", Storability.Yes)]
    [InlineData("POST", "Expires: @60 | Content-Location: ?q=1", Storability.Yes)]
    [InlineData("POST", "Expires: @60 | Content-Location: http://A.example/dir/page?q=1", Storability.Yes)]
    public void Of_other_methods_only_a_post_whose_answer_says_that_it_is_the_target_is_stored( // 9110, 9.3.3
        string method, string lines, Storability answer) => Assert.Equal(answer, Decide(lines, method: method));

    [Fact]
    public void An_answer_that_is_not_stored_leaves_a_fresh_copy_and_one_whose_origin_failed()
    {
        CopyRules copy = Copy("Cache-Control: max-age=60");
        Assert.False(Storing.Retires(200, copy, T + 59));
        Assert.True(Storing.Retires(200, copy, T + 60));
        Assert.False(Storing.Retires(503, copy, T + 60));
        Assert.True(Storing.Retires(200, Copy("Cache-Control: no-cache, max-age=60 | ETag: \"a\""), T));
    }

    private static Storability Decide(string lines, CachePolicy? policy = null, int status = 200, string request = "",
        string method = "GET")
    {
        policy ??= CachePolicy.Conformant;
        CopyRules copy = Copy(lines, policy, status, request, method);
        return Storing.Decide(Request(method, request, policy), Key, copy, policy);
    }
}
