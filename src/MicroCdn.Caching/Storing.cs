namespace MicroCdn.Caching;

/// <summary>Decides whether a response may be stored (RFC 9111, section 3).</summary>
/// <remarks>That it came whole is decided by whoever received it: what was cut short is never offered here.</remarks>
public static class Storing
{
    /// <summary>Decides about the answer to a GET or a POST.</summary>
    /// <param name="request">The request that was answered.</param>
    /// <param name="target">The request's key. The Content-Location of a POST is compared with it.</param>
    /// <param name="copy">The response, as it would be stored.</param>
    /// <param name="policy">The operator's choices.</param>
    public static Storability Decide(in RequestRules request, CacheKey target, CopyRules copy, CachePolicy policy)
    {
        StoredHead head = copy.Head;
        Directives directives = copy.Directives;
        if (request.Method is not (MethodKind.Get or MethodKind.Post)) return Storability.Method;
        if (head.Status is < 200 or > 599 || StatusCodes.IsForOneRequest(head.Status)) return Storability.Status;
        bool understood = StatusCodes.IsUnderstood(head.Status);
        if (head.Bytes > StoredHead.MostBytes) return Storability.TooLarge;
        if (directives.MustUnderstand && !understood) return Storability.NotUnderstood;
        if (directives.NoStore && !directives.MustUnderstand) return Storability.NoStore;
        if (request.NoStore) return Storability.NoStoreAsked;
        if (directives.Private) return Storability.Private;
        if ((request.IsAuthorized || head.WasAuthorized) && !directives.Public && !directives.MustRevalidate
            && directives.SharedMaxAge is null) return Storability.Authorized;
        if (!policy.StoresCookies && (head.Fields.Has("Set-Cookie"u8) || head.Fields.Has("Set-Cookie2"u8)))
        {
            return Storability.Cookie;
        }
        if (Vary.Read(head.Fields).IsNever) return Storability.Varies;
        if (request.Method == MethodKind.Post && !IsCopyOfTarget(copy, target, policy)) return Storability.Method;
        if (copy.IsGuessed && !StatusCodes.MayBeGuessed(head.Status) && !directives.Public)
        {
            return Storability.NoLifetime;
        }
        return IsOfUse(copy) ? Storability.Yes : Storability.NoUse;
    }

    /// <summary>True when an answer that is not stored makes a copy of the same request go: one that is stale, since
    /// the origin has said something newer. A fresh copy stays, and so does one whose origin failed.</summary>
    /// <param name="status">The status of that answer.</param>
    /// <param name="copy">The copy that the request selected.</param>
    /// <param name="now">Seconds since 1970.</param>
    public static bool Retires(int status, CopyRules copy, long now) =>
        status < 500 && (!copy.At(now).IsFresh || copy.AlwaysValidates);

    // The answer to a POST is a copy of its target when it says so, and how long it is good (RFC 9110, section 9.3.3).
    private static bool IsCopyOfTarget(CopyRules copy, CacheKey target, CachePolicy policy) =>
        copy.Head.Status == 200 && !copy.IsGuessed && copy.Head.Fields.Has("Content-Location"u8)
        && TargetUri.Resolve(target, copy.Head.Fields.First("Content-Location"u8), policy) == target;

    // A copy that can neither be used nor validated is a waste of room.
    private static bool IsOfUse(CopyRules copy)
    {
        if (copy.HasValidator) return true;
        bool isFresh = copy.At(copy.Head.ReceivedAt).IsFresh;
        bool maybeStale = !copy.NeverStale
            && (copy.Directives.StaleIfError > 0 || copy.Directives.StaleWhileRevalidate > 0);
        return !copy.AlwaysValidates && (isFresh || maybeStale);
    }
}

/// <summary>May a response be stored, or why not?</summary>
public enum Storability
{
    /// <summary>It may.</summary>
    Yes,

    /// <summary>The method's answers are no copies (RFC 9111, section 3).</summary>
    Method,

    /// <summary>The status is an interim one, or about this request alone.</summary>
    Status,

    /// <summary>must-understand, of a status that is not known here (RFC 9111, section 5.2.2.3).</summary>
    NotUnderstood,

    /// <summary>The origin says no-store (RFC 9111, section 5.2.2.5).</summary>
    NoStore,

    /// <summary>The client says no-store (RFC 9111, section 5.2.1.5).</summary>
    NoStoreAsked,

    /// <summary>The origin says private (RFC 9111, section 5.2.2.7).</summary>
    Private,

    /// <summary>The request had Authorization, and nothing permits sharing (RFC 9111, section 3.5).</summary>
    Authorized,

    /// <summary>It sets a cookie, and the policy shares none.</summary>
    Cookie,

    /// <summary>Vary says that no request is like another (RFC 9111, section 4.1).</summary>
    Varies,

    /// <summary>No lifetime is given, and none may be guessed (RFC 9111, section 4.2.2).</summary>
    NoLifetime,

    /// <summary>The head is longer than <see cref="StoredHead.MostBytes"/>.</summary>
    TooLarge,

    /// <summary>It is stale as it comes, and has nothing to validate it by.</summary>
    NoUse,
}
