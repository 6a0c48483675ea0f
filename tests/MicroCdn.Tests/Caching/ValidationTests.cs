using MicroCdn.Caching;
using MicroCdn.Protocol;
using static MicroCdn.Tests.Caching.CacheWords;

namespace MicroCdn.Tests.Caching;

// RFC 9111, sections 3.2 and 4.3; RFC 9110, section 13.
public sealed class ValidationTests
{
    [Theory]
    [InlineData("ETag: \"a\"", "If-None-Match: \"a\"")]
    [InlineData("ETag: W/\"a\" | Last-Modified: @-9",
        "If-None-Match: W/\"a\" | If-Modified-Since: Tue, 14 Nov 2023 22:13:11 GMT")]
    [InlineData("ETag: a | Last-Modified: x", "")]
    public void A_copy_is_validated_by_its_own_validators(string lines, string conditions) // 4.3.1
    {
        HeaderFields.Builder builder = new();
        Validation.AddConditions(builder, Copy(lines));
        Assert.Equal(conditions, Line(builder.Build()));
    }

    [Theory]
    [InlineData("ETag: \"a\"", "ETag: \"a\"", true)]
    [InlineData("ETag: \"a\"", "ETag: \"b\"", false)]
    [InlineData("ETag: \"a\"", "ETag: W/\"a\"", true)]
    [InlineData("ETag: W/\"a\"", "ETag: \"a\"", false)]
    [InlineData("ETag: W/\"a\"", "ETag: W/\"b\"", false)]
    [InlineData("Last-Modified: @-9", "ETag: \"a\"", false)]
    [InlineData("Last-Modified: @-9", "Last-Modified: @-9", true)]
    [InlineData("Last-Modified: @-9", "Last-Modified: @-8", false)]
    [InlineData("ETag: \"a\"", "Cache-Control: max-age=1", true)]
    public void A_304_is_about_the_copy_with_its_validator(string copy, string answer, bool isAbout) => // 4.3.4
        Assert.Equal(isAbout, Validation.IsAbout(Copy(copy), Fields(answer)));

    [Fact]
    public void A_304_replaces_all_fields_but_those_of_the_body_and_makes_the_copy_fresh() // 3.2
    {
        StoredHead head = Copy("Cache-Control: max-age=1 | A: 1 | A: 2 | B: 3 | Content-Type: a/b | "
            + "Content-Length: 5 | Content-Encoding: gzip | ETag: \"a\" | Repr-Digest: x").Head;
        StoredHead updated = Validation.Update(head, Fields("Cache-Control: max-age=60 | A: 4 | C: 5 | "
            + "Content-Type: c/d | Content-Length: 9 | Content-Encoding: br | ETag: W/\"a\" | Repr-Digest: y | "
            + "Connection: D | D: 1 | Age: 7"),
            Fields(""), T + 100, T + 101, CachePolicy.Conformant);
        Assert.Equal("B: 3 | Content-Length: 5 | Content-Encoding: gzip | ETag: \"a\" | Repr-Digest: x | "
            + "Cache-Control: max-age=60 | A: 4 | C: 5 | Content-Type: c/d", Line(updated.Fields));
        Assert.Equal(new Freshness(8, 60), CopyRules.Of(updated, CachePolicy.Conformant).At(T + 101));
        Assert.Equal(200, updated.Status);
    }

    [Fact]
    public void A_cookie_in_a_304_is_stored_only_where_cookies_are()
    {
        StoredHead head = Copy("ETag: \"a\"").Head;
        HeaderFields news = Fields("Set-Cookie: who=me");
        Assert.True(Validation.Update(head, news, Fields(""), T, T, CachePolicy.Conformant).Fields.Has("Set-Cookie"u8));
        Assert.False(Validation.Update(head, news, Fields(""), T, T, CachePolicy.Site).Fields.Has("Set-Cookie"u8));
    }

