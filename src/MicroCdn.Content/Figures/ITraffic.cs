namespace MicroCdn.Content.Figures;

/// <summary>Counts what a content server serves over HTTP, and what it asks of origins for it.</summary>
public interface ITraffic
{
    /// <summary>What was counted since the process began.</summary>
    TrafficCounts Now();
}

/// <summary>What a content server served over HTTP since its process began.</summary>
public sealed record TrafficCounts
{
    /// <summary>Requests that were answered.</summary>
    public long Requests { get; init; }

    /// <summary>Of these with a status of 500 and above.</summary>
    public long Errors { get; init; }

    /// <summary>Bytes of bodies that were sent.</summary>
    public long Bytes { get; init; }

    /// <summary>Requests that a copy answered.</summary>
    public long Hits { get; init; }

    /// <summary>Requests for which an origin, or another cache, was asked.</summary>
    public long Misses { get; init; }

    /// <summary>Bytes of bodies that were sent where the cache had a part.</summary>
    public long CachedBytes { get; init; }

    /// <summary>Bytes that came from origins.</summary>
    public long FilledBytes { get; init; }

    /// <summary>Bytes that came from other caches of the network.</summary>
    public long ParentBytes { get; init; }

    /// <summary>What the cache takes on disk; null when there is none.</summary>
    public long? StoreBytes { get; init; }

    /// <summary>The same by origin.</summary>
    public IReadOnlyList<OriginCounts> Origins { get; init; } = [];
}

/// <summary>What was asked of one origin since the process began.</summary>
/// <param name="Origin">The host and path prefix that is pulled.</param>
/// <param name="Hits">Requests that a copy answered.</param>
/// <param name="Misses">Requests for which it, or another cache, was asked.</param>
/// <param name="Failures">Requests that it failed.</param>
/// <param name="FilledBytes">Bytes that came from it.</param>
/// <param name="Down">How it failed the last request, as a word; null when it answered.</param>
public sealed record OriginCounts(
    string Origin, long Hits, long Misses, long Failures, long FilledBytes, string? Down);
