using System.Buffers.Text;
using System.Globalization;
using System.Text;
using MicroCdn.Content;
using MicroCdn.Protocol;

namespace MicroCdn.Edge.PullThrough;

/// <summary>Reads and writes MicroCdn-Purged, by which a cache tells its parent what it has purged:
/// <c>0cf64f8d07ab54a8-12</c>, a log of an index and the number of a purge; perhaps a comma and the log before, which
/// is over; and so on for each further index.</summary>
/// <remarks>It goes from one of our caches to another and no further: neither to an origin nor with what a client
/// said.</remarks>
internal static class PurgedField
{
    private const int EpochLength = 16;

    // Of each index two logs, a number, and what stands between.
    private const int MostLength = ContentOptions.MostIndexes * (EpochLength + 1 + 19 + 2 + EpochLength + 2);

    public static ReadOnlySpan<byte> Name => "MicroCdn-Purged"u8;

    /// <summary>The fields of a request to a parent.</summary>
    public static HeaderFields AddTo(HeaderFields fields, IReadOnlyList<PurgeDemand> demands)
    {
        string value = string.Join(", ", demands.Select(demand => string.Create(CultureInfo.InvariantCulture,
            $"{demand.Epoch:x16}-{demand.Number}{(demand.Former == 0 ? "" : $", {demand.Former:x16}")}")));
        return All(fields).Add(Name, Encoding.ASCII.GetBytes(value)).Build();
    }

    /// <summary>The same fields without it.</summary>
    public static HeaderFields Without(HeaderFields fields) => fields.Has(Name) ? All(fields).Build() : fields;

    /// <summary>Reads what is demanded; false when it is nothing, or cannot be read.</summary>
    public static bool TryRead<TFields>(in TFields fields, out PurgeDemand[] demands)
        where TFields : IFields, allows ref struct
    {
        demands = [];
        if (!fields.Has(Name)) return false;
        ReadOnlySpan<byte> value = fields.Joined(Name);
        if (value.Length > MostLength) return false;
        List<PurgeDemand> read = [];
        do
        {
            if (read.Count > 0 && !TrySkip(", "u8, ref value)) return false;
            if (!TryNext(ref value, out PurgeDemand demand)) return false;
            read.Add(demand);
        }
        while (!value.IsEmpty);
        demands = [.. read];
        return true;
    }

    private static bool TryNext(ref ReadOnlySpan<byte> value, out PurgeDemand demand)
    {
        demand = default;
        if (!TryEpoch(value, out ulong epoch)) return false;
        value = value[EpochLength..];
        if (value is not [(byte)'-', >= (byte)'0' and <= (byte)'9', ..]) return false;
        if (!Utf8Parser.TryParse(value[1..], out long number, out int length)) return false;
        value = value[(1 + length)..];
        demand = new PurgeDemand(epoch, number, 0);
        ReadOnlySpan<byte> rest = value;
        // A log with a number is the next index's.
        if (!TrySkip(", "u8, ref rest) || !TryEpoch(rest, out ulong former)) return true;
        rest = rest[EpochLength..];
        if (rest is [(byte)'-', ..]) return true;
        demand = demand with { Former = former };
        value = rest;
        return true;
    }

    private static bool TrySkip(ReadOnlySpan<byte> text, ref ReadOnlySpan<byte> value)
    {
        if (!value.StartsWith(text)) return false;
        value = value[text.Length..];
        return true;
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
