using System.CommandLine;
using System.Text.Json;
using MicroCdn.Api;
using MicroCdn.Gateway.Api.Models;
using MicroCdn.Index.Events;
using MicroCdn.Settings;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn logs</c>: what happened in the fleet, and with <c>--follow</c> what happens.</summary>
internal static class LogsVerb
{
    private const int UsualMost = 100;

    private static readonly string[] Kinds = Words<EventKind>();
    private static readonly string[] Severities = Words<Severity>();

    public static Command Create()
    {
        Option<bool> follow = new("--follow", "-f") { Description = "Go on with what happens, until Ctrl-C." };
        Option<TimeSpan?> since = new("--since")
        {
            Description = "How far back: 90s, 30m, 1h, 7d; by default the newest 100 events.",
            HelpName = "TIME",
            CustomParser = result => Flags.Read<TimeSpan>(result, "--since", "a time such as 30m, 1h or 7d",
                TimeText.TryParse),
        };
        Option<string?> kind = Flags.Text("--kind", "WORD", "Only what is about this, such as server.",
            $"one of {string.Join(", ", Kinds)}", Kinds.Contains);
        Option<string?> severity = Flags.Text("--severity", "WORD", "Only what is so bad or worse; info for all.",
            $"one of {string.Join(", ", Severities)}", Severities.Contains);
        Option<bool> json = Flags.JsonLines();
        ApiFlags api = new();
        Command verb = new("logs", "Show what happened in the fleet: servers, copies, origins, releases, purges.")
        {
            follow, since, kind, severity, json,
        };
        verb.Aliases.Add("events");
        api.AddTo(verb);
        verb.SetAction((parsed, _) => Questions.AskAsync(async token =>
        {
            using ApiClient client = api.Open(parsed);
            LogsWish wish = new(parsed.GetValue(kind), parsed.GetValue(severity), parsed.GetValue(since),
                parsed.GetValue(json));
            long known = (await client.GetAsync("/overview", ApiShapes.Default.Overview, token)).LatestEvent;
            List<EventView> events = await PastAsync(client, wish, token);
            int printed = Print(events, wish);
            if (printed != ExitCode.Done || !parsed.GetValue(follow)) return printed;
            using LogsFollower follower = new(client, Math.Max(known, events.Select(one => one.Id).LastOrDefault()),
                Messages.Say, TimeProvider.System);
            while (true)
            {
                EventView next = await follower.NextAsync(token);
                if (!wish.Takes(next)) continue;
                printed = Print([next], wish);
                if (printed != ExitCode.Done) return printed;
            }
        }));
        return verb;
    }

    /// <summary>A line for people.</summary>
    public static string Line(EventView one)
    {
        string subject = one.Subject.Length == 0 || one.Text.Contains(one.Subject, StringComparison.Ordinal)
            ? "" : $"{one.Subject}: ";
        return $"{Table.Time(one.Time.ToUnixTimeSeconds())}  {one.Severity,-7}  {one.Kind,-11}  {subject}{one.Text}";
    }

    // The index tells the newest first.
    private static async Task<List<EventView>> PastAsync(ApiClient client, LogsWish wish, CancellationToken token)
    {
        string query = string.Join('&', ((string?[])
        [
            wish.Kind is { } kind ? $"kind={kind}" : null, wish.Severity is { } least ? $"severity={least}" : null,
        ]).Where(part => part is not null));
        int most = wish.Since is null ? UsualMost : EventLog.Most;
        List<EventView> events = await client.ListAsync(query.Length == 0 ? "/events" : $"/events?{query}",
            ApiShapes.Default.ListingEventView, token, most);
        DateTimeOffset from = wish.Since is { } since ? TimeProvider.System.GetUtcNow() - since
            : DateTimeOffset.MinValue;
        return [.. events.Take(most).Where(one => one.Time >= from && wish.Takes(one)).Reverse()];
    }

    private static int Print(IReadOnlyList<EventView> events, LogsWish wish) => Messages.Print(() =>
    {
        using PlainLines output = new();
        foreach (EventView one in events)
        {
            output.WriteLine(wish.IsJson ? JsonSerializer.Serialize(one, ApiShapes.Lines.EventView) : Line(one));
        }
    });

    private static string[] Words<T>() where T : struct, Enum =>
        [.. Enum.GetNames<T>().Select(name => name.ToLowerInvariant())];

    /// <summary>What is to be shown, and how.</summary>
    private sealed record LogsWish(string? Kind, string? Severity, TimeSpan? Since, bool IsJson)
    {
        public bool Takes(EventView one) => (Kind is null || one.Kind == Kind)
            && (Severity is null || Array.IndexOf(Severities, one.Severity) >= Array.IndexOf(Severities, Severity));
    }
}
