using System.Net;

namespace MicroCdn.Edge.PullThrough;

/// <summary>What an edge is told of the web servers that it stands before, and of the copies that it keeps.</summary>
public sealed record PullOptions
{
    /// <summary>The origins; the most specific rule that fits a request counts. None: nothing is pulled.</summary>
    public IReadOnlyList<OriginRule> Origins { get; init; } = [];

    /// <summary>The name this cache goes by in Cache-Status, Via and CDN-Loop: one token.</summary>
    public string Name { get; init; } = "microcdn";

    /// <summary>The folder for copies; null to keep them in memory alone.</summary>
    public string? Folder { get; init; }

    /// <summary>The most bytes of copies on disk.</summary>
    public long DiskBytes { get; init; } = 10L << 30;

    /// <summary>The most bytes of copies in memory.</summary>
    public long MemoryBytes { get; init; } = 256L << 20;

    /// <summary>True for the RFC's letter; false for what most sites want (docs/caching.md, "Presets").</summary>
    public bool IsConformant { get; init; }

    /// <summary>Networks that origins may be in, beside all that may be anyway.</summary>
    public IReadOnlyList<IPNetwork> Allowed { get; init; } = [];

    /// <summary>A PEM file with the authorities that certificates of origins are checked against; null for those of
    /// the system.</summary>
    public string? Authorities { get; init; }

    /// <summary>True for a member of a fleet: no copy of an earlier run is used before it is known what was purged
    /// meanwhile.</summary>
    public bool WaitsForPurges { get; init; }

    /// <summary>The query parameters that make a difference; empty for all.</summary>
    public IReadOnlyList<string> QueryKeep { get; init; } = [];

    /// <summary>The query parameters that make none.</summary>
    public IReadOnlyList<string> QueryDrop { get; init; } = [];
}

/// <summary>Which requests go to which origin.</summary>
/// <param name="Host">The host they are for, in lower case; empty for every host.</param>
/// <param name="Prefix">What their path begins with; <c>/</c> for every path.</param>
/// <param name="Url">The origin: scheme, host, port, and what stands before each path there.</param>
public sealed record OriginRule(string Host, string Prefix, Uri Url);
