using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using MicroCdn.Client;
using MicroCdn.Keys;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn activate</c>, <c>rollback</c>, <c>unstage</c> and <c>releases</c>: what was staged, as a
/// whole.</summary>
internal static class ReleaseVerbs
{
    /// <summary>All of them.</summary>
    public static IEnumerable<Command> Create() =>
    [
        Turn("activate", "Make all that is staged in a release visible at once, or nothing of it.", isNeeded: true,
            "activated", (publisher, release, told, token) => publisher.ActivateAsync(release!, told, token)),
        Turn("rollback", "Make current again what was before the newest activation.", isNeeded: false,
            "rolled back", (publisher, release, told, token) => publisher.RollBackAsync(release, told, token)),
        Unstage(), List(),
    ];

    private static Command Turn(string name, string description, bool isNeeded, string done,
        Func<Publisher, string?, Action<long, long>?, CancellationToken, Task<ReleaseReceipt>> turn)
    {
        Argument<string?> release = PutFlags.Release(isNeeded);
        if (!isNeeded) release.Description = "The release, which must be the newest active one; by default that.";
        IndexFlags index = new();
        Option<string?> keyFile = KeyFlags.File();
        Option<bool> json = Flags.JsonLines();
        Command verb = new(name, description) { release, keyFile, json };
        index.AddTo(verb);
        verb.SetAction((parsed, _) => Questions.AskAsync(async token =>
        {
            Publisher publisher = PutFlags.Of(index.Read(parsed), parsed.GetValue(keyFile));
            string? named = parsed.GetValue(release);
            return await RunAsync(done, named, new VerbAnswer(parsed.GetValue(json)),
                told => turn(publisher, named, told, token));
        }));
        return verb;
    }

    /// <summary>Has a release turn, tells on a terminal how many of its files have their copies, and says what came of
    /// it.</summary>
    public static async Task<int> RunAsync(
        string done, string? release, VerbAnswer answer, Func<Action<long, long>?, Task<ReleaseReceipt>> turn)
    {
        ReleaseReceipt? receipt = null;
        await ProgressBars.RunAsync(async bars =>
        {
            Action<long, long>? told = bars.AddCount($"{release ?? "release"}: copies");
            long files = 0;
            receipt = await turn(told is null ? null : (ready, all) => told(ready, files = all));
            if (files > 0) told!(files, files);
        }, isOfBytes: false);
        return Print(done, receipt!, answer);
    }

    private static int Print(string done, ReleaseReceipt receipt, VerbAnswer answer) => answer.Print(
        Sentences(done, receipt), (done.Replace(' ', '-'), receipt.Release), ("files", receipt.Files),
        ("revision", receipt.Revision), ("kept", receipt.Kept), ("shown", receipt.Shown), ("late", receipt.Late));

    private static IEnumerable<string> Sentences(string done, ReleaseReceipt receipt)
    {
        yield return string.Create(CultureInfo.InvariantCulture,
            $"{done} {receipt.Release} ({receipt.Files} files, revision {receipt.Revision})");
        if (receipt.Kept > 0)
        {
            yield return string.Create(CultureInfo.InvariantCulture,
                $"{receipt.Kept} names stay as they are: they were published anew since");
        }
        foreach (string server in receipt.Shown) yield return $"shown by {server}";
        foreach (string server in receipt.Late) yield return $"late: {server} shows it when it is back";
    }

    private static Command Unstage()
    {
        Argument<string?> release = PutFlags.Release(isNeeded: true);
        IndexFlags index = new();
        Option<string?> keyFile = KeyFlags.File();
        Option<bool> json = Flags.JsonLines();
        Command verb = new("unstage", "Throw away what is staged in a release.") { release, keyFile, json };
        index.AddTo(verb);
        verb.SetAction((parsed, _) => Questions.AskAsync(async token =>
        {
            long count = await PutFlags.Of(index.Read(parsed), parsed.GetValue(keyFile))
                .UnstageAsync(parsed.GetValue(release)!, token);
            return new VerbAnswer(parsed.GetValue(json)).Print(string.Create(
                CultureInfo.InvariantCulture, $"{parsed.GetValue(release)}: {count} files are staged no more"),
                ("unstaged", parsed.GetValue(release)), ("files", count));
        }));
        return verb;
    }

    private static Command List()
    {
        IndexFlags index = new();
        Option<bool> json = Flags.Json();
        Option<string?> keyFile = KeyFlags.File();
        Command verb = new("releases", "List what is staged, what is active, and what was rolled back.")
        {
            json, keyFile,
        };
        index.AddTo(verb);
        verb.SetAction((parsed, _) => Questions.AskAsync(async token =>
        {
            List<ReleaseRow> rows = await PutFlags.Of(index.Read(parsed), parsed.GetValue(keyFile))
                .ReleasesAsync(token);
            return Messages.Print(() =>
            {
                if (parsed.GetValue(json)) WriteJson(rows);
                else WriteTable(rows);
            });
        }));
        return verb;
    }

    private static void WriteTable(List<ReleaseRow> rows)
    {
        int width = Math.Max(7, rows.Select(row => row.Name.Length).DefaultIfEmpty().Max());
        using PlainLines output = new();
        output.WriteLine($"{"RELEASE".PadRight(width)}  STATE         FILES        SIZE  SINCE");
        foreach (ReleaseRow row in rows)
        {
            string since = Table.Time(row.UnixSeconds) ?? "unknown";
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{row.Name.PadRight(width)}  "
                + $"{row.State,-11}  {row.Files,6}  {Table.Size(row.Bytes),10}  {since}"));
        }
    }

    private static void WriteJson(List<ReleaseRow> rows)
    {
        using Stream output = Console.OpenStandardOutput();
        using Utf8JsonWriter writer = new(output, Table.Json);
        writer.WriteStartArray();
        foreach (ReleaseRow row in rows)
        {
            writer.WriteStartObject();
            writer.WriteString("name", row.Name);
            writer.WriteString("state", row.State);
            writer.WriteNumber("files", row.Files);
            writer.WriteNumber("bytes", row.Bytes);
            writer.WriteString("since", Table.Time(row.UnixSeconds));
            writer.WriteBoolean("undoable", row.IsUndoable);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.Flush();
        output.WriteByte((byte)'\n');
    }
}
