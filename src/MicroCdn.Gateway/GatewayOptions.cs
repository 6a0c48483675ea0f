using System.Net;
using MicroCdn.Http;
using MicroCdn.Http.Exchanges;
using MicroCdn.Http.Tracing;

namespace MicroCdn.Gateway;

/// <summary>What the HTTP face of an index is told at start.</summary>
public sealed record GatewayOptions
{
    /// <summary>The address it listens on.</summary>
    public IPAddress Bind { get; init; } = IPAddress.Any;

    /// <summary>The port for clear text, or null.</summary>
    public int? HttpPort { get; init; }

    /// <summary>The port for TLS, or null.</summary>
    public int? HttpsPort { get; init; }

    /// <summary>Proxies whose X-Forwarded-For is believed, and that may open any number of connections.</summary>
    public IReadOnlyList<IPNetwork> Proxies { get; init; } = [];

    /// <summary>Origins whose pages may read the answers, or <c>*</c> for all.</summary>
    public IReadOnlyList<string> CorsOrigins { get; init; } = [];

    /// <summary>Refuses who may not have something; null to let everybody in.</summary>
    public Gate? Gate { get; init; }

    /// <summary>Hears of each request once it is answered; null for nobody.</summary>
    public IExchangeListener? Listener { get; init; }

    /// <summary>Makes spans of requests; null for none.</summary>
    public Tracer? Tracer { get; init; }

    /// <summary>Fetches files that only version 1 servers hold, over the line protocol, and passes them on.</summary>
    public bool Relays { get; init; } = true;
}
