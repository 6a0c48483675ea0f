using System.Text;
using MicroCdn.Caching;
using MicroCdn.Origin;

namespace MicroCdn.Edge.PullThrough;

/// <summary>Which request goes to which origin.</summary>
internal sealed class OriginTable
{
    private readonly OriginPlace[] _places;

    public OriginTable(IEnumerable<OriginPlace> places)
    {
        // The most specific first: one for a host before one for all, a longer prefix before a shorter.
        _places = [.. places.OrderByDescending(place => place.Rule.Host.Length > 0)
            .ThenByDescending(place => place.Rule.Prefix.Length)];
        for (int number = 0; number < _places.Length; number++) _places[number].Number = number;
    }

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
/// <param name="rule">Which requests.</param>
/// <param name="server">The origin.</param>
/// <param name="shield">Who is asked before it; null for nobody.</param>
internal sealed class OriginPlace(OriginRule rule, OriginServer server, Shield? shield)
{
    /// <summary>Nearly all keys are shorter, and are looked up from the stack.</summary>
    public const int MostShort = 512;

    private readonly byte[] _scheme = rule.Url.Scheme == "https" ? [.. "https"u8] : [.. "http"u8];
    private readonly byte[] _authority = Encoding.ASCII.GetBytes(server.Address.Authority);
    private readonly byte[] _basePath = Encoding.ASCII.GetBytes(server.Address.BasePath);

    public OriginRule Rule => rule;

    /// <summary>Its place in the table, by which requests for it are counted.</summary>
    public int Number { get; set; }

    /// <summary>What was asked of the origin so far.</summary>
    public OriginCounters Counters => server.Counters;

    /// <summary>Which requests, in the operator's words: a host, and a path.</summary>
    public string Label { get; } = rule.Host + rule.Prefix;

    /// <summary>Asks a parent, else the origin.</summary>
    /// <param name="request">What is asked.</param>
    /// <param name="complain">Hears of parents that fail.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="OriginException">It failed.</exception>
    public async ValueTask<OriginExchange> SendAsync(
        OriginRequest request, Action<string> complain, CancellationToken cancellationToken)
    {
        if (shield is not null && await shield.TryAskAsync(request, complain, cancellationToken)
            .ConfigureAwait(false) is { } answer)
        {
            return answer;
        }
        return await server.SendAsync(request, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Closes connections to the origin that wait.</summary>
    public void Close() => server.Dispose();

    public byte[] Host { get; } = Encoding.ASCII.GetBytes(rule.Host);

    public byte[] Prefix { get; } = Encoding.UTF8.GetBytes(rule.Prefix);

    /// <summary>True when not everything that the web server has is to be had here.</summary>
    public bool IsPartOfSite { get; } = server.Address.BasePath.Length > 0 || rule.Prefix != "/";

    /// <summary>The text of the key of a target: as the origin is asked for it, so that what the client calls the host
    /// makes no difference, and two sites on one origin are two; empty when it is too long to be stored.</summary>
    /// <param name="path">The path as it came.</param>
    /// <param name="query">What follows the question mark.</param>
    /// <param name="policy">Says what of the query counts.</param>
    /// <param name="room">Of <see cref="MostShort"/>: where it is written, if it has room.</param>
    public ReadOnlySpan<char> KeyOf(
        ReadOnlySpan<byte> path, ReadOnlySpan<byte> query, CachePolicy policy, Span<char> room)
    {
        if (_basePath.Length > 0) path = (byte[])[.. _basePath, .. path];
        if (CacheKeys.MostLength(_scheme, _authority, path, query) > MostShort)
        {
            return CacheKeys.Of(_scheme, _authority, path, query, policy)?.Text;
        }
        Span<byte> text = stackalloc byte[MostShort];
        int length = CacheKeys.Write(_scheme, _authority, path, query, policy, text);
        return room[..Encoding.Latin1.GetChars(text[..length], room)];
    }

    /// <summary>The target of a key: what stands behind authority and base path.</summary>
    public byte[] TargetOf(CacheKey key) => Encoding.Latin1.GetBytes(
        key.Text[(key.Text.IndexOf('/', "https://".Length) + _basePath.Length)..]);
}
