using MicroCdn.Edge.PullThrough;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Edge;

/// <summary>What pull-through decides on its own.</summary>
public sealed class PullThroughTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void A_body_that_drips_for_nobody_is_given_up()
    {
        UnreadPace pace = new(_time);
        Assert.False(pace.IsTooSlow(5, isRead: false));
        _time.Advance(UnreadPace.Window);
        Assert.True(pace.IsTooSlow(5, isRead: false));
    }

    [Fact]
    public void A_body_that_comes_at_a_good_pace_comes_to_its_end_without_readers()
    {
        UnreadPace pace = new(_time);
        for (int second = 0; second < 1000; second++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            Assert.False(pace.IsTooSlow(UnreadPace.LeastBytes / 8, isRead: false));
        }
    }

    [Fact]
    public void A_drip_that_somebody_reads_goes_on_and_has_time_when_he_leaves()
    {
        UnreadPace pace = new(_time);
        for (int second = 0; second < 1000; second++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            Assert.False(pace.IsTooSlow(1, isRead: true));
        }
        _time.Advance(UnreadPace.Window / 2);
        Assert.False(pace.IsTooSlow(1, isRead: false));
        _time.Advance(UnreadPace.Window / 2);
        Assert.True(pace.IsTooSlow(1, isRead: false));
    }

    [Theory]
    [InlineData("/..")]
    [InlineData("/a/../b")]
    [InlineData("/%2e%2E/b")]
    [InlineData("/.%2e;x=1/b")]
    [InlineData("/..%2fb")]
    [InlineData("/a%5C..%5cb")]
    [InlineData("/a/..\\b")]
    public void Two_dots_climb_however_they_are_written(string path) => Assert.True(ClimbingPath.Is(Bytes(path)));

    [Theory]
    [InlineData("/")]
    [InlineData("/...")]
    [InlineData("/a..b/..c/d../.e")]
    [InlineData("/./a")]
    [InlineData("/a;..")]
    [InlineData("/%2")]
    [InlineData("/.%2ex")]
    [InlineData("/%zz..")]
    public void Other_dots_are_names(string path) => Assert.False(ClimbingPath.Is(Bytes(path)));

    private static byte[] Bytes(string text) => System.Text.Encoding.Latin1.GetBytes(text);
}
