using System.CommandLine;
using MicroCdn.Client;
using MicroCdn.Content;
using MicroCdn.Keys;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn drain</c> and <c>microcdn resume</c>: take a server out of rotation by hand, and let it come
/// back.</summary>
internal static class DrainVerb
{
    /// <summary>Both verbs.</summary>
    public static IEnumerable<Command> CreateBoth() =>
    [
        Create("drain", "Take a content server out of rotation: nobody is sent to it until it is resumed.",
            (monitor, server, token) => monitor.DrainAsync(server, token), "drains: nobody is sent to it any more"),
        Create("resume", "Let a drained content server come back into rotation.",
            (monitor, server, token) => monitor.ResumeAsync(server, token), "is back in rotation"),
    ];

    private delegate Task Telling(MonitorClient monitor, ServerId server, CancellationToken token);

    private static Command Create(string name, string description, Telling tell, string done)
    {
        Argument<ServerId> id = new("server")
        {
            Description = "The server's id, as 'microcdn servers' shows it.",
            HelpName = "ID",
            CustomParser = result => Flags.Read<ServerId>(
                result, $"{name}", "a server's id, one word of at most 64 bytes", ServerId.TryCreate),
        };
        Option<string> host = Flags.Host("--monitor-host", "The monitor's host.");
        Option<int> port = Flags.Port("--monitor-tcp-port", 6001, "The monitor's line port.");
        Option<MonitorAddress[]> more = Flags.Monitors("A further monitor to tell; repeatable.");
        Option<string?> keyFile = KeyFlags.File();
        Option<bool> json = Flags.JsonLines();
        Command verb = new(name, description) { id, host, port, more, keyFile, json };
        verb.SetAction((parsed, _) => Questions.AskAsync(async token =>
        {
            ServerId server = parsed.GetValue(id);
            MonitorAddress first = new(parsed.GetValue(host)!, parsed.GetValue(port), 0);
            List<int> codes = [];
            Identity? self = KeyFile.Operator(KeyFlags.Choose(parsed.GetValue(keyFile), null));
            foreach (MonitorAddress monitor in parsed.GetValue(more)!.Prepend(first))
            {
                try
                {
                    TcpDialer dialer = new(TimeProvider.System);
                    await tell(new MonitorClient(monitor.Host, monitor.TcpPort, self, dialer, TimeProvider.System),
                        server, token);
                    codes.Add(new VerbAnswer(parsed.GetValue(json)).Print($"{server} {done} (monitor {monitor})",
                        ("server", server.Value), ("done", name), ("monitor", $"{monitor}")));
                }
                catch (CdnException exception)
                {
                    codes.Add(ExitCode.Of(exception.Failure));
                    Messages.Say(exception.Message);
                }
            }
            return codes.Distinct().Count() == 1 ? codes[0] : ExitCode.Partial;
        }));
        return verb;
    }
}
