using System.CommandLine;
using MicroCdn.Keys;
using MicroCdn.Monitor;
using MicroCdn.Settings;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn monitor</c>: runs a monitor.</summary>
internal static class MonitorVerb
{
    public static Command Create()
    {
        Option<int> indexPort = Flags.Port("--index-port", 5050, "The line port of the index at --index-host.");
        Option<string> indexHost = Flags.Host("--index-host", "The host of an index to tell of failures.");
        Option<IndexAddress[]> more = new("--index")
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
        Option<int> udpPort = Flags.Port("--udp-port", 6000, "The port heartbeats come to.");
        Option<int> tcpPort = Flags.Port("--tcp-port", 6001, "The line port.");
        Option<TimeSpan> timeout = Flags.Seconds("--timeout", 8, "Silence after which a server is dead.");
        Option<TimeSpan> interval = Flags.Seconds("--check-interval", 1, "Time between two looks at who is silent.");
        Option<bool> verbose = new("--verbose") { Description = "Log every heartbeat." };
        var bind = Flags.Bind();
        var trust = Flags.Trust();
        Command verb = new("monitor", "Run a monitor: it hears heartbeats and tells the indexes which servers died.")
        {
            indexPort, indexHost, more, udpPort, tcpPort, timeout, interval, verbose, bind, trust, Flags.Data(),
            ConfigFlag.Create(),
        };
        KeyFlags keys = new();
        keys.AddTo(verb);
        verb.SetAction((parsed, _) => RoleHost.RunAsync(parts =>
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
                    Credentials = parts.Credentials,
                    Verbose = parsed.GetValue(verbose),
                },
                parts.Dialer, parts.Datagrams, parts.Time, parts.Loggers),
        ], keys: keys.Read(parsed)));
        return verb;
    }
}
