using System.Net;
using MicroCdn.Gateway.Admin;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Gateway.Admin;

public sealed class WrongTokensTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Each_wrong_token_of_an_address_takes_longer_and_none_takes_more_than_two_seconds()
    {
        WrongTokens wrong = new(_time);
        double[] waits = [.. Enumerable.Range(0, 30).Select(_ => Wait(wrong, "192.0.2.1"))];
        Assert.Equal([0.1, 0.2, 0.3], waits[..3], (a, b) => Math.Abs(a - b) < 0.001);
        Assert.Equal(2, waits[^1]);
        Assert.Equal(0.1, Wait(wrong, "192.0.2.2"));
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(0.1, Wait(wrong, "192.0.2.1"));
    }

    [Fact]
    public void A_network_of_ipv6_is_one_guesser()
    {
        WrongTokens wrong = new(_time);
        Wait(wrong, "2001:db8::1");
        Assert.Equal(0.2, Wait(wrong, "2001:db8::2"));
        Assert.Equal(0.1, Wait(wrong, "2001:db8:0:1::2"));
    }

    [Fact]
    public void Only_so_many_answers_wait_and_the_others_are_told_at_once()
    {
        WrongTokens wrong = new(_time);
        IPAddress address = IPAddress.Parse("192.0.2.1");
        for (int held = 0; held < WrongTokens.MostHeld; held++) Assert.NotNull(wrong.Hold(address));
        Assert.Null(wrong.Hold(address));
        wrong.Release();
        Assert.NotNull(wrong.Hold(address));
    }

    [Fact]
    public void A_crowd_of_addresses_takes_bounded_memory_and_is_slowed_as_one()
    {
        WrongTokens wrong = new(_time);
        for (int n = 0; n < 5_000; n++) Wait(wrong, $"10.0.{n / 256}.{n % 256}");
        Assert.Equal(2, Wait(wrong, "10.9.9.9"));
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(0.1, Wait(wrong, "10.9.9.9"));
    }

    private static double Wait(WrongTokens wrong, string address)
    {
        TimeSpan? wait = wrong.Hold(IPAddress.Parse(address));
        wrong.Release();
        return wait!.Value.TotalSeconds;
    }
}
