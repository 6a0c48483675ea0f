using System.CommandLine;
using MicroCdn.Client;
using MicroCdn.Content;
using MicroCdn.Protocol;
using MicroCdn.Settings;

namespace MicroCdn.Verbs;

/// <summary>The flags of a content server that concern its files and its peers.</summary>
internal sealed class ContentFlags
{
    private readonly Option<ServerId> _id = new("--server-id")
    {
        Description = "The name this server goes by. A cache (--origin) without one is alone: no index, no monitor.",
        HelpName = "ID",
        CustomParser = result => Flags.Read<ServerId>(
            result, "--server-id", "one word of at most 64 bytes", ServerId.TryCreate),
    };

    private readonly Option<string> _files = Flags.Path(new Option<string>("--files")
    {
        Description = "A folder to serve; without one the server holds what is published to it.", HelpName = "DIR",
    });

    private readonly Option<int> _tcpPort = Flags.Port("--tcp-port", 7001, "The line port.");
    private readonly Option<int> _udpPort = Flags.Port("--udp-port", 7002,
        "The port heartbeats leave from, and PING is answered on.");
    private readonly Option<string> _indexHost = Flags.Host("--index-host", "The index's host.");
    private readonly Option<int> _indexPort = Flags.Port("--index-port", 5050, "The index's line port.");
    private readonly Option<IndexEndPoint[]> _indexes = IndexFlags.Indexes(
        "An index to tell instead; repeatable, for several indexes of one network, all of which are told.");
    private readonly Option<string> _monitorHost = Flags.Host("--monitor-host", "The monitor's host.");
    private readonly Option<int> _monitorUdpPort =
        Flags.Port("--monitor-udp-port", 6000, "The monitor's heartbeat port.");
    private readonly Option<int> _monitorTcpPort = Flags.Port("--monitor-tcp-port", 6001, "The monitor's line port.");
    private readonly Option<int> _scrubRate = Flags.Number("--scrub-rate", 20, 0, 100_000,
        "MiB a second that are read again in the background to find rotten files; 0 for none.");
    private readonly Option<TimeSpan> _scrubInterval = Flags.Seconds("--scrub-interval", 604_800,
        "From the beginning of one such reading of the whole folder to that of the next.", most: 315_360_000);
    private readonly Option<ByteCount?> _publishedBytes = Flags.Size("--publish-size", null,
        "The most that may be kept of what is published to this server; by default what the disk has.");
    private readonly Option<ByteCount?> _leastFree = Flags.Size("--publish-free", new ByteCount(1L << 30),
        "What stays free of the disk: nothing is published to this server that would leave less.");
    private readonly Option<int> _fetchRate = Flags.Number("--fetch-rate", 0, 0, 100_000,
        "MiB a second that are fetched from other servers to be published here; 0 for as many as come.");
    private readonly Option<MonitorAddress[]> _monitors = Flags.Monitors(
        "A further monitor, which is told the same; repeatable.");
    private readonly Option<TimeSpan> _interval = HeartbeatInterval();
    private readonly Option<System.Net.IPNetwork[]> _trust = Flags.Trust();
    private readonly Option<System.Net.IPAddress> _bind = Flags.Bind();
    private readonly Option<string?> _data = Flags.Data(
        "The folder for this server's own state; by default microcdn/content/ID below the user's data folder.");

    /// <summary>Adds the flags to a verb.</summary>
    public void AddTo(Command verb)
    {
        foreach (Option option in new Option[]
            { _id, _files, _tcpPort, _udpPort, _indexHost, _indexPort, _indexes, _monitorHost, _monitorUdpPort,
                _monitorTcpPort, _monitors, _interval, _scrubRate, _scrubInterval, _publishedBytes, _leastFree,
                _fetchRate, _bind, _data, _trust })
        {
            verb.Options.Add(option);
        }
    }

