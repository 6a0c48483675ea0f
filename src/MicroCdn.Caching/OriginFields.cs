using System.Text;
using MicroCdn.Protocol;

namespace MicroCdn.Caching;

/// <summary>Makes the fields of a request to the origin of those of a client's request.</summary>
/// <remarks>
/// A response that many will see may depend on nothing that is not in its key. So fields by which frameworks change
/// hosts, schemes, paths or methods, and which no browser sends, never come through (cache poisoning). The host
/// and what says how a body is framed are the origin connection's own business.
/// </remarks>
public static class OriginFields
{
    // By what they are called at proxies, clouds and frameworks; whatever begins like one of the second list too.
    private static readonly byte[][] Unkeyed = EndToEnd.All("Forwarded", "X-Host", "X-HTTP-Host-Override",
        "X-Real-Host", "X-Proxy-Host", "X-Base-URL", "X-Script-Name", "X-Scheme", "X-Url-Scheme", "Front-End-Https",
        "X-ARR-SSL", "WL-Proxy-SSL", "CloudFront-Forwarded-Proto", "X-Envoy-Original-Path", "X-HTTP-Method",
        "X-HTTP-Method-Override", "X-Method-Override", "X-Middleware-Subrequest", "X-Real-IP", "X-Client-IP",
        "X-Cluster-Client-IP", "True-Client-IP", "Client-IP", "CF-Connecting-IP", "Fastly-Client-IP");

    private static readonly byte[][] UnkeyedBeginnings = EndToEnd.All("X-Forwarded", "X-Original-", "X-Rewrite-");

    // Longer ones are nobody's; what is cut of them is looked at by its beginning.
    private const int LongestUnkeyed = 32;

    private static readonly byte[][] Conditions = EndToEnd.All("If-Match", "If-None-Match", "If-Modified-Since",
        "If-Unmodified-Since", "If-Range", "Range");

    private static readonly byte[][] Connections = EndToEnd.All("Host", "Content-Length", "Expect", "Via", "CDN-Loop");

    /// <summary>Begins a request whose answer may be stored: without the client's conditions and ranges, for which the
    /// caller adds its own, and with Accept-Encoding in its normal form.</summary>
    /// <param name="client">The fields of the client's request.</param>
    /// <param name="name">The name of this cache in Via and CDN-Loop.</param>
    /// <param name="policy">Whether the client's Cache-Control goes on.</param>
    public static HeaderFields.Builder ForStorage(HeaderFields client, string name, CachePolicy policy)
    {
        HeaderFields.Builder builder = new();
        ReadOnlySpan<byte> named = client.Joined("Connection"u8);
        for (int line = 0; line < client.Count; line++)
        {
            ReadOnlySpan<byte> field = client.NameAt(line);
            bool isAdvice = Ascii.EqualsIgnoreCase(field, "Cache-Control"u8)
                || Ascii.EqualsIgnoreCase(field, "Pragma"u8);
            if (!GoesOn(field, named) || EndToEnd.IsOneOf(Conditions, field)) continue;
            if (Ascii.EqualsIgnoreCase(field, "Accept-Encoding"u8) || (isAdvice && !policy.HonoursRequests)) continue;
            builder.Add(client, line);
        }
        ReadOnlySpan<byte> codings = NormalForm.Of("Accept-Encoding"u8, client);
        if (!codings.IsEmpty) builder.Add("Accept-Encoding"u8, codings);
        return Sign(builder, client, name);
    }

    /// <summary>Begins a request that passes through: what belongs to the client's connection, and what is not to be
    /// believed, is dropped; its own conditions and ranges go on.</summary>
    /// <param name="client">The fields of the client's request.</param>
    /// <param name="name">The name of this cache in Via and CDN-Loop.</param>
    public static HeaderFields.Builder ForPassing(HeaderFields client, string name)
    {
        HeaderFields.Builder builder = new();
        ReadOnlySpan<byte> named = client.Joined("Connection"u8);
        for (int line = 0; line < client.Count; line++)
        {
            ReadOnlySpan<byte> field = client.NameAt(line);
            if (!GoesOn(field, named)) continue;
            if (Ascii.EqualsIgnoreCase(field, MaxForwards) && TryHops(client.ValueAt(line), out long hops))
            {
                builder.Add(field, Encoding.ASCII.GetBytes($"{Math.Max(0, hops - 1)}"));
            }
            else builder.Add(client, line);
        }
        return Sign(builder, client, name);
    }

