using System.Globalization;
using System.Text;
using MicroCdn.Caching.Store;
using MicroCdn.Content;
using MicroCdn.Protocol;

namespace MicroCdn.Edge.PullThrough;

/// <summary>Applies purges to the store: what an operator calls a URL becomes the key of its copies.</summary>
/// <remarks>A path, or a URL as clients ask for it, goes to the origins as a request would; a path alone to every
/// origin that has it under some host. It is better to purge too much than too little.</remarks>
internal sealed class PurgeTarget(OriginFront front, OriginTable origins, PurgeProgress progress) : IPurgeTarget
{
    /// <inheritdoc/>
    public PurgeProgress Progress => progress;

    /// <inheritdoc/>
    public bool Apply(IReadOnlyList<Purge> purges)
    {
        List<PurgeOrder> orders = [.. purges.SelectMany(OrdersOf)];
        if (orders.Count == 0) return true;
        PurgeReceipt receipt = front.Store.Purge(orders);
        if (receipt.Sequence == 0)
        {
            front.Complain($"everything is purged: {receipt.Trouble}");
            orders = [new PurgeOrder(PurgeScope.All, "", orders.TrueForAll(order => order.IsSoft))];
            receipt = front.Store.Purge(orders);
        }
        // What carries a tag is known when it is there.
        bool mayBeAny = orders.Exists(order => order.Scope is PurgeScope.All or PurgeScope.Tag);
        front.Fetches.Part(key => mayBeAny || orders.Exists(order => order.Scope == PurgeScope.Prefix
            ? key.StartsWith(order.Text, StringComparison.Ordinal) : key == order.Text));
        return receipt.Trouble is null;
    }

    /// <inheritdoc/>
    public void CatchUp() => front.CatchUp();

    /// <summary>What a purge is to the store: one order for each origin that it may concern.</summary>
    internal IEnumerable<PurgeOrder> OrdersOf(Purge purge) => purge.Kind switch
    {
        PurgeKind.All => [new PurgeOrder(PurgeScope.All, "", purge.IsSoft)],
        // Tags are kept as the bytes that came.
        PurgeKind.Tag => [new PurgeOrder(PurgeScope.Tag,
            Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(purge.Value)), purge.IsSoft)],
        PurgeKind.Prefix => PrefixesOf(purge.Value).Distinct()
            .Select(prefix => new PurgeOrder(PurgeScope.Prefix, prefix, purge.IsSoft)),
        _ => KeysOf(purge.Value).Distinct().Select(key => new PurgeOrder(PurgeScope.Url, key, purge.IsSoft)),
    };

    private List<string> KeysOf(string url)
    {
        (byte[]? authority, byte[] target) = Split(url);
        int question = target.AsSpan().IndexOf((byte)'?');
        byte[] path = question < 0 ? target : target[..question], query = question < 0 ? [] : target[(question + 1)..];
        List<string> keys = [];
        foreach (OriginPlace place in origins.Places)
        {
            bool isIts = authority is null ? path.AsSpan().StartsWith(place.Prefix)
                : origins.Find(authority, path) == place;
            string key = isIts ? KeyOf(place, path, query) : "";
            if (key.Length > 0) keys.Add(key);
        }
        return keys;
    }

    private List<string> PrefixesOf(string prefix)
    {
        (byte[]? authority, byte[] target) = Split(prefix);
        List<string> prefixes = [];
        foreach (OriginPlace place in origins.Places)
        {
            bool isHost = authority is null || OriginTable.IsFor(place, authority);
            bool isWithin = target.AsSpan().StartsWith(place.Prefix);
            bool isAround = place.Prefix.AsSpan().StartsWith(target);
            // What every key of an origin begins with stands before the slash of its shortest.
            if (isHost && (isWithin || isAround))
            {
                string root = KeyOf(place, "/"u8, [])[..^1];
                prefixes.Add(root + Encoding.Latin1.GetString(isWithin ? target : place.Prefix));
            }
        }
        return prefixes;
    }

    private string KeyOf(OriginPlace place, ReadOnlySpan<byte> path, ReadOnlySpan<byte> query)
    {
        Span<char> room = stackalloc char[OriginPlace.MostShort];
        return place.KeyOf(path, query, front.Policy, room).ToString();
    }

    // A path without host, or both; a browser sends neither a fragment, nor letters beyond ASCII as they are.
    private static (byte[]? Authority, byte[] Target) Split(string url)
    {
        int fragment = url.IndexOf('#', StringComparison.Ordinal);
        if (fragment >= 0) url = url[..fragment];
        if (url.StartsWith('/')) return (null, Encode(url));
        string rest = url[(url.IndexOf("://", StringComparison.Ordinal) + "://".Length)..];
        int end = rest.AsSpan().IndexOfAny('/', '?');
        string target = end < 0 ? "/" : rest[end] == '?' ? $"/{rest[end..]}" : rest[end..];
        return (Encoding.UTF8.GetBytes(end < 0 ? rest : rest[..end]), Encode(target));
    }

    private static byte[] Encode(string target)
    {
        StringBuilder encoded = new();
        foreach (byte one in Encoding.UTF8.GetBytes(target))
        {
            if (one is > (byte)' ' and < 0x7F) encoded.Append((char)one);
            else encoded.Append(CultureInfo.InvariantCulture, $"%{one:X2}");
        }
        return Encoding.ASCII.GetBytes(encoded.ToString());
    }
}
