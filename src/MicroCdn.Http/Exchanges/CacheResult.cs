namespace MicroCdn.Http.Exchanges;

/// <summary>What part a cache had in an answer: one word for the log and the metrics. What Cache-Status tells in detail
/// (RFC 9211) is put in the words that log readers know.</summary>
public enum CacheResult
{
    /// <summary>No cache was asked.</summary>
    None,

    /// <summary>From a fresh copy.</summary>
    Hit,

    /// <summary>From a stale copy, which was good enough.</summary>
    Stale,

    /// <summary>There was no copy for it.</summary>
    Miss,

    /// <summary>There was a stale copy, and the origin sent a new one.</summary>
    Expired,

    /// <summary>There was a stale copy, and the origin said that it is still good.</summary>
    Revalidated,

    /// <summary>There was part of it.</summary>
    Partial,

    /// <summary>A copy was not to be used.</summary>
    Bypass,
}

/// <summary>The words of cache results.</summary>
public static class CacheResultWords
{
    /// <summary>How many results there are.</summary>
    public const int Count = (int)CacheResult.Bypass + 1;

    /// <summary>The word; <c>-</c> where no cache was asked.</summary>
    public static ReadOnlySpan<byte> Word(this CacheResult result) => result switch
    {
        CacheResult.Hit => "hit"u8,
        CacheResult.Stale => "stale"u8,
        CacheResult.Miss => "miss"u8,
        CacheResult.Expired => "expired"u8,
        CacheResult.Revalidated => "revalidated"u8,
        CacheResult.Partial => "partial"u8,
        CacheResult.Bypass => "bypass"u8,
        _ => "-"u8,
    };
}
