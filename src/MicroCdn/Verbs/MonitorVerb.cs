using System.CommandLine;
using MicroCdn.Keys;
using MicroCdn.Logs;
using MicroCdn.Monitor;
using MicroCdn.Protocol;
using MicroCdn.Settings;
using MicroCdn.Telemetry;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn monitor</c>: runs a monitor.</summary>
internal static class MonitorVerb
{
    public static Command Create()
    {
        Option<int> indexPort = Flags.Port("--index-port", 5050, "The line port of the index at --index-host.");
        Option<string> indexHost = Flags.Host("--index-host", "The host of an index to tell of failures.");
        Option<IndexAddress[]> more = Indexes();
        Option<int> udpPort = Flags.Port("--udp-port", 6000, "The port heartbeats come to.");
        Option<int> tcpPort = Flags.Port("--tcp-port", 6001, "The line port.");
        Option<TimeSpan> timeout = Flags.Seconds("--timeout", 8, "Silence after which a server is dead.");
        Option<TimeSpan> interval = Flags.Seconds("--check-interval", 1, "Time between two looks at who is silent.");
        Option<string> profile = Profile();
        Option<ServerId?> id = Id();
        Option<bool> verbose = new("--verbose") { Description = "Log every heartbeat." };
        var bind = Flags.Bind();
        var trust = Flags.Trust();
        Option<string?> data = Flags.Data(
            "The folder for this monitor's own state; by default microcdn/monitor/PORT below the user's data folder.");
        Command verb = new("monitor", "Run a monitor: it hears heartbeats and tells the indexes which servers died.")
        {
            indexPort, indexHost, more, udpPort, tcpPort, timeout, interval, profile, id, verbose, bind, trust,
            data, ConfigFlag.Create(),
        };
        KeyFlags keys = KeyFlags.AddedTo(verb);
        WatchFlags watch = new();
        watch.AddTo(verb);
        TelemetryFlags telemetry = TelemetryFlags.AddedTo(verb);
        LogFlags style = LogFlags.AddedTo(verb);
        verb.SetAction((parsed, _) => RoleHost.RunAsync(parts => watch.Beside(parsed,
        [
            new MonitorRole(
                new MonitorOptions
                {
                    Bind = parsed.GetValue(bind)!,
                    UdpPort = parsed.GetValue(udpPort),
                    TcpPort = parsed.GetValue(tcpPort),
                    Timeout = parsed.GetValue(timeout),
                    CheckInterval = parsed.GetValue(interval),
                    Indexes =
                    [
                        new IndexAddress(parsed.GetValue(indexHost)!, parsed.GetValue(indexPort)),
                        .. parsed.GetValue(more)!,
                    ],
                    Trust = parsed.GetValue(trust)!,
                    Id = parsed.GetValue(id) ?? OfMachine(parsed.GetValue(tcpPort)),
                    Profile = parsed.GetValue(profile) == "wan" ? DetectionKind.Wan : DetectionKind.Lan,
                    Credentials = parts.Credentials,
                    State = parsed.GetValue(data) ?? StateFolder.OfMonitor(parsed.GetValue(tcpPort)),
                    Verbose = parsed.GetValue(verbose),
                },
                parts.Dialer, parts.Datagrams, parts.Time, parts.Loggers),
        ], parts), keys: keys.Read(parsed), telemetry: telemetry.Read(parsed), style: style.Read(parsed),
            settings: parsed));
        return verb;
    }

    private static Option<IndexAddress[]> Indexes() => new("--index")
    {
        Description = "A further index to tell of failures; repeatable.",
        HelpName = "HOST:PORT",
        Arity = ArgumentArity.OneOrMore,
        DefaultValueFactory = _ => [],
        CustomParser = result => [.. result.Tokens.Select(token =>
        {
            if (Flags.TryHostAndPort(token.Value, out string host, out int at)) return new IndexAddress(host, at);
            result.AddError($"--index wants HOST:PORT, such as 10.0.0.5:5050, not '{token.Value}'.");
            return default;
        })],
    };

    private static Option<string> Profile() => new("--profile")
    {
        Description = "The network to the content servers: lan, or wan for one that loses everything for a while, "
            + "now and then.",
        DefaultValueFactory = _ => "lan",
        HelpName = "PROFILE",
        CustomParser = result => Flags.Read<string>(result, "--profile", "lan or wan",
            (string text, out string? value) =>
            {
                value = text;
                return text is "lan" or "wan";
            }),
    };

    private static Option<ServerId?> Id() => new("--monitor-id")
    {
        Description = "The name by which indexes tell it from other monitors; by default that of the machine, with the "
            + "line port.",
        HelpName = "ID",
        CustomParser = result => Flags.Read<ServerId>(
            result, "--monitor-id", "one word of at most 64 bytes", ServerId.TryCreate),
    };

    private static ServerId OfMachine(int port) =>
        ServerId.TryCreate($"{Environment.MachineName}-{port}", out ServerId id) ? id : new MonitorOptions().Id;
}
