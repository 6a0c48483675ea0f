using System.Net;
using MicroCdn.Protocol;

namespace MicroCdn.Monitor;

/// <summary>Where an index listens.</summary>
/// <param name="Host">Its host name or address.</param>
/// <param name="Port">Its line port.</param>
public readonly record struct IndexAddress(string Host, int Port)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Host}:{Port}";
}

/// <summary>What a monitor is told at start.</summary>
public sealed record MonitorOptions
{
    /// <summary>The address it listens on.</summary>
    public IPAddress Bind { get; init; } = IPAddress.Any;

    /// <summary>The port heartbeats come to.</summary>
    public int UdpPort { get; init; } = 6000;

    /// <summary>Its line port.</summary>
    public int TcpPort { get; init; } = 6001;

    /// <summary>Silence after which a server is dead.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>Time between two looks at who is silent.</summary>
    public TimeSpan CheckInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The indexes to tell of failures; others may subscribe.</summary>
    public IReadOnlyList<IndexAddress> Indexes { get; init; } = [];

    /// <summary>Networks beside loopback that control messages are taken from.</summary>
    public IReadOnlyList<IPNetwork> Trust { get; init; } = [];

    /// <summary>Its keys, and what it asks of those who send control messages.</summary>
    public Credentials Credentials { get; init; } = Credentials.None;

    /// <summary>The name by which indexes tell it from other monitors.</summary>
    public ServerId Id { get; init; } = Named("monitor");

    /// <summary>How patient it is with servers of version 2.</summary>
    public DetectionKind Profile { get; init; } = DetectionKind.Lan;

    /// <summary>Where it remembers who is drained; null for nowhere.</summary>
    public string? State { get; init; }

    /// <summary>Who it is to indexes.</summary>
    internal Identity Self => Credentials.As(PeerRole.Monitor, Id);

    /// <summary>Logs every heartbeat.</summary>
    public bool Verbose { get; init; }

    private static ServerId Named(string text) => ServerId.TryCreate(text, out ServerId id) ? id : default;
}

/// <summary>The kind of network between a monitor and its content servers.</summary>
public enum DetectionKind
{
    /// <summary>One site, or lines that lose packets one by one: what hangs is dead within a second.</summary>
    Lan,

    /// <summary>Lines that lose everything for a while, now and then: three seconds.</summary>
    Wan,
}
