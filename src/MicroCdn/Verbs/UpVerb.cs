using System.CommandLine;
using System.Net;
using MicroCdn.Content;
using MicroCdn.Edge;
using MicroCdn.Edge.PullThrough;
using MicroCdn.Gateway;
using MicroCdn.Gateway.Admin;
using MicroCdn.Http;
using MicroCdn.Index;
using MicroCdn.Keys;
using MicroCdn.Logs;
using MicroCdn.Monitor;
using MicroCdn.Network;
using MicroCdn.Notify;
using MicroCdn.Protocol;
using MicroCdn.Records;
using MicroCdn.Settings;
using MicroCdn.Telemetry;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn up</c>: a whole CDN in one process, to try it out or to run it on one machine.</summary>
internal static class UpVerb
{
    private const int PortStep = 100;

    public static Command Create()
    {
        Option<string[]> files = Flags.Path(new Option<string[]>("--files")
        {
            Description = "A folder to serve, one content server each; repeatable. Sample files by default.",
            HelpName = "DIR",
            Arity = ArgumentArity.OneOrMore,
            DefaultValueFactory = _ => [],
        });
        Option<int> indexPort = Flags.Port("--index-port", 5050, "The index's line port.");
        Option<int> monitorTcpPort = Flags.Port("--monitor-tcp-port", 6001, "The monitor's line port.");
        Option<int> monitorUdpPort = Flags.Port("--monitor-udp-port", 6000, "The monitor's heartbeat port.");
        Option<int> contentPort = Flags.Port("--content-port", 7001,
            "The first content server's line port; its heartbeats leave from the next, HTTP is the one after, "
            + "further servers follow 100 higher.");
        Option<int> gatewayPort = Flags.Port("--gateway-port", 8080, "The index's HTTP port.");
        Option<string?> data = Flags.Data("The folder for sample files and state; by default microcdn below the user's "
            + "data folder.");
        var bind = Flags.Bind();
        var trust = Flags.Trust();
        Command verb = new("up", "Run an index, a monitor and two content servers in one process.")
        {
            ConfigFlag.Create(), files, indexPort, monitorTcpPort, monitorUdpPort, contentPort, gatewayPort, bind,
            data, trust,
        };
        EdgeFlags edge = EdgeFlags.AddedTo(verb);
        AccessFlags access = AccessFlags.AddedTo(verb);
        AccessLogFlags log = AccessLogFlags.AddedTo(verb);
        TelemetryFlags telemetry = TelemetryFlags.AddedTo(verb);
        LogFlags style = LogFlags.AddedTo(verb);
        PullFlags pull = new();
        pull.AddTo(verb);
        KeyFlags keys = KeyFlags.AddedTo(verb);
        RoutingFlags routing = new();
        routing.AddTo(verb);
        AdminFlags admin = new();
        admin.AddTo(verb);
        NotifyFlags notify = NotifyFlags.AddedTo(verb);
        verb.SetAction((parsed, _) =>
        {
            string state = parsed.GetValue(data) ?? StateFolder.OfUser;
            string[]? folders = parsed.GetValue(files) is { Length: > 0 } named ? named : Samples(state);
            if (folders is null) return Task.FromResult(ExitCode.Usage);
            Plan plan = new(folders, parsed.GetValue(bind)!, parsed.GetValue(indexPort),
                parsed.GetValue(monitorTcpPort), parsed.GetValue(monitorUdpPort), parsed.GetValue(contentPort),
                parsed.GetValue(gatewayPort), parsed.GetValue(trust)!, state, edge.Read(parsed),
                number => pull.Read(
                    parsed, StateFolder.CopiesOf(StateFolder.Of(state, Plan.IdOf(number))), Plan.IdOf(number)))
            {
                // Each port counts for itself: who is sent on by the index asks twice.
                OpenGate = parts => access.Open(parsed, parts), Flags = edge,
                Admin = admin.Read(parsed, Path.Combine(state, "index"), AdminDoor.UsualPort),
            };
            if (plan.Refuse() is { } refusal) return Refused(refusal);
            return RoleHost.RunAsync(parts => Build(plan, parts, routing.Read(parsed), notify.Read(parsed)),
                started: () => Greet(plan), keys: keys.Read(parsed), log: log.Read(parsed),
                telemetry: telemetry.Read(parsed), style: style.Read(parsed), settings: parsed);
        });
        return verb;
    }

