using System.Buffers.Binary;
using System.Net;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Index;

/// <summary>Writes small files in MaxMind's format (MaxMind DB File Format Specification 2.0), in both
/// shapes.</summary>
internal sealed class CountryFiles
{
    private const int Nothing = -1;
    private readonly List<int[]> _nodes = [[Nothing, Nothing]];
    private readonly MemoryStream _data = new();
    private ushort _version = 6;

    /// <summary>MaxMind's shape: <c>country.iso_code</c> and <c>continent.code</c>; no continent when it is
    /// empty.</summary>
    public static byte[] Nested(params (string Network, string Country, string Continent)[] rows) =>
        Of([.. rows.Select(row => (row.Network, (object)Map(
            ("country", Map(("names", Map(("en", "Somewhere"))), ("iso_code", row.Country))),
            ("continent", row.Continent.Length == 0 ? Map() : Map(("code", row.Continent))))))]);

    /// <summary>The flat shape of the CC0 files.</summary>
    public static byte[] Flat(params (string Network, string Country)[] rows) =>
        Of([.. rows.Select(row => (row.Network, (object)Map(("country_code", row.Country))))]);

    /// <summary>The flat shape, for IPv4 alone: its addresses have 32 bits.</summary>
    public static byte[] FlatIPv4(params (string Network, string Country)[] rows)
    {
        CountryFiles file = new() { _version = 4 };
        foreach ((string network, string country) in rows)
        {
            file.Add(IPNetwork.Parse(network), Map(("country_code", country)));
        }
        return file.Bytes();
    }

    public static (string Key, object Value)[] Map(params (string Key, object Value)[] pairs) => pairs;

    /// <summary>Any shape; the shorter prefixes are cut by the longer ones.</summary>
    public static byte[] Of(params (string Network, object Data)[] rows)
    {
        CountryFiles file = new();
        foreach ((IPNetwork network, object data) in rows.Select(row => (IPNetwork.Parse(row.Network), row.Data))
            .OrderBy(row => row.Item1.PrefixLength + (row.Item1.BaseAddress.GetAddressBytes().Length == 4 ? 96 : 0)))
        {
            file.Add(network, data);
        }
        return file.Bytes();
    }

    private void Add(IPNetwork network, object data)
    {
        byte[] address = network.BaseAddress.GetAddressBytes();
        int skipped = address.Length == 4 && _version == 6 ? 96 : 0;
        byte[] whole = [.. new byte[skipped / 8], .. address];
        // A leaf is its place in the data section, counted down from -2.
        int leaf = -2 - (int)_data.Position;
        Write(_data, data);
        int length = network.PrefixLength + skipped, node = 0;
        for (int bit = 0; bit < length; bit++)
        {
            int side = (whole[bit / 8] >> (7 - (bit % 8))) & 1;
            if (bit == length - 1)
            {
                _nodes[node][side] = leaf;
                return;
            }
            if (_nodes[node][side] < 0)
            {
                // What a shorter prefix said holds for both halves, until a longer one says more.
                _nodes.Add([_nodes[node][side], _nodes[node][side]]);
                _nodes[node][side] = _nodes.Count - 1;
            }
            node = _nodes[node][side];
        }
    }

    private byte[] Bytes()
    {
        MemoryStream file = new();
        foreach (int child in _nodes.SelectMany(node => node))
        {
            int record = child >= 0 ? child
                : child == Nothing ? _nodes.Count : _nodes.Count + 16 + (-2 - child);
            file.Write([(byte)(record >> 16), (byte)(record >> 8), (byte)record]);
        }
        file.Write(new byte[16]);
        _data.WriteTo(file);
        file.Write([0xAB, 0xCD, 0xEF, .. "MaxMind.com"u8]);
        Write(file, Map(("node_count", (uint)_nodes.Count), ("record_size", (ushort)24), ("ip_version", _version),
            ("database_type", "Test-Country"), ("languages", new[] { "en" }),
            ("binary_format_major_version", (ushort)2), ("binary_format_minor_version", (ushort)0),
            ("build_epoch", 1_700_000_000UL), ("description", Map(("en", "for a test")))));
        return file.ToArray();
    }

    private static void Write(Stream into, object value)
    {
        Span<byte> number = stackalloc byte[8];
        switch (value)
        {
            case string text:
                into.Write([(byte)((2 << 5) | text.Length), .. text.Utf8()]);
                break;
            case ushort small:
                BinaryPrimitives.WriteUInt16BigEndian(number, small);
                into.Write([(5 << 5) | 2, .. number[..2]]);
                break;
            case uint middle:
                BinaryPrimitives.WriteUInt32BigEndian(number, middle);
                into.Write([(6 << 5) | 4, .. number[..4]]);
                break;
            case ulong large:
                BinaryPrimitives.WriteUInt64BigEndian(number, large);
                into.Write([8, 2, .. number]);
                break;
            case string[] list:
                into.Write([(byte)list.Length, 4]);
                foreach (string item in list) Write(into, item);
                break;
            case (string Key, object Value)[] map:
                into.WriteByte((byte)((7 << 5) | map.Length));
                foreach ((string key, object inner) in map)
                {
                    Write(into, key);
                    Write(into, inner);
                }
                break;
            default:
                throw new ArgumentException($"{value} is nothing such a file holds");
        }
    }
}
