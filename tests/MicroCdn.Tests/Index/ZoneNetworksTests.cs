using System.Net;
using CsCheck;
using MicroCdn.Index;

namespace MicroCdn.Tests.Index;

public sealed class ZoneNetworksTests
{
    private static readonly ZoneNetworks Office = Of("0.0.0.0/0=world", "10.0.0.0/8=office", "10.1.0.0/16=berlin",
        "10.1.2.3/32=lab", "::/0=six", "2001:db8::/32=berlin", "::ffff:192.0.2.0/120=mapped");

    [Theory]
    [InlineData("10.1.2.3", "lab")]
    [InlineData("10.1.2.4", "berlin")]
    [InlineData("10.2.0.1", "office")]
    [InlineData("11.0.0.1", "world")]
    [InlineData("192.0.2.77", "mapped")]
    [InlineData("2001:db8:5::1", "berlin")]
    [InlineData("2001:db9::1", "six")]
    [InlineData("::ffff:10.2.0.1", "office")]
    public void The_longest_prefix_says_the_zone(string address, string zone) =>
        Assert.Equal(zone, Office.NameOf(Office.Of(IPAddress.Parse(address))));

    [Fact]
    public void An_address_in_no_network_is_in_no_zone()
    {
        ZoneNetworks zones = Of("10.1.0.0/16=berlin");
        Assert.Null(zones.NameOf(zones.Of(IPAddress.Parse("10.2.0.1"))));
        Assert.Null(zones.NameOf(zones.Of(IPAddress.Parse("2001:db8::1"))));
        Assert.Equal(0, zones.Of("Berlin"));
        Assert.NotEqual(0, zones.Of("berlin"));
        Assert.True(Of().IsEmpty);
    }

    [Fact]
    public void Of_a_network_named_twice_the_last_counts()
    {
        ZoneNetworks zones = Of("10.1.0.0/16=berlin", "10.1.0.0/16=paris");
        Assert.Equal("paris", zones.NameOf(zones.Of(IPAddress.Parse("10.1.0.1"))));
    }

    [Fact]
    public void It_finds_what_a_look_at_every_network_finds()
    {
        // Few different bits, so that networks lie within one another.
        Gen<uint> address = Gen.OneOf(Gen.UInt, Gen.UInt[0x0A01_0000, 0x0A01_00FF]);
        Gen.Select(Gen.Select(address, Gen.Int[0, 32]).Array[0, 20], address.Array[20]).Sample((networks, asked) =>
        {
            ZoneNetwork[] rows = [.. networks.Select((row, number) =>
                new ZoneNetwork(new IPNetwork(Ip(Cut(row.Item1, row.Item2)), row.Item2), $"z{number}"))];
            ZoneNetworks zones = new(rows);
            return asked.All(one => zones.NameOf(zones.Of(Ip(one))) == rows
                .Where(row => row.Network.Contains(Ip(one)))
                .Index().OrderBy(row => row.Item.Network.PrefixLength).ThenBy(row => row.Index)
                .LastOrDefault().Item?.Zone);
        }, iter: 1_000);

        static uint Cut(uint bits, int length) => length == 0 ? 0 : bits & (uint.MaxValue << (32 - length));
        static IPAddress Ip(uint bits) =>
            new([(byte)(bits >> 24), (byte)(bits >> 16), (byte)(bits >> 8), (byte)bits]);
    }

    private static ZoneNetworks Of(params string[] rows) => new(rows.Select(row => row.Split('='))
        .Select(row => new ZoneNetwork(IPNetwork.Parse(row[0]), row[1])));
}
