using System.Net;
using MicroCdn.Network;

namespace MicroCdn.Origin;

/// <summary>Which addresses may be dialed when an origin's name resolves to them.</summary>
/// <remarks>An operator may mean loopback and private addresses. Nobody means the link-local ones by a name: a cloud's
/// metadata service answers there with its secrets, to whoever is on the machine.</remarks>
internal sealed class AddressRules(IEnumerable<IPNetwork> allowed)
{
    private static readonly IPNetwork[] Refused =
    [
        IPNetwork.Parse("0.0.0.0/8"), IPNetwork.Parse("169.254.0.0/16"), IPNetwork.Parse("224.0.0.0/4"),
        IPNetwork.Parse("255.255.255.255/32"), IPNetwork.Parse("::/128"), IPNetwork.Parse("fe80::/10"),
        IPNetwork.Parse("ff00::/8"), IPNetwork.Parse("fd00:ec2::254/128"),
    ];

    private static readonly IPNetwork Translated = IPNetwork.Parse("64:ff9b::/96");

    private readonly TrustedNetworks _allowed = new(allowed);

    /// <summary>True when this address may be dialed.</summary>
    public bool Allows(IPAddress address)
    {
        if (_allowed.Contains(address)) return true;
        IPAddress meant = Meant(address);
        return _allowed.Contains(meant) || !Array.Exists(Refused, network => network.Contains(meant));
    }

    // An IPv4 address in an IPv6 one, mapped or translated (RFC 6052), is reached as that IPv4 address.
    private static IPAddress Meant(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) return address.MapToIPv4();
        return Translated.Contains(address) ? new IPAddress(address.GetAddressBytes().AsSpan(12)) : address;
    }
}
