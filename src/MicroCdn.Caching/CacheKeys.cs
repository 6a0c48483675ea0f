using System.Text;

namespace MicroCdn.Caching;

/// <summary>Makes keys of targets (RFC 9111, section 2).</summary>
/// <remarks>
/// Scheme and host are made equal where they mean the same: small letters, the port written out. The path is taken byte
/// by byte as it came: two paths that an origin might tell apart never share a copy, so a path with encoded slashes,
/// dots or <c>;</c> parameters that an origin reads as somebody's private page is a key of its own (web cache
/// deception). Of the query what the policy keeps counts, and an empty query is none.
/// </remarks>
public static class CacheKeys
{
    /// <summary>Writes the text of a key, which the origin's target is a part of.</summary>
    /// <param name="scheme"><c>http</c> or <c>https</c>.</param>
    /// <param name="authority">Host, perhaps with a port.</param>
    /// <param name="path">The path, with its slash, still encoded.</param>
    /// <param name="query">What follows the question mark; empty when there is none.</param>
    /// <param name="policy">Says what of the query counts.</param>
    /// <param name="target">At least <see cref="MostLength"/>.</param>
    /// <returns>The length; 0 when it would be longer than a key may be, or is no target of a key.</returns>
    public static int Write(ReadOnlySpan<byte> scheme, ReadOnlySpan<byte> authority, ReadOnlySpan<byte> path,
        ReadOnlySpan<byte> query, CachePolicy policy, Span<byte> target)
    {
        int most = MostLength(scheme, authority, path, query);
        bool isSecure = Ascii.EqualsIgnoreCase(scheme, "https"u8);
        if (most > CacheKey.MostBytes || authority.IsEmpty || path.IsEmpty || path[0] != '/') return 0;
        if (!isSecure && !Ascii.EqualsIgnoreCase(scheme, "http"u8)) return 0;
        int length = Add(isSecure ? "https://"u8 : "http://"u8, target, 0);
        int host = HostLength(authority);
        Ascii.ToLower(authority[..host], target[length..], out int written);
        if (written != host || authority[..host].ContainsAny("@/?#"u8)) return 0;
        length += written;
        ReadOnlySpan<byte> port = host < authority.Length ? authority[(host + 1)..].TrimStart((byte)'0') : default;
        if (port.ContainsAnyExceptInRange((byte)'0', (byte)'9')) return 0;
        length = Add(":"u8, target, length);
        length = Add(port.IsEmpty ? isSecure ? "443"u8 : "80"u8 : port, target, length);
        length = Add(path, target, length);
        int kept = policy.Query.Write(query, target[(length + 1)..]);
        if (kept == 0) return length;
        target[length] = (byte)'?';
        return length + 1 + kept;
    }

    /// <summary>The most that the text of a key can come to.</summary>
    public static int MostLength(ReadOnlySpan<byte> scheme, ReadOnlySpan<byte> authority, ReadOnlySpan<byte> path,
        ReadOnlySpan<byte> query) =>
        scheme.Length + authority.Length + path.Length + query.Length + "://:65535?".Length;

    /// <summary>The key of a target; null when it would be too long, or it is no target of a
    /// key.</summary>
    public static CacheKey? Of(ReadOnlySpan<byte> scheme, ReadOnlySpan<byte> authority, ReadOnlySpan<byte> path,
        ReadOnlySpan<byte> query, CachePolicy policy)
    {
        Span<byte> text = stackalloc byte[CacheKey.MostBytes];
        int length = Write(scheme, authority, path, query, policy, text);
        return length == 0 ? null : new CacheKey(Encoding.Latin1.GetString(text[..length]));
    }

    // A colon within the brackets of an IPv6 address is no port.
    private static int HostLength(ReadOnlySpan<byte> authority)
    {
        int bracket = authority.LastIndexOf((byte)']'), colon = authority.LastIndexOf((byte)':');
        return colon > bracket ? colon : authority.Length;
    }

    private static int Add(ReadOnlySpan<byte> part, Span<byte> target, int at)
    {
        part.CopyTo(target[at..]);
        return at + part.Length;
    }
}
