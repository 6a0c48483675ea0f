namespace MicroCdn.Caching;

/// <summary>How a request went through the cache: one word for Cache-Status, the log and the metrics.</summary>
public enum Outcome
{
    /// <summary>From a fresh copy.</summary>
    Hit,

    /// <summary>From a stale copy, which is refreshed behind the client's back (RFC 5861, section 3), or which the
    /// client said is good enough.</summary>
    HitStale,

    /// <summary>From a stale copy, since the origin failed (RFC 5861, section 4; RFC 9111, section 4.2.4).</summary>
    HitError,

    /// <summary>Asked for: there was no copy.</summary>
    UriMiss,

    /// <summary>Asked for: no copy was selected by this request's fields.</summary>
    VaryMiss,

    /// <summary>Asked for: the copy is stale, or must always be validated.</summary>
    Stale,

    /// <summary>Asked for: the copy lacks bytes that are wanted.</summary>
    Partial,

    /// <summary>Asked for, since the request wanted that.</summary>
    Request,

    /// <summary>Asked for: the method is none that a copy answers.</summary>
    Method,

    /// <summary>504: only a copy was wanted, and there is none that may be used (RFC 9111, section 5.2.1.7).</summary>
    OnlyIfCached,

    /// <summary>508: the request was here before (RFC 8586, section 2).</summary>
    Loop,
}

/// <summary>The words of outcomes.</summary>
public static class OutcomeWords
{
    /// <summary>The word: for what was asked of the origin the reason that RFC 9211, section 2.2 names.</summary>
    public static ReadOnlySpan<byte> Word(this Outcome outcome) => outcome switch
    {
        Outcome.Hit => "hit"u8,
        Outcome.HitStale => "hit-stale"u8,
        Outcome.HitError => "hit-error"u8,
        Outcome.UriMiss => "uri-miss"u8,
        Outcome.VaryMiss => "vary-miss"u8,
        Outcome.Stale => "stale"u8,
        Outcome.Partial => "partial"u8,
        Outcome.Request => "request"u8,
        Outcome.Method => "method"u8,
        Outcome.Loop => "loop"u8,
        _ => "only-if-cached"u8,
    };

    /// <summary>True when the origin is asked before the client is answered.</summary>
    public static bool IsForwarded(this Outcome outcome) =>
        outcome is not (Outcome.Hit or Outcome.HitStale or Outcome.HitError or Outcome.OnlyIfCached or Outcome.Loop);
}
