using System.Net;
using MicroCdn.Protocol;

namespace MicroCdn.Content;

/// <summary>What one content server is told at start.</summary>
public sealed record ContentOptions
{
    /// <summary>The name it goes by.</summary>
    public required ServerId Id { get; init; }

    /// <summary>The folder it serves.</summary>
    public required string Files { get; init; }

    /// <summary>The address it listens on.</summary>
    public IPAddress Bind { get; init; } = IPAddress.Any;

    /// <summary>Its line port.</summary>
    public int TcpPort { get; init; } = 7001;

    /// <summary>The port its heartbeats leave from.</summary>
    public int UdpPort { get; init; } = 7002;

    /// <summary>The index's host.</summary>
    public string IndexHost { get; init; } = "localhost";

    /// <summary>The index's line port.</summary>
    public int IndexPort { get; init; } = 5050;

    /// <summary>The monitor's host.</summary>
    public string MonitorHost { get; init; } = "localhost";

    /// <summary>The monitor's heartbeat port.</summary>
    public int MonitorUdpPort { get; init; } = 6000;

    /// <summary>Time between heartbeats; version 1 monitors expect three seconds.</summary>
    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromSeconds(3);
}
