using System.Buffers;
using System.Collections.Concurrent;
using MicroCdn.Protocol;
using MicroCdn.Storage;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Content;

/// <summary>Computes the digest of every file of the library in the background, one at a time, smallest
/// first.</summary>
/// <remarks>
/// A file that is edited while it is read, or that is not as the library says, is left for later: the watch rings, the
/// scan makes another library of it, and it is read then. What is learnt is remembered and announced about once a
/// second, and at the end.
/// </remarks>
internal sealed partial class DigestKeeper(ContentOptions options, ServedFolder folder, LibraryKeeper keeper,
    ChunkLists chunks, StoreHealth health, TimeProvider time, ILogger logger, Action announce,
    Func<IEnumerable<FileDigest>>? rootsOfBlobs = null)
{
    private static readonly TimeSpan Batch = TimeSpan.FromSeconds(1);

    // Also how long a list is not made anew that was only just made in vain, whoever asks for it.
    private static readonly TimeSpan TryAgain = TimeSpan.FromSeconds(60);

    private readonly DigestMemory _memory = new(options.State, folder, health, logger);
    private readonly Bell _bell = new(time);
    private readonly List<int> _learnt = [];
    private readonly ConcurrentDictionary<FileDigest, bool> _lost = [];
    private readonly ConcurrentDictionary<FileDigest, long> _tried = [];
    private readonly ArrayBufferWriter<byte> _list = new();
    private byte[]? _block;
    private bool _someFailed;

    /// <summary>The library changed: there may be files whose digest is not known.</summary>
    public void Ring() => _bell.Ring();

    /// <summary>The digests of the chunks with this root are needed and not there: whatever file has it is read
    /// anew, at most once a minute.</summary>
    public void Miss(FileDigest root)
    {
        if (_tried.TryGetValue(root, out long tried) && time.GetElapsedTime(tried) < TryAgain) return;
        // Each root once: there are no more of them than large files.
        if (_lost.TryAdd(root, true)) Ring();
    }

    /// <summary>Takes over what was remembered of the first library.</summary>
    public Task StartAsync() => options.InBackground(() =>
    {
        Library library = keeper.Library;
        Recall(library);
        _memory.CompactIfWorth(library);
        chunks.Tidy(library, rootsOfBlobs?.Invoke() ?? []);
    });

    /// <summary>Computes what is not known whenever the library changed, until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await options.InBackground(() => Work(cancellationToken)).ConfigureAwait(false);
            // What could not be read may be readable later without any change that the watch would see.
            TimeSpan wait = _someFailed ? TryAgain : Timeout.InfiniteTimeSpan;
            await _bell.WaitAsync(wait, cancellationToken).ConfigureAwait(false);
        }
    }

    private void Work(CancellationToken cancellationToken)
    {
        long began = time.GetTimestamp();
        int count = 0;
        Library library;
        do
        {
            library = keeper.Library;
            count += Work(library, cancellationToken);
        }
        while (library != keeper.Library);
        _memory.CompactIfWorth(library);
        _block = null;
        // Whoever needs what could not be read asks again.
        _lost.Clear();
        foreach ((FileDigest root, long tried) in _tried)
        {
            if (time.GetElapsedTime(tried) >= TryAgain) _tried.TryRemove(root, out _);
        }
        if (count > 0) LogComputed(count, time.GetElapsedTime(began).TotalSeconds);
    }

    // Ends early when there is another library.
    private int Work(Library library, CancellationToken cancellationToken)
    {
        List<int> unknown = Unknown(library);
        // Files that come back in masses, such as those of a disk that was away, may be remembered.
        if (unknown.Sum(number => (double)library.FactsOf(number).Size) > _memory.Length && Recall(library) > 0)
        {
            announce();
            unknown = Unknown(library);
        }
        unknown.Sort((one, other) => library.FactsOf(one).Size.CompareTo(library.FactsOf(other).Size));
        _someFailed = false;
        int count = 0;
        long since = time.GetTimestamp();
        foreach (int number in unknown)
        {
            if (library != keeper.Library) break;
            FileDigest lost = library.ChunkRootOf(number);
            if (!TryCompute(library, number, cancellationToken)) _someFailed = true;
            else count++;
            // Whatever came of it: a file that cannot be read to its end is no reason to read it on and on either.
            if (!lost.IsNone) _tried[lost] = time.GetTimestamp();
            if (time.GetElapsedTime(since) < Batch) continue;
            Tell(library);
            since = time.GetTimestamp();
        }
        Tell(library);
        return count;
    }

    private List<int> Unknown(Library library)
    {
        List<int> unknown = [];
        for (int number = 0; number < library.Count; number++)
        {
            if (!library.TryDigest(number, out _)) unknown.Add(number);
            else if (!_lost.IsEmpty && _lost.ContainsKey(library.ChunkRootOf(number))) unknown.Add(number);
        }
        return unknown;
    }

    private int Recall(Library library) =>
        _memory.Recall(library, (number, digest, root) => keeper.Learn(library, number, digest, root));

    private void Tell(Library library)
    {
        if (_learnt.Count == 0) return;
        _memory.Add(library, _learnt);
        _learnt.Clear();
        announce();
    }

    private bool TryCompute(Library library, int number, CancellationToken cancellationToken)
    {
        FileName.TryCreate(library.NameOf(number), out FileName name);
        using FolderFile? file = folder.Open(name, out _);
        if (file is null || file.Facts != library.FactsOf(number)) return false;
        using FileHashing hashing = new(file.Facts.Size);
        _list.ResetWrittenCount();
        while (hashing.Done < file.Facts.Size)
        {
            cancellationToken.ThrowIfCancellationRequested();
            _block ??= new byte[Chunks.Bytes];
            int length = file.Read(_block, hashing.Done);
            if (length == 0) return false;
            hashing.Add(_block.AsSpan(0, length), _list);
            Thread.Yield();
        }
        (FileDigest digest, FileDigest root) = hashing.End();
        if (hashing.Done != file.Facts.Size || !file.IsUnchanged()) return false;
        if (_list.WrittenCount > 0 && !chunks.Keep(root, _list.WrittenSpan)) _tried[root] = time.GetTimestamp();
        Learn(library, number, digest, root);
        return true;
    }

    private void Learn(Library library, int number, FileDigest digest, FileDigest root)
    {
        if (library.TryDigest(number, out ReadOnlySpan<byte> known))
        {
            // Read anew for its list of chunks, though its digest is known. One that is another now has rotted.
            if (new FileDigest(known) != digest) keeper.Withdraw(library, [number]);
            return;
        }
        Span<byte> bytes = stackalloc byte[FileDigest.Length];
        digest.CopyTo(bytes);
        keeper.Learn(library, number, bytes, root);
        _learnt.Add(number);
    }

    [LoggerMessage(4032, LogLevel.Information, "computed {Count} digests in {Seconds:F1} s")]
    private partial void LogComputed(int count, double seconds);
}
