using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using MicroCdn.Client;
using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Verbs;

/// <summary>A folder that is published: which files it has, under which names, and what came of them.</summary>
internal static class FolderFiles
{
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
        string path, FolderOptions folder, Publisher publisher, CancellationToken token)
    {
        List<LocalFile> files;
        int passed;
        try
        {
            (files, passed) = Find(path, folder.Prefix);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Messages.Say($"'{path}' cannot be read: {exception.Message}");
            return ExitCode.Failed;
        }
        if (passed > 0)
        {
            Messages.Say($"{passed} links, pipes, devices, or files whose names are none for MicroCDN, are passed "
                + "over.");
        }
        long[] counts = new long[4], bytes = new long[4];
        IReadOnlyList<(FileName Name, CdnException Why)> failures = [];
        await ProgressBars.RunAsync(async bars => failures = await new FolderPublisher(publisher).RunAsync(
            files, folder, step =>
            {
                Interlocked.Increment(ref counts[(int)step.Act]);
                Interlocked.Add(ref bytes[(int)step.Act], step.Bytes);
                if (folder.IsDryRun && step.Act != FolderAct.Keep) Say(step);
            }, bars.Add(Label(path)), token));
        foreach ((FileName name, CdnException why) in failures.Take(MostTold))
        {
            Messages.Say($"{name}: {why.Message}");
        }
        if (failures.Count > MostTold) Messages.Say($"and {failures.Count - MostTold} more were not published.");
        long put = counts[(int)FolderAct.Put] + counts[(int)FolderAct.Replace];
        string size = Table.Size(bytes[(int)FolderAct.Put] + bytes[(int)FolderAct.Replace]);
        string verb = folder.IsDryRun ? "would be " : "";
        string what = folder.Put.Release is null ? "published" : $"staged in {folder.Put.Release}";
        string removed = folder.Deletes ? $", {counts[(int)FolderAct.Remove]} {verb}removed" : "";
        int printed = Messages.Print(() => Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{put} files ({size}) {verb}{what}, {counts[(int)FolderAct.Keep]} were there{removed}")));
        if (printed != ExitCode.Done || failures.Count == 0) return printed;
        int[] codes = [.. failures.Select(failure => ExitCode.Of(failure.Why.Failure)).Distinct()];
        return failures.Count == files.Count && codes.Length == 1 ? codes[0] : ExitCode.Partial;
    }

    // Links may lead anywhere, also in circles. What has a name that is no text is not found under it, and passed over
    // like pipes and devices.
    private static (List<LocalFile> Files, int Passed) Find(string path, string prefix)
    {
        string root = Path.GetFullPath(path);
        List<LocalFile> files = [];
        int passed = 0;
        Stack<DirectoryInfo> folders = new([new DirectoryInfo(root)]);
        while (folders.TryPop(out DirectoryInfo? folder))
        {
            foreach (FileSystemInfo entry in folder.EnumerateFileSystemInfos())
            {
                if (entry.LinkTarget is not null) passed++;
                else if (entry is DirectoryInfo inner) folders.Push(inner);
                else if (entry is FileInfo file && PlainFile.Is(file.FullName) && FileName.TryCreate(
                    prefix + Path.GetRelativePath(root, file.FullName), out FileName name))
                {
                    long seconds = new DateTimeOffset(file.LastWriteTimeUtc).ToUnixTimeSeconds();
                    files.Add(new LocalFile(name, () => PlainFile.Open(file.FullName, bufferBytes: 0), file.Length,
                        Math.Clamp(seconds, -1, Limits.UnixSeconds)));
                }
                else passed++;
            }
        }
        files.Sort((one, other) => string.CompareOrdinal(one.Name.Value, other.Name.Value));
        return (files, passed);
    }

    private static void Say(FolderStep step) => Messages.Print(() => Console.WriteLine(
        $"{(step.Act == FolderAct.Remove ? "remove " : "put    ")} {Table.Plain(step.Name.Value)}"));

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
