using System.CommandLine;
using MicroCdn.Gateway;
using MicroCdn.Gateway.Admin;
using MicroCdn.Index;
using MicroCdn.Keys;
using MicroCdn.Logs;
using MicroCdn.Network;
using MicroCdn.Notify;
using MicroCdn.Settings;
using MicroCdn.Telemetry;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn index</c>: runs an index; what is done beside one are its inner verbs.</summary>
internal static class IndexVerb
{
    public static Command Create()
    {
        Option<int> port = Flags.Port("--port", 5050, "The line port.");
        Option<string> monitorHost = Flags.Host("--monitor-host", "The monitor's host.");
        Option<int> monitorPort = Flags.Port("--monitor-tcp-port", 6001, "The monitor's line port.");
        Option<MonitorAddress[]> monitors = Monitors();
        Option<TimeSpan> healAfter = HealAfter();
        var bind = Flags.Bind();
        var trust = Flags.Trust();
        Option<string?> data = Flags.Data(
            "The folder for this index's own state; by default microcdn/index below the user's data folder.");
        Command verb = new("index", "Run an index: it knows which server has which file and sends each client to one.")
        {
            port, monitorHost, monitorPort, monitors, bind, trust, data, healAfter,
            ConfigFlag.Create(),
        };
        KeyFlags keys = KeyFlags.AddedTo(verb);
        WebFlags web = new();
        web.AddTo(verb);
        GatewayFlags gateway = new();
        gateway.AddTo(verb);
        AccessFlags access = AccessFlags.AddedTo(verb);
        AccessLogFlags log = AccessLogFlags.AddedTo(verb);
        TelemetryFlags telemetry = TelemetryFlags.AddedTo(verb);
        LogFlags style = LogFlags.AddedTo(verb);
        AdminFlags admin = new();
        admin.AddTo(verb);
        NotifyFlags notify = NotifyFlags.AddedTo(verb);
        RoutingFlags routing = new();
        routing.AddTo(verb);
        StoreFlags store = new();
        store.AddTo(verb);
        foreach (Command inner in BookVerbs.Create()) verb.Subcommands.Add(inner);
        verb.SetAction((parsed, _) =>
        {
            IndexOptions options = routing.Read(parsed) with
            {
                Bind = parsed.GetValue(bind)!,
                Port = parsed.GetValue(port),
                MonitorHost = parsed.GetValue(monitorHost)!,
                MonitorTcpPort = parsed.GetValue(monitorPort),
                Monitors = parsed.GetValue(monitors)!,
                Trust = parsed.GetValue(trust)!,
                HealAfter = parsed.GetValue(healAfter),
                State = parsed.GetValue(data) ?? StateFolder.OfIndex,
                Advertise = store.ReadAdvertise(parsed, parsed.GetValue(bind)!),
            };
            WebPorts ports = web.Read(parsed);
            GatewayOptions face = gateway.Read(parsed, options.Bind, ports);
            int? usual = ports.Http is null && ports.Https is null ? null : AdminDoor.UsualPort;
            AdminOptions? door = admin.Read(parsed, options.State!, usual);
            return RoleHost.RunAsync(parts => Build(options with
            {
                Records = store.Open(parsed, options.State!, parts.Time, parts.Loggers),
            }, face with { Gate = access.Open(parsed, parts) }, gateway, door, parts, notify.Read(parsed)), ports,
                keys: keys.Read(parsed), log: log.Read(parsed), telemetry: telemetry.Read(parsed),
                style: style.Read(parsed), settings: parsed);
        });
        return verb;
    }

    private static Option<TimeSpan> HealAfter() => new("--heal-after")
    {
        Description = "How long a server may be away before its copies are made anew elsewhere; 0 for at once.",
        DefaultValueFactory = _ => TimeSpan.FromMinutes(5),
        HelpName = "TIME",
        CustomParser = result => Flags.Read<TimeSpan>(
            result, "--heal-after", "a time such as 30s or 5m, or 0", TimeText.TryParse),
    };

    private static Option<MonitorAddress[]> Monitors() => new("--monitor")
    {
        Description = "A further monitor to go by; repeatable. A server is dead when most of them say so.",
        HelpName = "HOST:PORT",
        Arity = ArgumentArity.OneOrMore,
        DefaultValueFactory = _ => [],
        CustomParser = result => [.. result.Tokens.Select(token =>
        {
            if (Flags.TryHostAndPort(token.Value, out string host, out int at)) return new MonitorAddress(host, at);
            result.AddError($"--monitor wants HOST:PORT, such as 10.0.0.5:6001, not '{Table.Word(token.Value)}'.");
            return default;
        })],
    };

    private static IReadOnlyList<IRole> Build(IndexOptions options, GatewayOptions face, GatewayFlags flags,
        AdminOptions? door, RoleParts parts, NotifyChoice notify)
    {
        IndexOptions whole = options with
        {
            Credentials = parts.Credentials, Stopping = parts.Stopping,
        };
        IndexRole index = new(whole, parts.Dialer, parts.Time, new Random(), parts.Loggers);
        IRole notifier = notify.Build(index, whole, parts);
        face = face with { Listener = parts.RequestsOf(null), Tracer = parts.Sender?.Tracer };
        GatewayRole gateway = new(face, index.Directory, parts.Dialer, parts.Time, parts.Loggers);
        flags.ReadAgain(gateway, face, parts);
        IReadOnlyList<IRole> roles = [index, gateway, notifier];
        return [.. roles, .. AdminDoor.Build(door, whole, index, roles, parts)];
    }
}
