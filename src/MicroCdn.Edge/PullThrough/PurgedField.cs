using System.Buffers.Text;
using System.Globalization;
using System.Text;
using MicroCdn.Content;
using MicroCdn.Protocol;

namespace MicroCdn.Edge.PullThrough;

/// <summary>Reads and writes MicroCdn-Purged, by which a cache tells its parent what it has purged:
/// <c>0cf64f8d07ab54a8-12</c>, a log of an index and the number of a purge; perhaps a comma and the log before, which
/// is over.</summary>
/// <remarks>It goes from one of our caches to another and no further: neither to an origin nor with what a client
/// said.</remarks>
internal static class PurgedField
{
    private const int EpochLength = 16;

    // Two logs, a number, and what stands between.
    private const int MostLength = EpochLength + 1 + 19 + 2 + EpochLength;

    public static ReadOnlySpan<byte> Name => "MicroCdn-Purged"u8;

    /// <summary>The fields of a request to a parent.</summary>
    public static HeaderFields AddTo(HeaderFields fields, PurgeDemand demand)
    {
        string former = demand.Former == 0 ? "" : $", {demand.Former:x16}";
        string value = string.Create(CultureInfo.InvariantCulture, $"{demand.Epoch:x16}-{demand.Number}{former}");
        return All(fields).Add(Name, Encoding.ASCII.GetBytes(value)).Build();
    }

    /// <summary>The same fields without it.</summary>
    public static HeaderFields Without(HeaderFields fields) => fields.Has(Name) ? All(fields).Build() : fields;

    /// <summary>Reads what is demanded; false when it is nothing, or cannot be read.</summary>
    public static bool TryRead<TFields>(in TFields fields, out PurgeDemand demand)
        where TFields : IFields, allows ref struct
    {
        demand = default;
        if (!fields.Has(Name)) return false;
        ReadOnlySpan<byte> value = fields.Joined(Name);
        if (value.Length > MostLength || !TryEpoch(value, out ulong epoch)) return false;
        value = value[EpochLength..];
        if (value is not [(byte)'-', >= (byte)'0' and <= (byte)'9', ..]) return false;
        if (!Utf8Parser.TryParse(value[1..], out long number, out int length)) return false;
        value = value[(1 + length)..];
        ulong former = 0;
        bool isWhole = value.IsEmpty || (value.StartsWith(", "u8) && value.Length == 2 + EpochLength
            && TryEpoch(value[2..], out former));
        demand = new PurgeDemand(epoch, number, former);
        return isWhole;
    }

    private static bool TryEpoch(ReadOnlySpan<byte> text, out ulong epoch)
    {
        epoch = 0;
        return text.Length >= EpochLength
            && Utf8Parser.TryParse(text[..EpochLength], out epoch, out int length, 'x') && length == EpochLength;
    }

    // All lines but its own.
    private static HeaderFields.Builder All(HeaderFields fields)
    {
        HeaderFields.Builder builder = new();
        for (int line = 0; line < fields.Count; line++)
        {
            if (!fields.IsNamed(line, Name)) builder.Add(fields, line);
        }
        return builder;
    }
}
