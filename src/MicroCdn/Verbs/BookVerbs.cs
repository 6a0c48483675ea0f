using System.CommandLine;
using System.Globalization;
using MicroCdn.Records;
using MicroCdn.Storage;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn index check</c> and <c>microcdn index backup</c>: look after the database of an index, also
/// while it runs.</summary>
internal static class BookVerbs
{
    /// <summary>These verbs, and <c>migrate</c>.</summary>
    public static IEnumerable<Command> Create() => [CreateCheck(), CreateBackup(), MigrateVerb.Create()];

    private static Command CreateCheck()
    {
        Option<string?> data = Data();
        Option<bool> json = Flags.JsonLines();
        Command verb = new("check", "Look whether the index's database is as it was written.") { data, json };
        verb.SetAction((parsed, _) => RunAsync(parsed.GetValue(data), async (folder, token) =>
        {
            if (await SqliteInspection.CheckAsync(folder, token) is not { } found) return Nothing(folder);
            foreach (string damage in found.Damages) Messages.Say($"'{folder}': {damage}.");
            int printed = found.Damages.Count > 0 && !parsed.GetValue(json) ? ExitCode.Done
                : Show(new VerbAnswer(parsed.GetValue(json)), $"sound: {Describe(found)}", found);
            return found.Damages.Count > 0 ? ExitCode.Failed : printed;
        }));
        return verb;
    }

    private static Command CreateBackup()
    {
        Argument<string> target = new("file") { Description = "The new file; its folder is made.", HelpName = "FILE" };
        target.Validators.Add(result =>
        {
            if (result.Tokens.Any(token => token.Value.Length == 0)) result.AddError("backup wants a path, not ''.");
        });
        Option<string?> data = Data();
        Option<bool> json = Flags.JsonLines();
        Command verb = new("backup", "Copy the index's database into one new file, also while the index runs.")
        {
            target, data, json,
        };
        verb.SetAction((parsed, _) => RunAsync(parsed.GetValue(data), async (folder, token) =>
        {
            string file = parsed.GetValue(target)!;
            if (Path.Exists(file))
            {
                Messages.Say($"'{file}' exists and is left as it is; name another.");
                return ExitCode.Usage;
            }
            if (await SqliteBackup.CopyAsync(folder, file, token) is not { } copied) return Nothing(folder);
            return Show(new VerbAnswer(parsed.GetValue(json)), $"saved {file} ({Describe(copied)})", copied, file);
        }));
        return verb;
    }

    private static Option<string?> Data() => Flags.Data(
        "The folder of the index's own state; by default microcdn/index below the user's data folder.");

    private static string Describe(RecordFindings found) => string.Create(CultureInfo.InvariantCulture,
        $"{found.Rows} rows, {Table.Size(found.Bytes)}, change {found.Number}");

    private static int Show(VerbAnswer answer, string sentence, RecordFindings found, string? file = null) =>
        answer.Print(sentence, ("file", file), ("rows", found.Rows), ("bytes", found.Bytes), ("change", found.Number),
            ("damages", found.Damages));

    private static int Nothing(string folder)
    {
        Messages.Say($"there is no database in '{folder}': nothing was published there yet, or --data is another one.");
        return ExitCode.NotFound;
    }

    private static Task<int> RunAsync(string? data, Func<string, CancellationToken, Task<int>> run) =>
        RunAsync(token => run(data ?? StateFolder.OfIndex, token));

    /// <summary>Runs what works on a book; trouble is a sentence.</summary>
    public static async Task<int> RunAsync(Func<CancellationToken, Task<int>> run)
    {
        using Interruption interruption = new();
        try
        {
            return await run(interruption.Token);
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Interrupted;
        }
        catch (Exception exception)
            when (exception is RecordStoreException or IOException or UnauthorizedAccessException)
        {
            Messages.Say($"{exception.Message.TrimEnd('.')}.");
            return exception is DiskFullException || exception.InnerException is DiskFullException
                ? ExitCode.DiskFull : ExitCode.Failed;
        }
    }
}
