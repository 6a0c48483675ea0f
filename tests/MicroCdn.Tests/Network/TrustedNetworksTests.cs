using System.Net;
using CsCheck;
using MicroCdn.Network;

namespace MicroCdn.Tests.Network;

public sealed class TrustedNetworksTests
{
    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("127.255.255.254", true)]
    [InlineData("::1", true)]
    [InlineData("::ffff:127.0.0.1", true)]
    [InlineData("::2", false)]
    [InlineData("::", false)]
    [InlineData("::127.0.0.1", false)]
    [InlineData("::fffe:127.0.0.1", false)]
    [InlineData("126.255.255.255", false)]
    [InlineData("128.0.0.0", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData("192.168.1.1", false)]
    [InlineData("7f00::1", false)]
    [InlineData("::ffff:10.0.0.1", false)]
    public void Loopback_alone_is_trusted_by_itself(string address, bool trusted) =>
        Assert.Equal(trusted, new TrustedNetworks([]).Contains(IPAddress.Parse(address)));

    [Theory]
    [InlineData("10.0.0.0/8", "10.255.0.1", true)]
    [InlineData("10.0.0.0/8", "11.0.0.0", false)]
    [InlineData("10.0.0.0/8", "::ffff:10.1.2.3", true)]
    [InlineData("10.32.0.0/11", "10.63.255.255", true)]
    [InlineData("10.32.0.0/11", "10.64.0.0", false)]
    [InlineData("192.168.1.128/25", "192.168.1.127", false)]
    [InlineData("192.168.1.128/25", "192.168.1.128", true)]
    [InlineData("192.168.1.6/31", "192.168.1.7", true)]
    [InlineData("192.168.1.6/31", "192.168.1.8", false)]
    [InlineData("192.168.1.6/32", "192.168.1.6", true)]
    [InlineData("192.168.1.6/32", "192.168.1.7", false)]
    [InlineData("0.0.0.0/0", "8.8.8.8", true)]
    [InlineData("0.0.0.0/0", "2001:db8::1", false)]
    [InlineData("::/0", "2001:db8::1", true)]
    [InlineData("::/0", "8.8.8.8", false)]
    [InlineData("2001:db8::/33", "2001:db8:7fff::1", true)]
    [InlineData("2001:db8::/33", "2001:db8:8000::1", false)]
    [InlineData("2001:db8::8/125", "2001:db8::f", true)]
    [InlineData("2001:db8::8/125", "2001:db8::10", false)]
    [InlineData("::ffff:10.0.0.0/104", "10.9.9.9", true)]
    [InlineData("::ffff:10.0.0.0/104", "11.9.9.9", false)]
    public void A_network_that_the_operator_adds_is_trusted_to_the_bit(string network, string address, bool trusted)
    {
        TrustedNetworks networks = new([IPNetwork.Parse("203.0.113.0/24"), IPNetwork.Parse(network)]);
        Assert.Equal(trusted, networks.Contains(IPAddress.Parse(address)));
        Assert.Equal(trusted, networks.Contains(IPAddress.Parse(address).GetAddressBytes()));
        Assert.True(networks.Contains(IPAddress.Loopback));
    }

    [Fact]
    public void Every_prefix_length_agrees_with_the_framework()
    {
        Gen.Select(Gen.UInt, Gen.UInt, Gen.Int[0, 32]).Sample((one, other, bits) =>
        {
            uint mask = bits == 0 ? 0 : uint.MaxValue << (32 - bits);
            IPNetwork network = new(Address(one & mask), bits);
            // Half of the addresses share the prefix, or all of it but its last bit.
            IPAddress near = Address((one & mask) | (other & ~mask));
            IPAddress off = Address(one ^ (1u << (32 - Math.Max(1, bits))));
            TrustedNetworks trusted = new([network]);
            return new[] { near, off, Address(other) }.All(address =>
                trusted.Contains(address) == (network.Contains(address) || IPAddress.IsLoopback(address)));
        }, iter: 5_000);
    }

    private static IPAddress Address(uint bits) =>
        new([(byte)(bits >> 24), (byte)(bits >> 16), (byte)(bits >> 8), (byte)bits]);
}
