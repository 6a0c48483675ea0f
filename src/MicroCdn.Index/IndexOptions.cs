using System.Net;
using MicroCdn.Protocol;
using MicroCdn.Records;

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

    /// <summary>Further monitors that are asked and listened to.</summary>
    public IReadOnlyList<MonitorAddress> Monitors { get; init; } = [];

    /// <summary>All monitors, each once.</summary>
    public IEnumerable<MonitorAddress> AllMonitors =>
        Monitors.Prepend(new MonitorAddress(MonitorHost, MonitorTcpPort)).Distinct();

    /// <summary>Networks beside loopback that control messages are taken from.</summary>
    public IReadOnlyList<IPNetwork> Trust { get; init; } = [];

    /// <summary>Its keys, and what it asks of those who send control messages.</summary>
    public Credentials Credentials { get; init; } = Credentials.None;

    /// <summary>Who it is to monitors.</summary>
    internal Identity Self =>
        Credentials.As(PeerRole.Index, ServerId.TryCreate("index", out ServerId id) ? id : default);

    /// <summary>The folder for what this index remembers across restarts; null to remember nothing.</summary>
    public string? State { get; init; }

    /// <summary>Where it keeps what is published; null to forget it at the end.</summary>
    public IRecordStore? Records { get; init; }

    /// <summary>By which host name or address clients and other indexes reach it: the writer of several indexes is
    /// known by this.</summary>
    public string Advertise { get; init; } = "localhost";

    /// <summary>What other indexes know it by.</summary>
    internal string Address => $"{Advertise}:{Port}";

    /// <summary>Ends the wait for a store that is away when the index starts.</summary>
    public CancellationToken Stopping { get; init; }

    /// <summary>How long a server that is away is waited for before its copies are made anew.</summary>
    public TimeSpan HealAfter { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Which networks' clients stand in which zone; of several that hold a client the longest prefix
    /// counts.</summary>
    public IReadOnlyList<ZoneNetwork> ZoneNetworks { get; init; } = [];

    /// <summary>A country file in MaxMind's format, or null; read again when it changes.</summary>
    public string? CountryFile { get; init; }
}

/// <summary>Where a monitor is reached.</summary>
/// <param name="Host">Its host name or address.</param>
/// <param name="Port">Its line port.</param>
public readonly record struct MonitorAddress(string Host, int Port);
