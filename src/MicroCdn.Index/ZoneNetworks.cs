using System.Buffers.Binary;
using System.Net;

namespace MicroCdn.Index;

/// <summary>A network whose clients stand in a zone.</summary>
/// <param name="Network">Its addresses.</param>
/// <param name="Zone">The zone, in the operator's words; a server names the same one.</param>
public sealed record ZoneNetwork(IPNetwork Network, string Zone);

/// <summary>Finds the zone of an address: of all networks that hold it the one with the longest prefix says
/// so.</summary>
/// <remarks>IPv4 is looked up as the mapped part of IPv6. One probe for each length of prefix that there is, the
/// longest first, whatever the number of networks.</remarks>
internal sealed class ZoneNetworks
{
    private readonly Dictionary<string, ushort> _numbers = new(StringComparer.Ordinal);
    private readonly List<string> _names = [];
    private readonly (int Length, Dictionary<UInt128, ushort> Zones)[] _byLength;

    /// <summary>Takes the networks; of one that is named twice the last counts.</summary>
    public ZoneNetworks(IEnumerable<ZoneNetwork> networks)
    {
        SortedDictionary<int, Dictionary<UInt128, ushort>> byLength = [];
        foreach ((IPNetwork network, string zone) in networks)
        {
            UInt128 start = Bits(network.BaseAddress);
            // Of the 128 bits of an address IPv4 has the last 32.
            int length = network.PrefixLength + (network.BaseAddress.GetAddressBytes().Length == 4 ? 96 : 0);
            if (!byLength.TryGetValue(-length, out Dictionary<UInt128, ushort>? zones)) byLength[-length] = zones = [];
            zones[start & Mask(length)] = Number(zone);
        }
        _byLength = [.. byLength.Select(pair => (-pair.Key, pair.Value))];
    }

    /// <summary>True when there is no network at all.</summary>
    public bool IsEmpty => _byLength.Length == 0;

    /// <summary>The number of the zone of an address; 0 when it is in no network.</summary>
    public ushort Of(IPAddress address)
    {
        if (IsEmpty) return 0;
        UInt128 bits = Bits(address);
        foreach ((int length, Dictionary<UInt128, ushort> zones) in _byLength)
        {
            if (zones.TryGetValue(bits & Mask(length), out ushort zone)) return zone;
        }
        return 0;
    }

    /// <summary>The number of a zone by its name; 0 when no client can be in it.</summary>
    public ushort Of(string zone) => _numbers.GetValueOrDefault(zone);

    /// <summary>The name of a zone; null for 0.</summary>
    public string? NameOf(ushort zone) => zone == 0 ? null : _names[zone - 1];

    private ushort Number(string zone)
    {
        if (_numbers.TryGetValue(zone, out ushort number)) return number;
        _names.Add(zone);
        return _numbers[zone] = checked((ushort)_names.Count);
    }

    private static UInt128 Mask(int length) => length == 0 ? 0 : UInt128.MaxValue << (128 - length);

    private static UInt128 Bits(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int length);
        return length == 16 ? BinaryPrimitives.ReadUInt128BigEndian(bytes)
            : new UInt128(0, 0xFFFF_0000_0000UL | BinaryPrimitives.ReadUInt32BigEndian(bytes));
    }
}