    private static Task<int> Refused(string refusal)
    {
        Messages.Say(refusal);
        return Task.FromResult(ExitCode.Usage);
    }

    // Null, and a sentence, when they cannot be written.
    private static string[]? Samples(string folder)
    {
        try
        {
            return SampleFiles.Write(folder);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Messages.Say($"the sample files cannot be written to '{folder}', choose another folder with --data: "
                + exception.Message);
            return null;
        }
    }

    private static List<IRole> Build(Plan plan, RoleParts parts, IndexOptions routing, NotifyChoice notify)
    {
        List<IRole> roles = [];
        IndexOptions index = routing with
        {
            Bind = plan.Bind,
            Port = plan.IndexPort,
            MonitorHost = plan.Host,
            MonitorTcpPort = plan.MonitorTcpPort,
            Trust = plan.Trust,
            State = Path.Combine(plan.State, "index"),
            Records = SqliteRecordStore.Hold(Path.Combine(plan.State, "index")),
            Credentials = parts.Credentials,
        };
        IndexRole indexRole = new(index, parts.Dialer, parts.Time, new Random(), parts.Loggers);
        roles.Add(indexRole);
        GatewayOptions gateway = new()
        {
            Bind = plan.Bind, HttpPort = plan.GatewayPort, CorsOrigins = plan.Edge.CorsOrigins,
            Proxies = plan.Edge.Proxies,
            Listener = parts.RequestsOf(null), Tracer = parts.Sender?.Tracer, Gate = plan.OpenGate(parts),
        };
        GatewayRole gatewayRole = new(gateway, indexRole.Directory, parts.Dialer, parts.Time, parts.Loggers);
        plan.Flags.ReadAgain(gatewayRole, gateway, parts);
        roles.Add(gatewayRole);
        MonitorOptions monitor = new()
        {
            Bind = plan.Bind,
            UdpPort = plan.MonitorUdpPort,
            TcpPort = plan.MonitorTcpPort,
            Indexes = [new IndexAddress(plan.Host, plan.IndexPort)],
            State = Path.Combine(plan.State, "monitor"),
            Trust = plan.Trust,
            Credentials = parts.Credentials,
        };
        roles.Add(new MonitorRole(monitor, parts.Dialer, parts.Datagrams, parts.Time, parts.Loggers));
        for (int number = 0; number < plan.Folders.Length; number++) roles.AddRange(Content(plan, parts, number));
        roles.Add(notify.Build(indexRole, index, parts));
        roles.AddRange(AdminDoor.Build(plan.Admin, index, indexRole, [.. roles], parts));
        return roles;
    }

    private static IRole[] Content(Plan plan, RoleParts parts, int number)
    {
        PullOptions pull = plan.Pull(number);
        ContentOptions content = new()
        {
            Id = Plan.IdOf(number),
            Files = plan.Folders[number],
            Bind = plan.Bind,
            TcpPort = plan.PortOf(number),
            UdpPort = plan.PortOf(number) + 1,
            IndexHost = plan.Host,
            IndexPort = plan.IndexPort,
            MonitorHost = plan.Host,
            MonitorUdpPort = plan.MonitorUdpPort,
            MonitorTcpPort = plan.MonitorTcpPort,
            Trust = plan.Trust,
            State = plan.StateOf(number),
            TakesOrders = true,
            TellsFigures = true,
            Credentials = parts.Credentials,
            HttpPort = plan.HttpPortOf(number),
            Pulls = pull.Prefixes,
        };
        ContentRole role = new(content, parts.Dialer, parts.Datagrams, parts.Time, parts.Loggers);
        EdgeOptions edge = plan.Edge with
        {
            Bind = plan.Bind,
            HttpPort = content.HttpPort,
            Variants = StateFolder.VariantsOf(plan.StateOf(number)),
            Trust = plan.Trust,
            Pull = pull with { WaitsForPurges = true },
            Listener = parts.RequestsOf(pull.Id?.ToString()),
            Tracer = parts.Sender?.Tracer,
            Gate = plan.OpenGate(parts),
        };
        EdgeRole face = new(edge, role.Files, parts.Time, parts.Loggers);
        plan.Flags.ReadAgain(face, edge, parts);
        (role.Copies, role.Traffic) = (face.Purges, face.Traffic);
        return [role, face];
    }

