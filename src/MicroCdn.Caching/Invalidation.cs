using MicroCdn.Protocol;

namespace MicroCdn.Caching;

/// <summary>Says which copies a change at the origin makes invalid (RFC 9111, section 4.4).</summary>
public static class Invalidation
{
    /// <summary>The keys whose copies must not be used again without asking: the target, and where Location and
    /// Content-Location say that something changed, if it is of the same origin. Nobody may make copies of other
    /// origins invalid.</summary>
    /// <param name="method">The method of the request.</param>
    /// <param name="target">Its key.</param>
    /// <param name="status">The status of the answer; one that is an error changed nothing.</param>
    /// <param name="response">The fields of the answer.</param>
    /// <param name="policy">Makes keys.</param>
    public static IReadOnlyList<CacheKey> Of(MethodKind method, CacheKey target, int status, HeaderFields response,
        CachePolicy policy)
    {
        if (method is not (MethodKind.Post or MethodKind.OtherUnsafe) || status is < 200 or > 399) return [];
        List<CacheKey> keys = [target];
        Add(keys, target, response.First("Location"u8), policy);
        Add(keys, target, response.First("Content-Location"u8), policy);
        return keys;
    }

    private static void Add(List<CacheKey> keys, CacheKey target, ReadOnlySpan<byte> reference, CachePolicy policy)
    {
        if (reference.IsEmpty || TargetUri.Resolve(target, reference, policy) is not { } key) return;
        if (TargetUri.AreOfOneOrigin(target, key) && !keys.Contains(key)) keys.Add(key);
    }
}
