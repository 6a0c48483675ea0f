using System.CommandLine;
using MicroCdn.Content;
using MicroCdn.Edge;
using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn content</c>: runs a content server.</summary>
internal static class ContentVerb
{
    public static Command Create()
    {
        Option<ServerId> id = new("--server-id")
        {
            Description = "The name this server goes by.",
            HelpName = "ID",
            Required = true,
            CustomParser = result => Flags.Read<ServerId>(
                result, "--server-id", "one word of at most 64 bytes", ServerId.TryCreate),
        };
        Option<string> files = Flags.Path(new Option<string>("--files")
        {
            Description = "The folder to serve.", HelpName = "DIR", Required = true,
        });
        Option<int> tcpPort = Flags.Port("--tcp-port", 7001, "The line port.");
        Option<int> udpPort = Flags.Port("--udp-port", 7002, "The port heartbeats leave from.");
        Option<string> indexHost = Flags.Host("--index-host", "The index's host.");
        Option<int> indexPort = Flags.Port("--index-port", 5050, "The index's line port.");
        Option<string> monitorHost = Flags.Host("--monitor-host", "The monitor's host.");
        Option<int> monitorUdpPort = Flags.Port("--monitor-udp-port", 6000, "The monitor's heartbeat port.");
        Option<int> monitorTcpPort = Flags.Port("--monitor-tcp-port", 6001, "The monitor's line port.");
        PlaceFlags place = new();
        Option<string?> data = Flags.Data();
        var bind = Flags.Bind();
        Command verb = new("content",
            "Run a content server: it serves the files of a folder and tells the index of them.")
        {
            id, files, tcpPort, udpPort, indexHost, indexPort, monitorHost, monitorUdpPort, monitorTcpPort, bind, data,
            Flags.Trust(),
        };
        WebFlags web = new();
        web.AddTo(verb);
        place.AddTo(verb);
        verb.SetAction((parsed, _) =>
        {
            string folder = parsed.GetValue(files)!;
            if (LiesInside(parsed.GetValue(data), folder)) return Task.FromResult(ExitCode.Usage);
            ContentOptions options = new()
            {
                Id = parsed.GetValue(id),
                Files = folder,
                Bind = parsed.GetValue(bind)!,
                TcpPort = parsed.GetValue(tcpPort),
                UdpPort = parsed.GetValue(udpPort),
                IndexHost = parsed.GetValue(indexHost)!,
                IndexPort = parsed.GetValue(indexPort),
                MonitorHost = parsed.GetValue(monitorHost)!,
                MonitorUdpPort = parsed.GetValue(monitorUdpPort),
                State = StateFolder.Of(parsed.GetValue(data), parsed.GetValue(id)),
            };
            WebPorts ports = web.Read(parsed);
            EdgeOptions edge = new()
            {
                Bind = options.Bind,
                HttpPort = ports.Http,
                HttpsPort = ports.Https,
                Variants = options.State is { } state ? Path.Combine(state, "variants") : null,
            };
            options = place.Read(parsed, options with { HttpPort = ports.Http, HttpsPort = ports.Https });
            return RoleHost.RunAsync(parts =>
            {
                ContentRole content = new(options, parts.Dialer, parts.Datagrams, parts.Time, parts.Loggers);
                return [content, new EdgeRole(edge, content.Files, parts.Time, parts.Loggers)];
            }, ports);
        });
        return verb;
    }

    private static bool LiesInside(string? data, string folder)
    {
        if (data is null || !Directory.Exists(folder) || !new ServedFolder(folder).Holds(data)) return false;
        Console.Error.WriteLine(
            $"microcdn: --data '{data}' lies inside the folder that is served: choose another.");
        return true;
    }
}
