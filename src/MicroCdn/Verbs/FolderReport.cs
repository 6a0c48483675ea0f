using System.Collections.Concurrent;
using System.Globalization;
using MicroCdn.Client;

namespace MicroCdn.Verbs;

/// <summary>What was done with the files of a folder, or would be.</summary>
internal sealed class FolderReport(FolderOptions folder)
{
    private readonly long[] _counts = new long[Enum.GetValues<FolderAct>().Length];
    private readonly ConcurrentQueue<FolderStep> _steps = [];
    private long _bytes;

    /// <summary>How many files were brought.</summary>
    public long Puts => CountOf(FolderAct.Put) + CountOf(FolderAct.Replace);

    /// <summary>How many names are published still, because what the folder has there was not read.</summary>
    public long Left => CountOf(FolderAct.Leave);

    /// <summary>What becomes of what is brought.</summary>
    public string What => folder.Put.Release is null ? "published" : $"staged in {folder.Put.Release}";

    /// <summary>Takes a step; from any thread.</summary>
    public void Add(FolderStep step)
    {
        Interlocked.Increment(ref _counts[(int)step.Act]);
        if (step.Act is FolderAct.Put or FolderAct.Replace) Interlocked.Add(ref _bytes, step.Bytes);
        // Told at the end, by name: a bar that moves would be written over, and files end in no order.
        if (folder.IsDryRun && step.Act is not (FolderAct.Keep or FolderAct.Leave)) _steps.Enqueue(step);
    }

    /// <summary>Prints what a dry run would do, and how much it is in all.</summary>
    public int Print(VerbAnswer answer)
    {
        FolderStep[] steps = [.. _steps.OrderBy(step => step.Name.Value, StringComparer.Ordinal)];
        return answer.Print(Sentences(steps), ("dryRun", folder.IsDryRun), ("release", folder.Put.Release),
            ("published", Puts), ("bytes", Interlocked.Read(ref _bytes)), ("kept", CountOf(FolderAct.Keep)),
            ("removed", CountOf(FolderAct.Remove)),
            ("wouldPut", NamesOf(steps, isRemoved: false)), ("wouldRemove", NamesOf(steps, isRemoved: true)));
    }

    private IEnumerable<string> Sentences(FolderStep[] steps)
    {
        foreach (FolderStep step in steps)
        {
            yield return $"{(step.Act == FolderAct.Remove ? "remove " : "put    ")} {step.Name.Value}";
        }
        string verb = folder.IsDryRun ? "would be " : "";
        string removed = folder.Deletes ? $", {CountOf(FolderAct.Remove)} {verb}removed" : "";
        string size = Table.Size(Interlocked.Read(ref _bytes));
        yield return string.Create(CultureInfo.InvariantCulture, $"{Puts} files ({size}) "
            + $"{verb}{What}, {CountOf(FolderAct.Keep)} were there{removed}");
    }

    private static IEnumerable<string> NamesOf(FolderStep[] steps, bool isRemoved) =>
        steps.Where(step => step.Act == FolderAct.Remove == isRemoved).Select(step => step.Name.Value);

    private long CountOf(FolderAct act) => Interlocked.Read(ref _counts[(int)act]);
}
