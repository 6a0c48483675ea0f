using MicroCdn.Settings;

namespace MicroCdn.Tests.Executable;

public sealed class TimeTextTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("30", 30_000)]
    [InlineData("0.1", 100)]
    [InlineData("100ms", 100)]
    [InlineData("30s", 30_000)]
    [InlineData("1.5s", 1_500)]
    [InlineData("5m", 300_000)]
    [InlineData("2h", 7_200_000)]
    [InlineData("7d", 604_800_000)]
    public void A_time_is_a_number_and_its_unit(string text, double milliseconds)
    {
        Assert.True(TimeText.TryParse(text, out TimeSpan time));
        Assert.Equal(milliseconds, time.TotalMilliseconds);
        Assert.True(TimeText.TryParse(TimeText.Of(time), out TimeSpan again));
        Assert.Equal(time, again);
    }

    [Theory]
    [InlineData("")]
    [InlineData("s")]
    [InlineData("5 m")]
    [InlineData("5min")]
    [InlineData("-1s")]
    [InlineData("1e3s")]
    [InlineData("NaN")]
    [InlineData("99999999999999999999999999d")]
    [InlineData("3651d")]
    public void What_is_none_is_refused(string text) => Assert.False(TimeText.TryParse(text, out _));

    [Theory]
    [InlineData("300", "5m")]
    [InlineData("604800", "7d")]
    [InlineData("0.1", "100ms")]
    [InlineData("8", "8s")]
    [InlineData("90", "90s")]
    public void A_time_is_shown_as_short_as_it_can_be(string text, string shown)
    {
        Assert.True(TimeText.TryParse(text, out TimeSpan time));
        Assert.Equal(shown, TimeText.Of(time));
    }
}
