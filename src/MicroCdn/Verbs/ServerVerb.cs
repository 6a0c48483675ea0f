using System.CommandLine;
using System.Globalization;
using MicroCdn.Client;
using MicroCdn.Keys;
using MicroCdn.Protocol;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn server retire</c> and <c>resume</c>: have a server's files made safe elsewhere, so that it can
/// be switched off for good.</summary>
internal static class ServerVerb
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    // In a pipe: often enough to be seen to live, seldom enough for a log.
    private const int PausesBetweenLines = 10;

    // So many looks in a row at which nothing moves and no server can take what is left.
    private const int LooksUntilStuck = 10;

    // A look at ten million names takes half of that.
    private const int LooksUntilForgotten = 60;

    public static Command Create()
    {
        Command verb = new("server", "Retire a server for good, or take that back.");
        verb.Subcommands.Add(CreateRetire());
        verb.Subcommands.Add(CreateResume());
        return verb;
    }

    private static Command CreateRetire()
    {
        Argument<ServerId> id = Id("retire");
        IndexFlags index = new();
        Option<string?> keyFile = KeyFlags.File();
        Option<bool> json = Flags.JsonLines();
        Command verb = new("retire", "Have copies of all its files made elsewhere, and wait until they are there.")
        {
            id, keyFile, json,
        };
        index.AddTo(verb);
        verb.SetAction((parsed, _) =>
        {
            ServerId server = parsed.GetValue(id);
            bool isTold = false;
            return Questions.AskAsync(async token =>
            {
                Publisher publisher = PutFlags.Of(index.Read(parsed), parsed.GetValue(keyFile));
                await publisher.OrderAsync($"RETIRE {server}", token);
                isTold = true;
                return await WaitAsync(publisher, server, new VerbAnswer(parsed.GetValue(json)), token);
            }, () => isTold ? [$"{server} goes on retiring; the same command waits again"] : []);
        });
        return verb;
    }

    private static Command CreateResume()
    {
        Argument<ServerId> id = Id("resume");
        IndexFlags index = new();
        Option<string?> keyFile = KeyFlags.File();
        Option<bool> json = Flags.JsonLines();
        Command verb = new("resume", "Take a retired server back into use.") { id, keyFile, json };
        index.AddTo(verb);
        verb.SetAction((parsed, _) => Questions.AskAsync(async token =>
        {
            Publisher publisher = PutFlags.Of(index.Read(parsed), parsed.GetValue(keyFile));
            await publisher.OrderAsync($"RESUME {parsed.GetValue(id)}", token);
            return new VerbAnswer(parsed.GetValue(json)).Print($"{parsed.GetValue(id)} is in use again",
                ("server", parsed.GetValue(id).Value), ("retired", false));
        }));
        return verb;
    }

    private static Argument<ServerId> Id(string verb) => new("server")
    {
        Description = "The server's id, as 'microcdn status' shows it.",
        HelpName = "ID",
        CustomParser = result => Flags.Read<ServerId>(
            result, $"server {verb}", "a server's id, one word of at most 64 bytes", ServerId.TryCreate),
    };

    // It goes on at the index when nobody waits any more.
    private static async Task<int> WaitAsync(
        Publisher publisher, ServerId server, VerbAnswer answer, CancellationToken token)
    {
        (int stuck, int unknown, long? before) = (0, 0, null);
        for (int look = 0; ; look++)
        {
            CopyStatus status = await CopyStatus.AskAsync(publisher, token);
            long? left = status.Servers.FirstOrDefault(one => one.Id == server.Value)?.Left;
            if (left == 0)
            {
                return answer.Print(
                    $"{server} is retired and may be switched off: all its files are safe elsewhere",
                    ("server", server.Value), ("retired", true), ("left", left));
            }
            // Another operator may have said that it stays; or it is gone, and the index forgot it.
            unknown = left is null ? unknown + 1 : 0;
            if (unknown >= LooksUntilForgotten)
            {
                Messages.Say($"the index does not say any more that {server} is to go: see 'microcdn status'.");
                return ExitCode.NotFound;
            }
            stuck = left > 0 && left == before && status.Stuck > 0 && status.Making == 0 ? stuck + 1 : 0;
            before = left;
            if (stuck >= LooksUntilStuck)
            {
                Messages.Say(string.Create(CultureInfo.InvariantCulture, $"{left} files of {server} have no other "
                    + $"place: servers, or room on them, are missing. It stays retired; do not switch it off yet."));
                return ExitCode.DiskFull;
            }
            if (left is { } files && look % PausesBetweenLines == 1)
            {
                string fetched = StatusVerb.LeftOf(status) is { Length: > 0 } text ? $" ({text})" : "";
                Messages.Write(string.Create(CultureInfo.InvariantCulture,
                    $"{server}: {files} files are not safe elsewhere yet{fetched}"));
            }
            await Task.Delay(Pause, TimeProvider.System, token);
        }
    }
}
