using System.CommandLine;
using System.Globalization;
using MicroCdn.Api;
using MicroCdn.Gateway.Api.Models;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn notify</c>: has a test event happen, and says who was told; or says how that went so
/// far.</summary>
internal static class NotifyVerb
{
    // Longer than a URL may take; a command may take longer.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    public static Command Create()
    {
        Command verb = new("notify", "Try whether those are told who are to be told, or say how it went so far.");
        verb.Subcommands.Add(Create("test", "Have the index tell everybody of a test, and say what came of it.", true));
        verb.Subcommands.Add(Create("list", "List who is told what happens, and how that went.", false));
        return verb;
    }

    private static Command Create(string name, string description, bool isTest)
    {
        Option<bool> json = Flags.Json();
        ApiFlags api = new();
        Command verb = new(name, description) { json };
        api.AddTo(verb);
        verb.SetAction((parsed, _) => Questions.AskAsync(async token =>
        {
            using ApiClient client = api.Open(parsed);
            IReadOnlyList<NotifyTargetView> before = await ListAsync(client, token);
            IReadOnlyList<NotifyTargetView> after = isTest ? await TestAsync(client, before, token) : before;
            // Restarted with other flags meanwhile, it tells others.
            bool[] tried = [.. after.Select((one, number) =>
                !isTest || (after.Count == before.Count && one.Tests > before[number].Tests))];
            int printed = parsed.GetValue(json)
                ? Messages.PrintJson(new Listing<NotifyTargetView>(after, null),
                    ApiShapes.Printed.ListingNotifyTargetView)
                : Messages.Print(() =>
                {
                    using PlainLines output = new();
                    foreach (string line in Lines(after, tried)) output.WriteLine(line);
                });
            return printed != ExitCode.Done || !isTest ? printed : CodeOf(after, tried);
        }));
        return verb;
    }

    /// <summary>What came of it, a line for each.</summary>
    /// <param name="targets">Who is told.</param>
    /// <param name="tried">Which of them were, as far as it was waited for.</param>
    public static IEnumerable<string> Lines(IReadOnlyList<NotifyTargetView> targets, bool[] tried)
    {
        if (targets.Count == 0)
        {
            return ["nobody is told: start the index with --notify URL or --notify-command COMMAND"];
        }
        return Columns.Lines(["TARGET", "STATE", " TOLD", " WAITING", " GIVEN UP", "LAST", "TROUBLE"],
        [
            .. targets.Select((one, number) => (string[])
            [
                one.Target, !tried[number] ? "no answer yet" : one.Trouble is not null ? "fails"
                    : one.LastSuccess is null ? "not tried" : "works",
                Number(one.Told), Number(one.Waiting), Number(one.GivenUp),
                one.LastSuccess is { } last ? Table.Time(last.ToUnixTimeSeconds()) ?? "-" : "never", one.Trouble ?? "",
            ]),
        ]);
    }

    /// <summary>0 when all work, 1 when none does, 7 when some do.</summary>
    public static int CodeOf(IReadOnlyList<NotifyTargetView> targets, bool[] tried)
    {
        int failed = targets.Where((one, number) => one.Trouble is not null || !tried[number]).Count();
        return failed == 0 && targets.Count > 0 ? ExitCode.Done
            : failed == targets.Count ? ExitCode.Failed : ExitCode.Partial;
    }

    private static async Task<IReadOnlyList<NotifyTargetView>> TestAsync(
        ApiClient client, IReadOnlyList<NotifyTargetView> before, CancellationToken token)
    {
        if (before.Count == 0) return before;
        await client.PostAsync("/events/test", token);
        long began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            IReadOnlyList<NotifyTargetView> now = await ListAsync(client, token);
            if (now.Count != before.Count) return now;
            bool isOver = now.Select((one, number) => one.Tests > before[number].Tests).All(tried => tried)
                || TimeProvider.System.GetElapsedTime(began) >= Patience;
            if (isOver) return now;
            await Task.Delay(Pause, TimeProvider.System, token);
        }
    }

    private static async Task<IReadOnlyList<NotifyTargetView>> ListAsync(ApiClient client, CancellationToken token) =>
        (await client.GetAsync("/notify", ApiShapes.Default.ListingNotifyTargetView, token)).Items;

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
