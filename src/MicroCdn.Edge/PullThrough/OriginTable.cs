using System.Text;
using MicroCdn.Caching;
using MicroCdn.Origin;

namespace MicroCdn.Edge.PullThrough;

/// <summary>Which request goes to which origin.</summary>
internal sealed class OriginTable(IEnumerable<OriginPlace> places)
{
    // The most specific first: one for a host before one for all, a longer prefix before a shorter.
    private readonly OriginPlace[] _places = [.. places.OrderByDescending(place => place.Rule.Host.Length > 0)
        .ThenByDescending(place => place.Rule.Prefix.Length)];

    /// <summary>All places.</summary>
    public ReadOnlySpan<OriginPlace> Places => _places;

    /// <summary>Finds the place of a request; null when no origin has it.</summary>
    /// <param name="authority">Host and perhaps port that the client asked for.</param>
    /// <param name="path">The path as it came. It is compared byte by byte: a prefix in another encoding is another
    /// prefix.</param>
    public OriginPlace? Find(ReadOnlySpan<byte> authority, ReadOnlySpan<byte> path)
    {
        foreach (OriginPlace place in _places)
        {
            if (path.StartsWith(place.Prefix) && IsFor(place, authority)) return place;
        }
        return null;
    }

    /// <summary>True when the requests of a place may be for such a host.</summary>
    public static bool IsFor(OriginPlace place, ReadOnlySpan<byte> authority)
    {
        if (place.Host.Length == 0) return true;
        int bracket = authority.LastIndexOf((byte)']'), colon = authority.LastIndexOf((byte)':');
        return Ascii.EqualsIgnoreCase(colon > bracket ? authority[..colon] : authority, place.Host);
    }
}

/// <summary>One origin, and the requests that are for it.</summary>
internal sealed class OriginPlace(OriginRule rule, OriginServer server)
{
    private readonly byte[] _scheme = rule.Url.Scheme == "https" ? [.. "https"u8] : [.. "http"u8];
    private readonly byte[] _authority = Encoding.ASCII.GetBytes(server.Address.Authority);
    private readonly byte[] _basePath = Encoding.ASCII.GetBytes(server.Address.BasePath);

    public OriginRule Rule => rule;

    public OriginServer Server => server;

    public byte[] Host { get; } = Encoding.ASCII.GetBytes(rule.Host);

    public byte[] Prefix { get; } = Encoding.UTF8.GetBytes(rule.Prefix);

    /// <summary>The key of a target: as the origin is asked for it, so that what the client calls the host makes no
    /// difference, and two sites on one origin are two; null when it is too long to be stored.</summary>
    public CacheKey? KeyOf(ReadOnlySpan<byte> path, ReadOnlySpan<byte> query, CachePolicy policy) =>
        CacheKeys.Of(
            _scheme, _authority, _basePath.Length == 0 ? path : (byte[])[.. _basePath, .. path], query, policy);

    /// <summary>The target of a key: what stands behind authority and base path.</summary>
    public byte[] TargetOf(CacheKey key) => Encoding.Latin1.GetBytes(
        key.Text[(key.Text.IndexOf('/', "https://".Length) + _basePath.Length)..]);
}