    [Fact]
    public void A_304_with_another_vary_selects_anew()
    {
        StoredHead head = Copy("ETag: \"a\" | Vary: Foo", request: "Foo: 1 | Bar: 2").Head;
        HeaderFields request = Fields("Foo: 1 | Bar: 2");
        StoredHead updated = Validation.Update(head, Fields("Vary: Bar"), request, T, T, CachePolicy.Site);
        Assert.Equal("bar: 2", Line(updated.Selecting));
        updated = Validation.Update(head, Fields("X: 1"), request, T, T, CachePolicy.Site);
        Assert.Equal("foo: 1", Line(updated.Selecting));
    }

    [Theory]
    [InlineData(200, "X: 2", HeadEffect.Update)]
    [InlineData(200, "ETag: \"a\" | Content-Length: 5", HeadEffect.Update)]
    [InlineData(200, "Content-Length: 6", HeadEffect.Stale)]
    [InlineData(200, "ETag: \"b\"", HeadEffect.Stale)]
    [InlineData(410, "X: 2", HeadEffect.None)]
    public void The_answer_to_a_head_updates_a_copy_of_the_same_or_makes_it_stale(int status, string lines, // 4.3.5
        HeadEffect effect) =>
        Assert.Equal(effect, Validation.OfHead(Copy("ETag: \"a\" | Content-Length: 5"), status, Fields(lines)));

    [Theory]
    [InlineData("ETag: \"a\"", "If-None-Match: \"a\"", true)]
    [InlineData("ETag: \"a\"", "If-None-Match: \"x\", W/\"a\"", true)]
    [InlineData("ETag: W/\"a\"", "If-None-Match: \"a\"", true)]
    [InlineData("ETag: \"a\"", "If-None-Match: *", true)]
    [InlineData("ETag: \"a\"", "If-None-Match: \"b\"", false)]
    [InlineData("ETag: \"a\"", "If-None-Match: \"a\" \"b\"", false)]
    [InlineData("ETag: \"a,b\"", "If-None-Match: \"x\", \"a,b\"", true)]
    [InlineData("ETag: \"a\" | Last-Modified: @-9", "If-None-Match: \"b\" | If-Modified-Since: @0", false)]
    [InlineData("Last-Modified: @-9", "If-Modified-Since: @-9", true)]
    [InlineData("Last-Modified: @-9", "If-Modified-Since: @-8", true)]
    [InlineData("Last-Modified: @-9", "If-Modified-Since: @-10", false)]
    [InlineData("Last-Modified: @-9", "If-Modified-Since: Tuesday, 14-Nov-23 22:13:11 GMT", true)]
    [InlineData("Last-Modified: @-9", "If-Modified-Since: x", false)]
    [InlineData("Last-Modified: @-9", "If-Modified-Since: tue, 14 nov 2023 22:13:11 gmt", false)] // RFC 9110, 13.1.3
    [InlineData("Last-Modified: tue, 14 nov 2023 22:13:11 gmt", "If-Modified-Since: @-9", true)]
    [InlineData("Date: @-5", "If-Modified-Since: @-5", true)]
    [InlineData("Date: @-5", "If-Modified-Since: @-6", false)]
    [InlineData("X: y", "If-Modified-Since: @0", true)]
    [InlineData("ETag: \"a\"", "If-Match: \"b\"", false)]
    public void A_client_that_has_the_copy_is_told_so(string copy, string request, bool isNotModified) => // 4.3.2
        Assert.Equal(isNotModified, Conditions.AreNotModified(Fields(request), Copy(copy)));

    [Fact]
    public void Only_a_200_is_not_modified() => // RFC 9110, 13.2.1
        Assert.False(Conditions.AreNotModified(Fields("If-None-Match: *"), Copy("ETag: \"a\"", status: 404)));

    [Theory]
    [InlineData("ETag", true)]
    [InlineData("Cache-Control", true)]
    [InlineData("Content-Location", true)]
    [InlineData("content-length", false)]
    [InlineData("Content-Type", false)]
    public void A_304_has_the_fields_that_are_not_of_the_body(string name, bool isIn) =>
        Assert.Equal(isIn, Conditions.IsIn304(Bytes(name)));
}
