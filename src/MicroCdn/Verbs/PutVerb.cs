using System.CommandLine;
using System.Globalization;
using MicroCdn.Client;
using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn put</c>: publishes a file, or a folder.</summary>
internal static class PutVerb
{
    public static Command Create()
    {
        Argument<string> file = new("file") { Description = "The file, or folder, to publish.", HelpName = "FILE" };
        Argument<string?> name = FolderFiles.Prefix("name", "The name to publish it under, of a folder what the names "
            + "begin with ('/' for nothing); by default its own.", isNeeded: false);
        Option<bool> isNew = new("--new") { Description = "Refuse when something is published under the name." };
        PutFlags flags = new();
        Command verb = new("put", "Publish files: copies on as many servers as asked, verified, under their names.")
        {
            file, name, isNew,
        };
        flags.AddTo(verb);
        verb.SetAction((parsed, _) => Questions.AskAsync(async token =>
        {
            PutOptions options = flags.Read(parsed) with { IsNew = parsed.GetValue(isNew) };
            int code = await PutAsync(
                parsed.GetValue(file)!, parsed.GetValue(name), options, flags.Publisher(parsed),
                flags.Answer(parsed), token);
            return await flags.ActivateAsync(parsed, code, token);
        }, () => [FolderFiles.Left]));
        return verb;
    }

    /// <summary>What the names of a folder's files begin with.</summary>
    public static string PrefixOf(string path) => path.Length == 0 || path.EndsWith('/') ? path : path + "/";

    private static async Task<int> PutAsync(
        string path, string? wanted, PutOptions options, Publisher publisher, VerbAnswer answer,
        CancellationToken token)
    {
        bool isFolder = Directory.Exists(path);
        string text = wanted ?? Path.GetFileName(Path.GetFullPath(path));
        if (isFolder)
        {
            FolderOptions folder = new(PrefixOf(text), options);
            return await FolderFiles.RunAsync(path, folder, publisher, answer, token);
        }
        // Behind a slash the file keeps its own name.
        if (text.Length == 0 || text.EndsWith('/')) text += Path.GetFileName(path);
        if (!FileName.TryCreate(text, out FileName name))
        {
            Messages.Say($"'{path}' makes no name: say one behind it.");
            return ExitCode.Usage;
        }
        try
        {
            await using FileStream bytes = PlainFile.Open(path);
            long seconds = new DateTimeOffset(File.GetLastWriteTimeUtc(path)).ToUnixTimeSeconds();
            Publication? done = null;
            await ProgressBars.RunAsync(async bars => done = await publisher.PutAsync(name, bytes,
                options with { UnixSeconds = Math.Clamp(seconds, -1, Limits.UnixSeconds) }, bars.Add(name), token));
            string servers = string.Join(", ", done!.Servers);
            string what = options.Release is null ? $"published {name}" : $"staged {name} in {options.Release}";
            return answer.Print(string.Create(CultureInfo.InvariantCulture,
                $"{what} ({done.Size} bytes, revision {done.Revision}) on {servers}"), ("published", name.Value),
                ("release", options.Release), ("size", done.Size), ("revision", done.Revision),
                ("servers", done.Servers));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Messages.Say($"'{path}' cannot be read: {exception.Message}");
            return ExitCode.Failed;
        }
    }
}
