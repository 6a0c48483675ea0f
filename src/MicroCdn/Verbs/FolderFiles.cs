using System.CommandLine;
using System.CommandLine.Parsing;
using MicroCdn.Client;
using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Verbs;

/// <summary>A folder that is published: which files it has, under which names, and what came of them.</summary>
internal static class FolderFiles
{
    /// <summary>What is there when somebody interrupts.</summary>
    public const string Left = "interrupted; what was published stays, what was brought of the rest is kept for a day, "
        + "and the same command goes on from there";

    // What is told of what went wrong one by one.
    private const int MostTold = 10;

    /// <summary>What names begin with, as an argument: a path, with or without a slash behind it; '/' for
    /// none.</summary>
    public static Argument<string?> Prefix(string name, string description, bool isNeeded) => new(name)
    {
        Description = description,
        HelpName = name.ToUpperInvariant(),
        Arity = isNeeded ? ArgumentArity.ExactlyOne : ArgumentArity.ZeroOrOne,
        CustomParser = result => result.Tokens.Count == 0 ? null : ReadPath(result, name),
    };

    /// <summary>Publishes a folder and says what came of it.</summary>
    public static async Task<int> RunAsync(
        string path, FolderOptions folder, Publisher publisher, VerbAnswer answer, CancellationToken token)
    {
        List<LocalFile> files;
        List<string> passed;
        try
        {
            (files, passed) = Find(path, folder.Prefix);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Messages.Say($"'{path}' cannot be read: {exception.Message}");
            return ExitCode.Failed;
        }
        if (passed.Count > 0)
        {
            Messages.Say($"{passed.Count} links, pipes, devices, or files whose names are none for MicroCDN, are "
                + "passed over.");
        }
        FolderReport report = new(folder);
        IReadOnlyList<(FileName Name, CdnException Why)> failures = [];
        try
        {
            await ProgressBars.RunAsync(async bars => failures = await new FolderPublisher(publisher).RunAsync(
                files, folder with { Passed = passed }, report.Add, bars.Add(Label(path)), token));
        }
        catch (CdnException exception) when (report.Puts > 0 && !folder.IsDryRun)
        {
            Messages.Say(exception.Message);
            Messages.Say($"{report.Puts} files were {report.What} until then; the same command goes on.");
            return ExitCode.Of(exception.Failure);
        }
        foreach ((FileName name, CdnException why) in failures.Take(MostTold))
        {
            Messages.Say($"{name}: {why.Message}");
        }
        if (failures.Count > MostTold) Messages.Say($"and {failures.Count - MostTold} more were not published.");
        if (report.Left > 0)
        {
            Messages.Say($"{report.Left} published names are not removed: the folder has something there that is "
                + "passed over, or cannot be read.");
        }
        int printed = report.Print(answer);
        if (printed != ExitCode.Done) return printed;
        if (failures.Count == 0) return report.Left > 0 ? ExitCode.Partial : ExitCode.Done;
        int[] codes = [.. failures.Select(failure => ExitCode.Of(failure.Why.Failure)).Distinct()];
        return failures.Count == files.Count && codes.Length == 1 ? codes[0] : ExitCode.Partial;
    }

    // Links may lead anywhere, also in circles. What has a name that is no text is not found under it, and passed over
    // like pipes and devices, and like what cannot be looked at.
    private static (List<LocalFile> Files, List<string> Passed) Find(string path, string prefix)
    {
        string root = Path.GetFullPath(path);
        List<LocalFile> files = [];
        List<string> passed = [];
        Stack<DirectoryInfo> folders = new([new DirectoryInfo(root)]);
        while (folders.TryPop(out DirectoryInfo? folder))
        {
            foreach (FileSystemInfo entry in folder.EnumerateFileSystemInfos())
            {
                string place = prefix + Path.GetRelativePath(root, entry.FullName)
                    .Replace(Path.DirectorySeparatorChar, '/');
                if (entry.LinkTarget is not null) passed.Add(place);
                else if (entry is DirectoryInfo inner) folders.Push(inner);
                else if (entry is FileInfo file && PlainFile.Is(file.FullName)
                    && FileName.TryCreate(place, out FileName name))
                {
                    long seconds = new DateTimeOffset(file.LastWriteTimeUtc).ToUnixTimeSeconds();
                    files.Add(new LocalFile(name, () => PlainFile.Open(file.FullName, bufferBytes: 0), file.Length,
                        Math.Clamp(seconds, -1, Limits.UnixSeconds)));
                }
                else passed.Add(place);
            }
        }
        files.Sort((one, other) => string.CompareOrdinal(one.Name.Value, other.Name.Value));
        return (files, passed);
    }

    private static FileName Label(string path) =>
        FileName.TryCreate(Path.GetFileName(Path.GetFullPath(path)), out FileName name)
            || FileName.TryCreate("files", out name) ? name : default;

    private static string? ReadPath(ArgumentResult result, string name)
    {
        string text = result.Tokens[0].Value;
        if (text == "/") return "";
        bool isFolder = text.EndsWith('/');
        if (FileName.TryCreate(text.TrimEnd('/'), out FileName path)) return path + (isFolder ? "/" : "");
        result.AddError($"{name} wants a relative path without '..', at most 1,024 bytes, not '{Table.Word(text)}'.");
        return null;
    }
}
