using System.CommandLine;
using MicroCdn.Client;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn sync</c>: has what is published below a prefix be what is in a folder.</summary>
internal static class SyncVerb
{
    public static Command Create()
    {
        Argument<string> folder = new("folder") { Description = "The folder.", HelpName = "DIR" };
        Argument<string?> prefix = FolderFiles.Prefix("prefix", "What the names begin with; '/' for nothing.",
            isNeeded: true);
        Option<bool> deletes = new("--delete")
        {
            Description = "Remove what is published below the prefix and not in the folder, when all else is there.",
        };
        Option<bool> isDryRun = new("--dry-run") { Description = "Do nothing, and say what would be done." };
        PutFlags flags = new();
        Command verb = new("sync", "Publish what changed in a folder.") { folder, prefix, deletes, isDryRun };
        flags.AddTo(verb);
        verb.SetAction((parsed, _) => Questions.AskAsync(async token =>
        {
            string path = parsed.GetValue(folder)!;
            if (!Directory.Exists(path))
            {
                Messages.Say($"'{path}' is no folder.");
                return ExitCode.Failed;
            }
            int code = await FolderFiles.RunAsync(path, new FolderOptions(
                PutVerb.PrefixOf(parsed.GetValue(prefix)!), flags.Read(parsed))
            {
                IsDifference = true, Deletes = parsed.GetValue(deletes), IsDryRun = parsed.GetValue(isDryRun),
            }, flags.Publisher(parsed), flags.Answer(parsed), token);
            return parsed.GetValue(isDryRun) ? code : await flags.ActivateAsync(parsed, code, token);
        }, () => parsed.GetValue(isDryRun) ? [] : [FolderFiles.Left]));
        return verb;
    }
}
