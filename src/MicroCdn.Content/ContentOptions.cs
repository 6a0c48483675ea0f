using System.Net;
using MicroCdn.Client;
using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Content;

/// <summary>What one content server is told at start.</summary>
public sealed record ContentOptions
{
    /// <summary>Most indexes: each costs four connections, and is told of every file.</summary>
    public const int MostIndexes = 16;

    /// <summary>The name it goes by.</summary>
    public required ServerId Id { get; init; }

    /// <summary>The folder it serves.</summary>
    public required string Files { get; init; }

    /// <summary>The address it listens on.</summary>
    public IPAddress Bind { get; init; } = IPAddress.Any;

    /// <summary>Its line port.</summary>
    public int TcpPort { get; init; } = 7001;

    /// <summary>The port its heartbeats leave from, and on which it answers PING.</summary>
    public int UdpPort { get; init; } = 7002;

    /// <summary>The port of its HTTP server; null when it has none.</summary>
    public int? HttpPort { get; init; }

    /// <summary>The port of its HTTPS server; null when it has none.</summary>
    public int? HttpsPort { get; init; }

    /// <summary>The host name or address by which clients are to reach it; null to leave that to the index.</summary>
    public string? Advertise { get; init; }

    /// <summary>The URL to which clients append a file's name; null when host and port are enough.</summary>
    public string? PublicUrl { get; init; }

    /// <summary>Where it stands, in the operator's words.</summary>
    public string? Zone { get; init; }

    /// <summary>The country it stands in: two letters (ISO 3166-1).</summary>
    public string? Country { get; init; }

    /// <summary>How much it can take against others, 1 to 1000.</summary>
    public int Weight { get; init; } = Limits.UsualWeight;

    /// <summary>What the paths begin with that it pulls from origins; an index sends clients here for them.</summary>
    public IReadOnlyList<string> Pulls { get; init; } = [];

    /// <summary>The folder for what this server remembers across restarts, its own and outside the folder it serves;
    /// null to remember nothing.</summary>
    public string? State { get; init; }

    /// <summary>Most bytes that are kept of what was published to it.</summary>
    public long PublishedBytes { get; init; } = long.MaxValue;

    /// <summary>How many bytes a second are fetched from other servers to be published here; 0 for as many as
    /// come.</summary>
    public long FetchRate { get; init; }

    /// <summary>True to ask the index what is to be published here, and to tell it what was brought.</summary>
    public bool TakesOrders { get; init; }

    /// <summary>True to tell the index once a second what this server does.</summary>
    public bool TellsFigures { get; init; }

    /// <summary>When the certificate of its HTTPS port ends; null without one.</summary>
    public Func<DateTimeOffset?> CertificateEnds { get; init; } = () => null;

    /// <summary>How many bytes of the disk stay free: nothing is published to it that would leave less.</summary>
    public long LeastFreeBytes { get; init; } = 1L << 30;

    /// <summary>How many bytes a second are read to find rotten files; 0 to read none.</summary>
    public long ScrubRate { get; init; } = 20 << 20;

    /// <summary>From the beginning of one reading of the whole library to that of the next.</summary>
    public TimeSpan ScrubInterval { get; init; } = TimeSpan.FromDays(7);

    /// <summary>Runs long work that nobody waits for; tests have it run where they can see its end.</summary>
    public Func<Action, Task> InBackground { get; init; } = LowPriority.RunAsync;

    /// <summary>Runs work that waits for the disk, and that somebody waits for; as above.</summary>
    public Func<Action, Task> AtDisk { get; init; } = OwnThread.RunAsync;

    /// <summary>The keys by which it proves itself, and whether its peers must do so.</summary>
    public Credentials Credentials { get; init; } = Credentials.None;

    /// <summary>The index's host.</summary>
    public string IndexHost { get; init; } = "localhost";

    /// <summary>The index's line port.</summary>
    public int IndexPort { get; init; } = 5050;

    /// <summary>Several indexes of one network, all of which are told and asked; when there are any,
    /// <see cref="IndexHost"/> is not. At most <see cref="MostIndexes"/>, of more the first.</summary>
    public IReadOnlyList<IndexEndPoint> Indexes { get; init; } = [];

    /// <summary>The monitor's host.</summary>
    public string MonitorHost { get; init; } = "localhost";

    /// <summary>The monitor's heartbeat port.</summary>
    public int MonitorUdpPort { get; init; } = 6000;

    /// <summary>The monitor's line port.</summary>
    public int MonitorTcpPort { get; init; } = 6001;

    /// <summary>Further monitors, which are told the same.</summary>
    public IReadOnlyList<MonitorAddress> MoreMonitors { get; init; } = [];

    /// <summary>Networks whose PING datagrams are answered, beside loopback and the monitors' own addresses; and from
    /// which something may be published to this server, beside loopback, where no keys are required.</summary>
    public IReadOnlyList<IPNetwork> Trust { get; init; } = [];

    /// <summary>Time between heartbeats to monitors of version 2, from <see cref="Limits.ShortestBeat"/> to
    /// <see cref="Limits.LongestBeat"/>; those of version 1 expect three seconds.</summary>
    public TimeSpan HeartbeatInterval { get; init; } = Limits.Beat;

    /// <summary>Every index, each once.</summary>
    internal IReadOnlyList<IndexEndPoint> AllIndexes =>
        Indexes.Count == 0 ? [new IndexEndPoint(IndexHost, IndexPort)] : [.. Indexes.Distinct().Take(MostIndexes)];

    /// <summary>Every monitor, each once.</summary>
    internal IReadOnlyList<MonitorAddress> Monitors =>
        [.. MoreMonitors.Prepend(new MonitorAddress(MonitorHost, MonitorTcpPort, MonitorUdpPort)).Distinct()];

    /// <summary>Who it is to indexes and monitors.</summary>
    internal Identity Self => Credentials.As(PeerRole.Content, Id);

    /// <summary>What a version 2 index is told of this server.</summary>
    internal ServerFacts Facts => new()
    {
        HttpPort = HttpPort,
        HttpsPort = HttpsPort,
        Host = Advertise,
        Url = PublicUrl,
        Zone = Zone,
        Country = Country?.ToUpperInvariant(),
        Weight = Weight,
        Pulls = Pulls,
    };
}
