using System.Collections.Concurrent;
using MicroCdn.Protocol;

namespace MicroCdn.Client;

/// <summary>Publishes whole folders: what is there already is not brought again.</summary>
/// <remarks>Like moving house with a list: what stands in the new flat already, and is the same, is not carried.
/// Several carry at once, on connections that stay open. Whoever is interrupted begins the same list again.</remarks>
public sealed class FolderPublisher(Publisher publisher)
{
    /// <summary>How many files are on their way at once: a small one waits for disks more than for the line.</summary>
    public const int AtOnce = 32;

    /// <summary>Publishes files, or stages them.</summary>
    /// <param name="files">The files.</param>
    /// <param name="folder">How.</param>
    /// <param name="told">Told of each file what was done, or is to be done; from any thread.</param>
    /// <param name="progress">Told how much is done; from any thread.</param>
    /// <param name="cancellationToken">Gives up; what was published until then is.</param>
    /// <returns>What could not be published, with its reason. Then nothing was removed either.</returns>
    /// <exception cref="CdnException">The index cannot be asked what is published; or what failed would fail for all
    /// other files too. What was published until then is, and nothing was removed.</exception>
    public async Task<IReadOnlyList<(FileName Name, CdnException Why)>> RunAsync(IReadOnlyList<LocalFile> files,
        FolderOptions folder, Action<FolderStep>? told, IProgress<DownloadProgress>? progress,
        CancellationToken cancellationToken)
    {
        await using PublishTalk talk = publisher.Talk();
        Dictionary<FileName, PublishedFile> there =
            await ThereAsync(talk, folder, cancellationToken).ConfigureAwait(false);
        ConcurrentQueue<(FileName, CdnException)> failures = [];
        SemaphoreSlim[] turns = [.. Enumerable.Range(0, 8 * AtOnce).Select(_ => new SemaphoreSlim(1))];
        Tally tally = new(files.Sum(file => file.Size), progress);
        await Parallel.ForEachAsync(files, new ParallelOptions
        {
            MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken,
        }, async (file, token) =>
        {
            try
            {
                PublishedFile? now = there.GetValueOrDefault(file.Name);
                FolderStep step =
                    await PutAsync(talk, file, now, folder, turns, tally, token).ConfigureAwait(false);
                told?.Invoke(step);
            }
            catch (CdnException exception) when (!exception.ConcernsAll)
            {
                failures.Enqueue((file.Name, exception));
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                failures.Enqueue((file.Name, new CdnException(
                    CdnFailure.Refused, $"it cannot be read: {exception.Message}", exception)));
            }
        }).ConfigureAwait(false);
        if (!folder.Deletes || !failures.IsEmpty) return [.. failures];
        // What is new is there before anything goes.
        HashSet<FileName> wanted = [.. files.Select(file => file.Name)];
        HashSet<string> passed = [.. folder.Passed];
        foreach (PublishedFile gone in there.Values.Where(file => !file.Digest.IsNone && !wanted.Contains(file.Name)))
        {
            if (IsAtOrBelow(passed, gone.Name.Value))
            {
                told?.Invoke(new FolderStep(FolderAct.Leave, gone.Name, gone.Size));
                continue;
            }
            if (!folder.IsDryRun) await RemoveAsync(talk, gone, folder, cancellationToken).ConfigureAwait(false);
            told?.Invoke(new FolderStep(FolderAct.Remove, gone.Name, gone.Size));
        }
        return [];
    }

    // What a name shows, or will once the release is active.
    private static async Task<Dictionary<FileName, PublishedFile>> ThereAsync(
        PublishTalk talk, FolderOptions folder, CancellationToken cancellationToken)
    {
        List<PublishedFile> files = folder.Put.Release is not null && !folder.IsDifference ? []
            : await Publisher.ListAsync(talk, folder.Prefix, null, cancellationToken).ConfigureAwait(false);
        Dictionary<FileName, PublishedFile> there = files.ToDictionary(file => file.Name);
        if (folder.Put.Release is not { } release) return there;
        List<PublishedFile> staged =
            await Publisher.ListAsync(talk, folder.Prefix, release, cancellationToken).ConfigureAwait(false);
        foreach (PublishedFile file in staged) there[file.Name] = file;
        return there;
    }

