using System.Net;

namespace MicroCdn.Index;

/// <summary>What an index is told at start.</summary>
public sealed record IndexOptions
{
    /// <summary>The address it listens on.</summary>
    public IPAddress Bind { get; init; } = IPAddress.Any;

    /// <summary>Its line port.</summary>
    public int Port { get; init; } = 5050;

    /// <summary>The monitor's host.</summary>
    public string MonitorHost { get; init; } = "localhost";

    /// <summary>The monitor's line port.</summary>
    public int MonitorTcpPort { get; init; } = 6001;

    /// <summary>Networks beside loopback that control messages are taken from.</summary>
    public IReadOnlyList<IPNetwork> Trust { get; init; } = [];
}
