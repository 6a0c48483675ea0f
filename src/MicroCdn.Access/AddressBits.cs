using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace MicroCdn.Access;

/// <summary>Addresses as numbers: IPv4 as the mapped part of IPv6 (RFC 4291, section 2.5.5.2).</summary>
internal static class AddressBits
{
    private static readonly UInt128 Mapped = (UInt128)0xFFFF << 32;

    /// <summary>The bits of an address; nothing is allocated.</summary>
    public static UInt128 Of(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int length);
        return length == 4 ? Mapped | BinaryPrimitives.ReadUInt32BigEndian(bytes)
            : BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    /// <summary>How many of the 128 bits a network of this prefix length fixes.</summary>
    public static int LengthOf(IPNetwork network) =>
        network.PrefixLength + (network.BaseAddress.AddressFamily == AddressFamily.InterNetwork ? 96 : 0);

    /// <summary>True for an IPv4 address.</summary>
    public static bool IsV4(UInt128 bits) => bits >> 32 == 0xFFFF;

    /// <summary>The bits that a prefix of a length fixes, from 0 to 128.</summary>
    public static UInt128 Mask(int length) => length == 0 ? 0 : UInt128.MaxValue << (128 - length);
}
