using System.CommandLine;
using System.Text;
using MicroCdn.Content;
using MicroCdn.Keys;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn drain</c> and <c>microcdn resume</c>: take a server out of rotation by hand, and let it come
/// back.</summary>
internal static class DrainVerb
{
    // As long as any role may take for an answer.
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(5);

    /// <summary>Both verbs.</summary>
    public static IEnumerable<Command> CreateBoth() =>
    [
        Create("drain", "Take a content server out of rotation: nobody is sent to it until it is resumed.", "DRAIN",
            "OK DRAINING", "drains: nobody is sent to it any more"),
        Create("resume", "Let a drained content server come back into rotation.", "RESUME", "OK RESUMED",
            "is back in rotation"),
    ];

    private static Command Create(string name, string description, string word, string expected, string done)
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
        Command verb = new(name, description) { id, host, port, more, keyFile };
        verb.SetAction((parsed, _) => Questions.AskAsync(async token =>
        {
            ServerId server = parsed.GetValue(id);
            MonitorAddress first = new(parsed.GetValue(host)!, parsed.GetValue(port), 0);
            List<int> codes = [];
            Identity? self = KeyFile.Operator(KeyFlags.Choose(parsed.GetValue(keyFile), null));
            foreach (MonitorAddress monitor in parsed.GetValue(more)!.Prepend(first))
            {
                (int code, string said) = await TellAsync(monitor, self, $"{word} {server}", expected, token);
                codes.Add(code);
                if (code == ExitCode.Done) Messages.Line($"{server} {done} (monitor {monitor})");
                else Messages.Say(said);
            }
            return codes.Distinct().Count() == 1 ? codes[0] : ExitCode.Partial;
        }));
        return verb;
    }

    private static async Task<(int Code, string Said)> TellAsync(
        MonitorAddress monitor, Identity? self, string line, string expected, CancellationToken token)
    {
        using CancellationTokenSource late = new(AnswerTime, TimeProvider.System);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, token);
        try
        {
            await using LineConnection? connection = await Speaking2.TryDialAsync(
                new TcpDialer(TimeProvider.System), monitor.Host, monitor.TcpPort, TimeProvider.System, self,
                either.Token);
            if (connection is null)
            {
                return (ExitCode.Failed, $"the monitor at {monitor} speaks version 1, which has no word for this.");
            }
            await connection.SendAsync(Encoding.UTF8.GetBytes(line + "\n"), either.Token);
            if (await connection.ReadLineAsync(either.Token) is not { } answer)
            {
                return (ExitCode.Unreachable, $"the monitor at {monitor} closed the connection.");
            }
            return Understand(Encoding.UTF8.GetString(answer.Span), monitor, line, expected);
        }
        catch (OperationCanceledException) when (!token.IsCancellationRequested)
        {
            return (ExitCode.Unreachable, $"the monitor at {monitor} did not answer in {AnswerTime.TotalSeconds} s.");
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            return (ExitCode.Unreachable, $"the monitor cannot be asked: {exception.Message.TrimEnd('.')}.");
        }
    }

    private static (int Code, string Said) Understand(
        string answer, MonitorAddress monitor, string line, string expected)
    {
        if (answer == expected) return (ExitCode.Done, "");
        WireError? error = WireErrors.All.FirstOrDefault(error => answer == $"ERROR {error.Word}");
        return error == WireErrors.UnknownServer
            ? (ExitCode.NotFound, $"the monitor at {monitor} knows no server '{line.Split(' ')[1]}'.")
            : (ExitCode.Failed, $"the monitor at {monitor} refused '{line}': {error?.Meaning ?? answer}");
    }
}
