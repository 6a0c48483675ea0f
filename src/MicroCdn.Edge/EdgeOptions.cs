using System.Net;
using MicroCdn.Edge.PullThrough;
using MicroCdn.Http;
using MicroCdn.Http.Exchanges;
using MicroCdn.Http.Tracing;

namespace MicroCdn.Edge;

/// <summary>What the HTTP face of a content server is told at start.</summary>
public sealed record EdgeOptions
{
    /// <summary>The address it listens on.</summary>
    public IPAddress Bind { get; init; } = IPAddress.Any;

    /// <summary>The port for clear text, or null.</summary>
    public int? HttpPort { get; init; }

    /// <summary>The port for TLS, or null.</summary>
    public int? HttpsPort { get; init; }

    /// <summary>Shows a list of its files for a folder without <c>index.html</c>.</summary>
    public bool Listings { get; init; }

    /// <summary>Cache-Control by path prefix; the longest prefix counts.</summary>
    public IReadOnlyList<PrefixRule> CacheControl { get; init; } = [];

    /// <summary>Origins whose pages may read the files (CORS); <c>*</c> for all, none by default.</summary>
    public IReadOnlyList<string> CorsOrigins { get; init; } = [];

    /// <summary>Proxies whose X-Forwarded-For is believed, and that may open any number of connections.</summary>
    public IReadOnlyList<IPNetwork> Proxies { get; init; } = [];

    /// <summary>Networks beside loopback from which PURGE is taken.</summary>
    public IReadOnlyList<IPNetwork> Trust { get; init; } = [];

    /// <summary>The web servers it is a cache for.</summary>
    public PullOptions Pull { get; init; } = new();

    /// <summary>Refuses who may not have something; null to let everybody in.</summary>
    public Gate? Gate { get; init; }

    /// <summary>Hears of each request once it is answered; null for nobody.</summary>
    public IExchangeListener? Listener { get; init; }

    /// <summary>Makes spans of requests; null for none.</summary>
    public Tracer? Tracer { get; init; }

    /// <summary>The folder for compressed forms, or null to make none.</summary>
    public string? Variants { get; init; }
}

/// <summary>A value for all paths that begin with a prefix.</summary>
/// <param name="Prefix">The prefix, with its leading slash.</param>
/// <param name="Value">The value of the field.</param>
public sealed record PrefixRule(string Prefix, string Value);
