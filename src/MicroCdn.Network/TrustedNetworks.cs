using System.Net;

namespace MicroCdn.Network;

/// <summary>The addresses that control messages are taken from: loopback, and whatever the operator adds.</summary>
public sealed class TrustedNetworks(IEnumerable<IPNetwork> more)
{
    private readonly Range[] _ranges =
    [
        .. new[] { IPNetwork.Parse("127.0.0.0/8"), IPNetwork.Parse("::1/128") }.Concat(more).Select(Range.Of),
    ];

    /// <summary>True when control messages from this address are taken.</summary>
    public bool Contains(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        return address.TryWriteBytes(bytes, out int length) && Contains(bytes[..length]);
    }

    /// <summary>The same for the raw bytes of an address, 4 or 16; allocates nothing.</summary>
    public bool Contains(ReadOnlySpan<byte> address)
    {
        // ::ffff:a.b.c.d (RFC 4291, section 2.5.5.2) is the IPv4 address it maps.
        if (IsMapped(address)) address = address[12..];
        foreach (Range range in _ranges)
        {
            if (range.Contains(address)) return true;
        }
        return false;
    }

    private static bool IsMapped(ReadOnlySpan<byte> address) =>
        address.Length == 16 && !address[..10].ContainsAnyExcept((byte)0) && address[10] == 0xFF && address[11] == 0xFF;

    private sealed record Range(byte[] Prefix, int Bits)
    {
        // A network of mapped addresses is written as the IPv4 network it maps.
        public static Range Of(IPNetwork network) =>
            network is { BaseAddress.IsIPv4MappedToIPv6: true, PrefixLength: >= 96 }
            ? new(network.BaseAddress.MapToIPv4().GetAddressBytes(), network.PrefixLength - 96)
            : new(network.BaseAddress.GetAddressBytes(), network.PrefixLength);

        public bool Contains(ReadOnlySpan<byte> address)
        {
            if (address.Length != Prefix.Length) return false;
            int whole = Bits / 8;
            if (!address[..whole].SequenceEqual(Prefix.AsSpan(0, whole))) return false;
            int rest = Bits % 8;
            return rest == 0 || (address[whole] ^ Prefix[whole]) >> (8 - rest) == 0;
        }
    }
}
