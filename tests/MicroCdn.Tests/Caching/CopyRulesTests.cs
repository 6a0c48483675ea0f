using MicroCdn.Caching;
using static MicroCdn.Tests.Caching.CacheWords;

namespace MicroCdn.Tests.Caching;

// RFC 9111, sections 4.2, 5.1 and 5.3.
public sealed class CopyRulesTests
{
    [Theory]
    [InlineData("Cache-Control: s-maxage=5, max-age=1 | Expires: @9", 5)]
    [InlineData("Cache-Control: max-age=1, s-maxage=5", 5)]
    [InlineData("Cache-Control: max-age=7 | Expires: @-7200 | Date: @0", 7)]
    [InlineData("Cache-Control: max-age=0 | Expires: @3600 | Date: @0", 0)]
    [InlineData("Expires: @60 | Date: @0", 60)]
    [InlineData("Expires: @60 | Date: @-7200", 7260)] // 4.2.1: against the origin's own clock
    [InlineData("Expires: @7260 | Date: @7200", 60)]
    [InlineData("Expires: @60", 60)]
    [InlineData("Expires: @0 | Date: @0", 0)]
    [InlineData("Expires: @-60 | Date: @0", 0)]
    [InlineData("Expires: 0 | Date: @0 | Last-Modified: @-1000", 0)] // 5.3: invalid is in the past
    [InlineData("Expires: @60 | Expires: @70 | Date: @0", 0)]
    [InlineData("Expires: Thu, 18 Aug 2050 02:01:18 UTC", 0)]
    [InlineData("Expires: Thu, 18 Aug 50 02:01:18 GMT", 0)]
    [InlineData("Expires: Thu, 18 Aug 2050 2:01:18 GMT", 0)]
    [InlineData("Expires: tUE, 14 nOV 2023 22:14:20 gmt | Date: @0", 60)] // 4.2: in any case of the letters
    [InlineData("Expires: Sun, 14 Nov 2023 22:14:20 GMT | Date: FRIDAY, 14-NOV-23 22:13:20 GMT", 60)]
    [InlineData("Last-Modified: MON, 14 NOV 2023 21:56:40 GMT | Date: tue nov 14 22:13:20 2023", 100)]
    [InlineData("Expires: Wed Nov 15 00:13:20 2023 | Date: Tuesday, 14-Nov-23 22:13:20 GMT", 7200)]
    [InlineData("CDN-Cache-Control: max-age=3 | Cache-Control: s-maxage=9 | Expires: @50", 3)]
    [InlineData("CDN-Cache-Control: foo | Expires: @50", 0)] // RFC 9213, 2.2
    [InlineData("Last-Modified: @-1000 | Date: @0", 100)] // 4.2.2
    [InlineData("Last-Modified: @10 | Date: @0", 0)]
    [InlineData("Last-Modified: @-100000000 | Date: @0", 86400)]
    [InlineData("ETag: \"a\"", 0)]
    public void The_lifetime_is_what_the_strongest_word_says(string lines, long seconds) =>
        Assert.Equal(seconds, Copy(lines).Lifetime);

    [Theory]
    [InlineData(200, 100)]
    [InlineData(203, 100)]
    [InlineData(204, 100)]
    [InlineData(404, 100)]
    [InlineData(405, 100)]
    [InlineData(410, 100)]
    [InlineData(414, 100)]
    [InlineData(501, 100)]
    [InlineData(201, 0)]
    [InlineData(202, 0)]
    [InlineData(302, 0)]
    [InlineData(403, 0)]
    [InlineData(502, 0)]
    [InlineData(503, 0)]
    [InlineData(504, 0)]
    [InlineData(599, 0)]
    public void Only_some_statuses_let_a_lifetime_be_guessed(int status, long seconds) // RFC 9110, 15.1
    {
        Assert.Equal(seconds, Copy("Last-Modified: @-1000 | Date: @0", status: status).Lifetime);
        Assert.Equal(100, Copy("Last-Modified: @-1000 | Date: @0 | Cache-Control: public", status: status).Lifetime);
    }

    [Theory]
    [InlineData("Age: 30", 30)]
    [InlineData("Age: 030", 30)]
    [InlineData("Age: 0, 7200", 0)] // 5.1: the first member counts
    [InlineData("Age: 7200,0", 7200)]
    [InlineData("Age: 7200 | Age: 0", 7200)]
    [InlineData("Age: abc", 0)]
    [InlineData("Age: -7200", 0)]
    [InlineData("Age: 7200.0", 0)]
    [InlineData("Age: 7200;foo=bar", 0)]
    [InlineData("Age: ", 0)]
    [InlineData("Age: 99999999999999999999", 2147483648)]
    public void The_age_that_came_counts_and_nonsense_does_not(string lines, long age) =>
        Assert.Equal(age, Copy(lines).At(T).Age);

    [Fact]
    public void The_way_of_the_response_and_the_time_here_make_it_older() // 4.2.3
    {
        CopyRules copy = CopyRules.Of(Copy("Cache-Control: max-age=60 | Age: 10").Head with { ReceivedAt = T + 5 },
            CachePolicy.Site);
        Assert.Equal(new Freshness(15, 60), copy.At(T + 5));
        Assert.Equal(new Freshness(59, 60), copy.At(T + 49));
        Assert.True(copy.At(T + 49).IsFresh);
        Assert.False(copy.At(T + 50).IsFresh);
        Assert.Equal(-1, copy.At(T + 51).SecondsLeft);
    }

    [Fact]
    public void A_clock_that_is_set_back_makes_no_copy_younger_than_it_came() =>
        Assert.Equal(10, Copy("Age: 10").At(T - 1000).Age);

    [Theory]
    [InlineData(200, 3600)]
    [InlineData(301, 3600)]
    [InlineData(404, 10)]
    [InlineData(500, 10)]
    public void The_site_preset_believes_no_error_for_long(int status, long seconds)
    {
        Assert.Equal(seconds, Copy("Cache-Control: max-age=3600", CachePolicy.Site, status).Lifetime);
        Assert.Equal(3600, Copy("Cache-Control: max-age=3600", CachePolicy.Conformant, status).Lifetime);
        Assert.Equal(5, Copy("Cache-Control: max-age=5", CachePolicy.Site, status).Lifetime);
    }

    [Theory]
    [InlineData("ETag: \"a\" | Last-Modified: @-9 | Date: @0", "\"a\"")]
    [InlineData("ETag: W/\"a\" | Last-Modified: @-9 | Date: @0", "")]
    [InlineData("Last-Modified: @-9 | Date: @0", "Tue, 14 Nov 2023 22:13:11 GMT")]
    [InlineData("Last-Modified: @0 | Date: @0", "")] // RFC 9110, 8.8.2.2: it may change again within that second
    [InlineData("Last-Modified: @-9", "")]
    [InlineData("ETag: a", "")]
    [InlineData("ETag: \"a\" | ETag: \"b\"", "")]
    public void Only_a_strong_validator_holds_parts_together(string lines, string validator) =>
        Assert.Equal(validator, Text(Copy(lines).StrongValidator));
}
