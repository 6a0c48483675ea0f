using MicroCdn.Protocol;

namespace MicroCdn.Caching;

/// <summary>What a request gets: a copy, or an answer of the origin (RFC 9111, section 4).</summary>
/// <param name="Outcome">Which of the two, and why.</param>
/// <param name="Copy">The copy to answer with, or to validate; null when there is none.</param>
public readonly record struct Reuse(Outcome Outcome, CopyRules? Copy)
{
    /// <summary>Decides. Whether a copy has the bytes that are wanted is the next question, for
    /// <see cref="PartialContent"/>.</summary>
    /// <param name="request">The request.</param>
    /// <param name="fields">Its fields, by which one of several copies is selected.</param>
    /// <param name="copies">All copies of its key.</param>
    /// <param name="now">Seconds since 1970.</param>
    public static Reuse Decide<TFields>(in RequestRules request, in TFields fields, ReadOnlySpan<CopyRules> copies,
        long now)
        where TFields : IFields, allows ref struct
    {
        if (request.Method is not (MethodKind.Get or MethodKind.Head)) return new Reuse(Outcome.Method, null);
        CopyRules? copy = copies.IsEmpty ? null : Vary.Choose(copies, fields);
        Outcome outcome = copy is null ? copies.IsEmpty ? Outcome.UriMiss : Outcome.VaryMiss
            : Judge(request, copy, now);
        // A fresh one alone: what has to be asked for anyway is asked for with the request's own languages.
        if (outcome == Outcome.VaryMiss && Vary.ChooseByLanguage(copies, fields) is { } readable
            && Judge(request, readable, now) == Outcome.Hit)
        {
            (copy, outcome) = (readable, Outcome.Hit);
        }
        if (request.OnlyIfCached && outcome.IsForwarded()) return new Reuse(Outcome.OnlyIfCached, null);
        return new Reuse(outcome, copy);
    }

    /// <summary>True when a copy may stand in for an origin that refuses, resets, times out, or answers 500, 502, 503
    /// or 504 (RFC 5861, section 4; RFC 9111, sections 4.2.4 and 4.3.3).</summary>
    /// <remarks>The copy's own stale-if-error says how long; where it says nothing, the policy.</remarks>
    public static bool OnFailure(in RequestRules request, CopyRules copy, CachePolicy policy, long now)
    {
        if (copy.AlwaysValidates || request.NoCache || request.NoStore) return false;
        if (copy.At(now).IsFresh) return true;
        return !copy.NeverStale
            && -copy.At(now).SecondsLeft <= (copy.Directives.StaleIfError ?? policy.MostStaleSeconds);
    }

    /// <summary>True when an answer with this status is a failure of the origin.</summary>
    public static bool IsFailure(int status) => StatusCodes.IsFailure(status);

    private static Outcome Judge(in RequestRules request, CopyRules copy, long now)
    {
        Freshness freshness = copy.At(now);
        if (request.NoStore || request.NoCache) return Outcome.Request;
        if (copy.AlwaysValidates) return Outcome.Stale;
        // A client that reloads need not be followed while the origin says that nothing can have changed (RFC 8246).
        bool isImmutable = copy.Directives.Immutable && freshness.IsFresh;
        if (freshness.Age > request.MaxAge && !isImmutable) return Outcome.Request;
        if (freshness.IsFresh) return freshness.SecondsLeft >= request.MinFresh ? Outcome.Hit : Outcome.Request;
        if (copy.NeverStale) return Outcome.Stale;
        long window = Math.Max(copy.Directives.StaleWhileRevalidate ?? -1, request.MaxStale ?? -1);
        return -freshness.SecondsLeft <= window ? Outcome.HitStale : Outcome.Stale;
    }
}
