using System.Diagnostics;
using MicroCdn.Network;

namespace MicroCdn.Tests.Network;

public sealed class UdpPortTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(47_000)]
    public void A_beat_whose_moment_is_over_is_not_waited_for(long microsecondsLate)
    {
        long now = 100 + (microsecondsLate * Stopwatch.Frequency / 1_000_000);
        Assert.Equal(TimeSpan.Zero, UdpPort.PauseUntil(100, now));
    }

    [Fact]
    public void A_beat_is_waited_for_until_its_moment() =>
        Assert.Equal(TimeSpan.FromSeconds(2), UdpPort.PauseUntil(100 + (2 * Stopwatch.Frequency), 100));
}