    private static void Greet(Plan plan)
    {
        string port = plan.IndexPort == 5050 ? "" : $" --index-port {plan.IndexPort}";
        string monitor = plan.MonitorTcpPort == 6001 ? "" : $" --monitor-tcp-port {plan.MonitorTcpPort}";
        Messages.Line();
        Messages.Line("MicroCDN is up:");
        Messages.Line($"  index    TCP {plan.IndexPort}, HTTP {plan.GatewayPort}");
        Messages.Line($"  monitor  TCP {plan.MonitorTcpPort}, heartbeats UDP {plan.MonitorUdpPort}");
        for (int number = 0; number < plan.Folders.Length; number++)
        {
            Messages.Line($"  {Plan.IdOf(number),-8} TCP {plan.PortOf(number)}, HTTP {plan.HttpPortOf(number)}, "
                + $"serving {plan.Folders[number]}");
        }
        if (plan.Admin is { } door)
        {
            Messages.Line($"  page     http://{door.Address}/, by the token in {door.TokenPath}");
        }
        Messages.Line();
        Messages.Line("Try in another terminal:");
        Messages.Line($"  microcdn ls{port}");
        Messages.Line($"  microcdn get hello.txt{port}");
        Messages.Line($"  microcdn servers{port}{monitor}");
        Messages.Line($"  curl -L http://localhost:{plan.GatewayPort}/hello.txt");
        if (plan.Pull(0) is { Prefixes: [var prefix, ..] })
        {
            Messages.Line($"  curl -L http://localhost:{plan.GatewayPort}{prefix}");
        }
        Messages.Line(
            "From a clone, write 'dotnet run --project src/MicroCdn --' for 'microcdn'. Ctrl-C ends it all.");
        Messages.Line();
    }

    private sealed record Plan(string[] Folders, IPAddress Bind, int IndexPort, int MonitorTcpPort, int MonitorUdpPort,
        int ContentPort, int GatewayPort, IPNetwork[] Trust, string State, EdgeOptions Edge,
        Func<int, PullOptions> Pull)
    {
        public required AdminOptions? Admin { get; init; }

        public required Func<RoleParts, Gate> OpenGate { get; init; }

        public required EdgeFlags Flags { get; init; }

        // Where the roles of this process reach one another.
        public string Host =>
            Bind.Equals(IPAddress.Any) || Bind.Equals(IPAddress.IPv6Any) ? "127.0.0.1" : Bind.ToString();

        public int HttpPortOf(int number) => PortOf(number) + 2;

        public int PortOf(int number) => ContentPort + (number * PortStep);

        public string StateOf(int number) => StateFolder.Of(State, IdOf(number));

        // One sentence when there is no room for a port or a folder, else null.
        public string? Refuse() => ContentPort > HighestContentPort
            ? $"--content-port {ContentPort} leaves no room for the ports of {Folders.Length} content servers: "
                + $"choose one of at most {HighestContentPort}."
            : Enumerable.Range(0, Folders.Length).Select(number => StateFolder.Make(StateOf(number), Folders))
                .FirstOrDefault(refusal => refusal is not null);

        // Heartbeats leave from the port above each line port, and HTTP is the one above that.
        private int HighestContentPort => ushort.MaxValue - 2 - ((Folders.Length - 1) * PortStep);

        public static ServerId IdOf(int number)
        {
            ServerId.TryCreate($"CS{number + 1}", out ServerId id);
            return id;
        }
    }
}
