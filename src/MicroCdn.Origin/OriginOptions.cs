using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace MicroCdn.Origin;

/// <summary>How one origin is asked.</summary>
/// <param name="Address">Where it is.</param>
public sealed record OriginOptions(OriginAddress Address)
{
    /// <summary>Networks that may be dialed although nobody means them by accident: link-local, multicast.</summary>
    public IReadOnlyList<IPNetwork> Allowed { get; init; } = [];

    /// <summary>The authorities that may sign for an https origin; null leaves that to the system.</summary>
    public X509Certificate2Collection? Authorities { get; init; }

    /// <summary>How long one address may take to accept, its TLS handshake included.</summary>
    public TimeSpan ConnectTime { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How long a head may take, from the end of the request to its last byte.</summary>
    public TimeSpan FirstByteTime { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long nothing may come within a body, and nothing be taken of a request's.</summary>
    public TimeSpan StallTime { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a connection waits for the next request. Servers wait 5 s (Node, Apache) to 75 s (nginx).
    /// </summary>
    public TimeSpan IdleTime { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a request may wait for a connection when all are in use.</summary>
    public TimeSpan WaitTime { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Most connections at once: what an origin takes without falling over, and 4 MiB of buffers.</summary>
    public int MostConnections { get; init; } = 256;

    /// <summary>Most requests that wait for a connection.</summary>
    public int MostWaiting { get; init; } = 1_024;
}
