namespace MicroCdn.Caching;

/// <summary>What the operator decided about caching, where the standard leaves a choice.</summary>
public sealed record CachePolicy
{
    /// <summary>For web sites: what protects the origin and its users comes first.</summary>
    public static CachePolicy Site { get; } = new()
    {
        StoresCookies = false,
        HonoursRequests = false,
        MostErrorSeconds = 10,
    };

    /// <summary>What RFC 9111 allows to the letter, requests' directives included.</summary>
    public static CachePolicy Conformant { get; } = new()
    {
        StoresCookies = true,
        HonoursRequests = true,
        MostErrorSeconds = null,
    };

    /// <summary>Whether a response with Set-Cookie may be stored, and its cookie given to everybody (RFC 9111, section
    /// 7.3 leaves that to the origin).</summary>
    public required bool StoresCookies { get; init; }

    /// <summary>Whether Cache-Control and Pragma of a request count. They are advice (RFC 9111, section 5.2.1), and let
    /// any client make the origin work.</summary>
    public required bool HonoursRequests { get; init; }

    /// <summary>How long an answer of 400 and above is fresh at most, in seconds; null for no bound.</summary>
    public required long? MostErrorSeconds { get; init; }

    /// <summary>How long a copy may be stale and still stand in for an origin that fails, where the copy itself does
    /// not say (RFC 9111, section 4.2.4), in seconds.</summary>
    public long MostStaleSeconds { get; init; } = 24 * 60 * 60;

    /// <summary>The longest lifetime that is guessed (RFC 9111, section 4.2.2), in seconds: a page that nobody touched
    /// for ten years is not good for another one.</summary>
    public long MostGuessedSeconds { get; init; } = 24 * 60 * 60;

    /// <summary>Which parameters of a query belong to the key and reach the origin.</summary>
    public QueryRule Query { get; init; } = QueryRule.KeepAll;
}