    private static async Task<FolderStep> PutAsync(PublishTalk talk, LocalFile file, PublishedFile? there,
        FolderOptions folder, SemaphoreSlim[] turns, Tally tally, CancellationToken cancellationToken)
    {
        FolderAct act = there is null || there.Digest.IsNone ? FolderAct.Put : FolderAct.Replace;
        await using Stream bytes = file.Open();
        // One of another size is another file, so a dry run need not read it.
        if (folder.IsDryRun && there?.Size != bytes.Length) return new FolderStep(act, file.Name, bytes.Length);
        Upload upload = await Upload.HashAsync(bytes, tally.Of(file.Size), cancellationToken).ConfigureAwait(false);
        if (there is not null && there.Size == upload.Size && there.Digest == upload.Digest)
        {
            act = FolderAct.Keep;
        }
        else if (!folder.IsDryRun)
        {
            PutOptions put = folder.Put with { UnixSeconds = file.UnixSeconds };
            // A server takes one upload of the same bytes at a time.
            SemaphoreSlim turn = turns[(uint)upload.Digest.GetHashCode() % turns.Length];
            await turn.WaitAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                await Publisher.PutAsync(talk, file.Name, upload, put, cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                turn.Release();
            }
        }
        upload.Progress?.Report(new DownloadProgress(file.Size, file.Size, ""));
        return new FolderStep(act, file.Name, upload.Size);
    }

    private static async Task RemoveAsync(
        PublishTalk talk, PublishedFile gone, FolderOptions folder, CancellationToken cancellationToken)
    {
        try
        {
            await Publisher.RemoveAsync(talk, gone, folder.Put.Release, cancellationToken).ConfigureAwait(false);
        }
        catch (CdnException exception) when (!exception.ConcernsAll
            && exception.Failure is (CdnFailure.NotFound or CdnFailure.Refused))
        {
            // Somebody else removed it, or published it anew: then it is his.
        }
    }

    private static bool IsAtOrBelow(HashSet<string> paths, string name)
    {
        if (paths.Count == 0) return false;
        for (int end = name.IndexOf('/', StringComparison.Ordinal); end >= 0;
            end = name.IndexOf('/', end + 1))
        {
            if (paths.Contains(name[..end])) return true;
        }
        return paths.Contains(name);
    }

    // Adds up what the files of a folder tell.
    private sealed class Tally(long size, IProgress<DownloadProgress>? progress)
    {
        private long _done;

        public IProgress<DownloadProgress>? Of(long most) => progress is null ? null : new Part(this, most);

        private sealed class Part(Tally all, long most) : IProgress<DownloadProgress>
        {
            private long _told;

            public void Report(DownloadProgress value)
            {
                long done = Math.Min(value.Done, most);
                all.Add(done - _told);
                _told = done;
            }
        }

        private void Add(long bytes) =>
            progress!.Report(new DownloadProgress(Interlocked.Add(ref _done, bytes), size, ""));
    }
}

/// <summary>A file of a folder that is to be published.</summary>
/// <param name="Name">Under which name.</param>
/// <param name="Open">Opens it for reading; the stream must be one that can seek.</param>
/// <param name="Size">How many bytes it had when it was found.</param>
/// <param name="UnixSeconds">Its last change in seconds since 1970.</param>
public sealed record LocalFile(FileName Name, Func<Stream> Open, long Size, long UnixSeconds);

/// <summary>How a folder is published.</summary>
/// <param name="Prefix">What all names begin with; empty for all names.</param>
/// <param name="Put">How each file is.</param>
public sealed record FolderOptions(string Prefix, PutOptions Put)
{
    /// <summary>Of a release only what differs from what is published is staged.</summary>
    public bool IsDifference { get; init; }

    /// <summary>What is published below the prefix and not among the files is removed, when all files are
    /// there.</summary>
    public bool Deletes { get; init; }

    /// <summary>The names of what is in the folder and was not read, such as links: what is published there, or below,
    /// is not removed.</summary>
    public IReadOnlyCollection<string> Passed { get; init; } = [];

    /// <summary>Nothing is done, only told.</summary>
    public bool IsDryRun { get; init; }
}

/// <summary>What is done with a name.</summary>
public enum FolderAct
{
    /// <summary>It was not published.</summary>
    Put,

    /// <summary>Other bytes were.</summary>
    Replace,

    /// <summary>The same bytes are.</summary>
    Keep,

    /// <summary>It is published no more.</summary>
    Remove,

    /// <summary>It is published still: what the folder has there was not read.</summary>
    Leave,
}

/// <summary>What was done with one name.</summary>
/// <param name="Act">What.</param>
/// <param name="Name">The name.</param>
/// <param name="Bytes">The size of the file.</param>
public sealed record FolderStep(FolderAct Act, FileName Name, long Bytes);
