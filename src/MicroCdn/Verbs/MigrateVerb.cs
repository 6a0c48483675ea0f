using System.CommandLine;
using MicroCdn.Logs;
using MicroCdn.Records;
using MicroCdn.Records.Redis;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn index migrate</c>: moves what is published from an index's folder to Redis, or back.</summary>
internal static class MigrateVerb
{
    public static Command Create()
    {
        Option<string> from = Place("--from", "What is copied: an index's state folder, or redis://HOST[:PORT].");
        Option<string> to = Place("--to", "Where it goes, and nothing is yet: the same.");
        StoreFlags access = new();
        Option<bool> json = Flags.JsonLines();
        Command verb = new("migrate", "Copy all that is published from an index's folder to Redis, or back.")
        {
            from, to, json,
        };
        access.AddAccessTo(verb);
        verb.SetAction((parsed, _) => BookVerbs.RunAsync(async token =>
        {
            using ILoggerFactory loggers = RoleLog.CreateFactory(LogStyle.Text);
            (string source, string target) = (parsed.GetValue(from)!, parsed.GetValue(to)!);
            if (!IsUrl(source) && !File.Exists(SqliteRecordStore.PathOf(source)))
            {
                Messages.Say($"there is no database in '{source}': nothing was published there yet.");
                return ExitCode.NotFound;
            }
            await using IRecordStore first = Open(parsed, source, access, loggers);
            await using IRecordStore second = Open(parsed, target, access, loggers);
            await HoldAsync(first, source, token);
            await HoldAsync(second, target, token);
            CopiedRecords copied = await RecordCopy.CopyAsync(first, second, token);
            return new VerbAnswer(parsed.GetValue(json)).Print($"copied {copied.Rows} rows from {source} to {target}; "
                + $"{source} is as it was: start no index on it any more",
                ("from", source), ("to", target), ("rows", copied.Rows));
        }));
        return verb;
    }

    private static Option<string> Place(string name, string description)
    {
        Option<string> option = new(name) { Description = description, HelpName = "DIR|URL", Required = true };
        option.Validators.Add(result =>
        {
            string text = result.Tokens.Count > 0 ? result.Tokens[0].Value : "";
            string why = "it is empty";
            if (text.Length == 0 || (IsUrl(text) && RedisAddress.Parse(text, out why) is null))
            {
                result.AddError($"{name}: {why}.");
            }
        });
        return option;
    }

    private static bool IsUrl(string text) => text.Contains("://", StringComparison.Ordinal);

    private static IRecordStore Open(ParseResult parsed, string place, StoreFlags access, ILoggerFactory loggers) =>
        IsUrl(place) ? access.Open(parsed, RedisAddress.Parse(place, out _)!, TimeProvider.System, loggers)
            : new SqliteRecordStore(place);

    // A folder is locked by whoever uses it; where indexes share one, whoever writes holds its lease.
    private static async Task HoldAsync(IRecordStore store, string place, CancellationToken token)
    {
        if (store is not ISharedRecordStore shared) return;
        (IWriterLease? lease, string holder) = await shared.ClaimLeaseAsync("index migrate", token);
        if (lease is not null) return;
        throw new RecordStoreException($"an index runs on {place}, the one at {holder}: end all that do, and wait 5 s");
    }
}