    /// <summary>True when a request must not be sent on: it asks how far it comes (RFC 9110, section 7.6.2). Counts
    /// for OPTIONS alone.</summary>
    public static bool IsLastHop<TFields>(in TFields fields) where TFields : IFields, allows ref struct =>
        fields.Has(MaxForwards) && TryHops(fields.Joined(MaxForwards), out long hops) && hops == 0;

    /// <summary>True when a request has been here before: the answer is 508 (RFC 8586, section 2).</summary>
    /// <param name="fields">The fields of the request.</param>
    /// <param name="name">The name of this cache.</param>
    public static bool IsLoop<TFields>(in TFields fields, ReadOnlySpan<byte> name)
        where TFields : IFields, allows ref struct
    {
        if (!fields.Has("CDN-Loop"u8)) return false;
        ReadOnlySpan<byte> list = fields.Joined("CDN-Loop"u8);
        while (!(list = list.TrimStart(", \t"u8)).IsEmpty)
        {
            int length = list.IndexOfAny(";, \t"u8);
            ReadOnlySpan<byte> id = length < 0 ? list : list[..length];
            if (Ascii.EqualsIgnoreCase(id, name)) return true;
            // Parameters may hold quoted strings, and these commas.
            int at = id.Length;
            while (at < list.Length && list[at] != ',')
            {
                int quoted = list[at] == '"' ? Tokens.QuotedLength(list[at..]) : 1;
                at += Math.Max(1, quoted);
            }
            list = list[Math.Min(at, list.Length)..];
        }
        return false;
    }

    private static ReadOnlySpan<byte> MaxForwards => "Max-Forwards"u8;

    private static bool TryHops(ReadOnlySpan<byte> value, out long hops) =>
        Words.IsNumber(value.IsEmpty ? "-"u8 : value, out hops);

    private static bool GoesOn(ReadOnlySpan<byte> field, ReadOnlySpan<byte> named) => EndToEnd.GoesOn(field, named)
        && !IsUnkeyed(field) && !EndToEnd.IsOneOf(Connections, field);

    // Many frameworks hear both as HTTP_X_FORWARDED_HOST (RFC 3875, section 4.1.18), and Content_Length as the length.
    private static bool IsUnkeyed(ReadOnlySpan<byte> field)
    {
        if (!field.Contains((byte)'_')) return ChangesTheRequest(field);
        Span<byte> plain = stackalloc byte[LongestUnkeyed];
        plain = plain[..Math.Min(field.Length, plain.Length)];
        field[..plain.Length].Replace(plain, (byte)'_', (byte)'-');
        return ChangesTheRequest(plain) || EndToEnd.IsOfConnection(plain) || EndToEnd.IsOneOf(Connections, plain);
    }

    private static bool ChangesTheRequest(ReadOnlySpan<byte> field)
    {
        foreach (byte[] beginning in UnkeyedBeginnings)
        {
            if (field.Length < beginning.Length) continue;
            if (Ascii.EqualsIgnoreCase(field[..beginning.Length], beginning)) return true;
        }
        return EndToEnd.IsOneOf(Unkeyed, field);
    }

    // Who was here before, then this one (RFC 9110, section 7.6.3; RFC 8586, section 2).
    private static HeaderFields.Builder Sign(HeaderFields.Builder builder, HeaderFields client, string name)
    {
        for (int line = 0; line < client.Count; line++)
        {
            if (client.IsNamed(line, "Via"u8) || client.IsNamed(line, "CDN-Loop"u8)) builder.Add(client, line);
        }
        builder.Add("Via"u8, [.. "1.1 "u8, .. Encoding.ASCII.GetBytes(name)]);
        return builder.Add("CDN-Loop"u8, Encoding.ASCII.GetBytes(name));
    }
}
