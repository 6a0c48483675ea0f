using System.Net;
using System.Text;
using MicroCdn.Protocol;

namespace MicroCdn.Edge.PullThrough;

/// <summary>What an edge is told of the web servers that it stands before, and of the copies that it keeps.</summary>
public sealed record PullOptions
{
    /// <summary>The origins; the most specific rule that fits a request counts. None: nothing is pulled.</summary>
    public IReadOnlyList<OriginRule> Origins { get; init; } = [];

    /// <summary>The id of the server that this cache is part of; null for a cache that is alone.</summary>
    public ServerId? Id { get; init; }

    /// <summary>The caches of which one is asked before the origin; this one may be among them. None: the origin is
    /// asked.</summary>
    public IReadOnlyList<ParentRule> Parents { get; init; } = [];

    /// <summary>What the paths begin with that may be asked here under whatever host: a gateway sends clients to us by
    /// a host of ours, and so does a cache whose parent this is.</summary>
    public IReadOnlyList<string> Prefixes =>
        [.. Origins.Where(rule => rule.Host.Length == 0).Select(rule => rule.Prefix)];

    /// <summary>The name this cache goes by in Cache-Status, Via and CDN-Loop: one token.</summary>
    public string Name => Id is { } id ? NameOf(id) : "microcdn";

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

    /// <summary>The name of the cache of a server: each has its own, else the second one that a request comes to would
    /// take it for a loop (RFC 8586).</summary>
    public static string NameOf(ServerId id)
    {
        StringBuilder name = new("microcdn-");
        foreach (byte value in Encoding.UTF8.GetBytes(id.Value))
        {
            // What may stand in a token both of HTTP and of structured fields; a percent sign may.
            if (char.IsAsciiLetterOrDigit((char)value) || value is (byte)'-' or (byte)'_' or (byte)'.')
            {
                name.Append((char)value);
            }
            else name.Append('%').Append(value.ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
        }
        return name.ToString();
    }
}

/// <summary>A cache that may be asked before an origin.</summary>
/// <param name="Id">The id of its server.</param>
/// <param name="Url">How it is reached.</param>
public sealed record ParentRule(ServerId Id, Uri Url);

/// <summary>Which requests go to which origin.</summary>
/// <param name="Host">The host they are for, in lower case; empty for every host.</param>
/// <param name="Prefix">What their path begins with; <c>/</c> for every path.</param>
/// <param name="Url">The origin: scheme, host, port, and what stands before each path there.</param>
public sealed record OriginRule(string Host, string Prefix, Uri Url);