    /// <summary>Refuses a command line that does not say by whom something is served.</summary>
    public void Demand(Command verb, PullFlags pull) => verb.Validators.Add(result =>
    {
        bool hasId = result.GetResult(_id) is not null, hasFiles = result.GetResult(_files) is not null;
        bool pulls = pull.AreGiven(result);
        if (!hasId && (hasFiles || !pulls)) result.AddError("Option '--server-id' is required.");
        if (result.GetResult(_indexes) is { Errors: var errors, Tokens.Count: > ContentOptions.MostIndexes }
            && !errors.Any())
        {
            result.AddError($"--index may be given at most {ContentOptions.MostIndexes} times.");
        }
        if (!hasId && pull.NameParents(result))
        {
            result.AddError("--parent needs --server-id: each of the caches needs a name of its own.");
        }
    });

    /// <summary>True when this server belongs to a fleet; false for a cache that is alone.</summary>
    public bool IsMember(ParseResult parsed) => parsed.GetResult(_id) is not null;

    /// <summary>The name of a member of a fleet; null for a cache that is alone.</summary>
    public ServerId? ReadId(ParseResult parsed) => IsMember(parsed) ? parsed.GetValue(_id) : null;

    /// <summary>Reads the flags of a member of a fleet.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="files">What is served when no folder is named: one that is empty.</param>
    public ContentOptions Read(ParseResult parsed, string files) => new()
    {
        Id = parsed.GetValue(_id),
        Files = parsed.GetValue(_files) ?? files,
        Bind = parsed.GetValue(_bind)!,
        TcpPort = parsed.GetValue(_tcpPort),
        UdpPort = parsed.GetValue(_udpPort),
        IndexHost = parsed.GetValue(_indexHost)!,
        IndexPort = parsed.GetValue(_indexPort),
        Indexes = parsed.GetValue(_indexes)!,
        MonitorHost = parsed.GetValue(_monitorHost)!,
        MonitorUdpPort = parsed.GetValue(_monitorUdpPort),
        PublishedBytes = parsed.GetValue(_publishedBytes)?.Bytes ?? long.MaxValue,
        LeastFreeBytes = parsed.GetValue(_leastFree)?.Bytes ?? 0,
        FetchRate = (long)parsed.GetValue(_fetchRate) << 20,
        ScrubRate = (long)parsed.GetValue(_scrubRate) << 20,
        ScrubInterval = parsed.GetValue(_scrubInterval),
        MonitorTcpPort = parsed.GetValue(_monitorTcpPort),
        MoreMonitors = parsed.GetValue(_monitors)!,
        HeartbeatInterval = parsed.GetValue(_interval),
        Trust = parsed.GetValue(_trust)!,
    };

    // Within what a monitor takes; longer ones are for bursty links.
    private static Option<TimeSpan> HeartbeatInterval() => new("--heartbeat-interval")
    {
        Description = "Time between heartbeats to monitors of version 2; those of version 1 get theirs every 3 s.",
        DefaultValueFactory = _ => Limits.Beat,
        HelpName = "TIME",
        CustomParser = result => Flags.Read<TimeSpan>(result, "--heartbeat-interval",
            "a time from 10ms to 3s", (string text, out TimeSpan time) => TimeText.TryParse(text, out time)
                && time >= Limits.ShortestBeat && time <= Limits.LongestBeat),
    };

    /// <summary>The address to listen on.</summary>
    public System.Net.IPAddress ReadBind(ParseResult parsed) => parsed.GetValue(_bind)!;

    /// <summary>Networks that purges are taken from.</summary>
    public System.Net.IPNetwork[] ReadTrust(ParseResult parsed) => parsed.GetValue(_trust)!;

    /// <summary>The folder for the server's state; that of a cache without an id goes by its port.</summary>
    public string ReadState(ParseResult parsed, int? port) => parsed.GetValue(_data)
        ?? (IsMember(parsed) ? StateFolder.Of(StateFolder.OfUser, parsed.GetValue(_id))
            : StateFolder.OfCache(port ?? 0));
}
