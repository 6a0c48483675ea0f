using System.Buffers;
using System.Collections.Concurrent;
using MicroCdn.Protocol;
using MicroCdn.Storage;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Content.Publishing;

/// <summary>Tidies the folder of blobs: finds what a crash left, reads anew what lost its list of chunks, and lets go
/// of what has had its time.</summary>
internal sealed partial class BlobSweep(
    ContentOptions options, BlobKeeper blobs, ChunkLists chunks, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(30);

    private readonly DateTimeOffset _began = time.GetUtcNow();
    private readonly ConcurrentDictionary<FileDigest, bool> _missing = [];

    /// <summary>The list of chunks of this root is asked for and not there; whichever blob has it is read
    /// anew.</summary>
    // Each root once: there are no more of them than large blobs.
    public void Miss(FileDigest root) => _missing.TryAdd(root, true);

    /// <summary>Looks through the folder, and then again and again for what is to be done, until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (blobs.IsOpen) await options.InBackground(() => Sweep(cancellationToken)).ConfigureAwait(false);
        while (true)
        {
            await Task.Delay(Look, time, cancellationToken).ConfigureAwait(false);
            if (!blobs.IsOpen) continue;
            await TryAsync(blobs.ExpireAsync).ConfigureAwait(false);
            if (_missing.IsEmpty) continue;
            await options.InBackground(() => ReadMissing(cancellationToken)).ConfigureAwait(false);
        }
    }

    private void Sweep(CancellationToken cancellationToken)
    {
        List<(FileDigest Digest, long Size)> strangers = [];
        HashSet<FileDigest> seen = [];
        try
        {
            blobs.Folder!.Sweep((digest, size) =>
            {
                cancellationToken.ThrowIfCancellationRequested();
                seen.Add(digest);
                if (blobs.Find(digest) is null) strangers.Add((digest, size));
            }, _began, time.GetUtcNow());
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            LogNotSwept(blobs.Folder!.Path, exception.Message);
            return;
        }
        foreach ((FileDigest digest, long size) in strangers) Adopt(digest, size, cancellationToken);
        foreach (Blob blob in blobs.AllBut(seen)) blobs.OpenFile(blob, out _)?.Dispose();
    }

    // Whole and durable, but not written down: it was never said to be here. One that is right is kept for a day.
    private void Adopt(FileDigest digest, long size, CancellationToken cancellationToken)
    {
        using FolderFile? file = blobs.Folder!.OpenFile(digest, out _);
        if (file is null || blobs.Find(digest) is not null) return;
        if (TryRead(file, cancellationToken, out FileDigest read, out FileDigest root) && read == digest)
        {
            TryAsync(() => blobs.AddAsync(new Blob(digest, size, root))).GetAwaiter().GetResult();
        }
        else if (blobs.Find(digest) is null) blobs.Folder!.Delete(digest);
    }

    private void ReadMissing(CancellationToken cancellationToken)
    {
        foreach (FileDigest lost in _missing.Keys)
        {
            _missing.TryRemove(lost, out _);
            if (blobs.WithRoot(lost) is not { } blob) continue;
            using FolderFile? file = blobs.OpenFile(blob, out _);
            if (file is null) continue;
            bool isRead = TryRead(file, cancellationToken, out FileDigest digest, out _);
            if (!isRead || digest == blob.Digest) continue;
            blobs.WithdrawAsync(blob, "its bytes rotted").GetAwaiter().GetResult();
        }
    }

    // Reads a file whole, and keeps the list of its chunks.
    private bool TryRead(
        FolderFile file, CancellationToken cancellationToken, out FileDigest digest, out FileDigest root)
    {
        using FileHashing hashing = new(file.Facts.Size);
        ArrayBufferWriter<byte> list = new();
        byte[] block = new byte[Chunks.Bytes];
        int read;
        while (hashing.Done < file.Facts.Size && (read = file.Read(block, hashing.Done)) > 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
            hashing.Add(block.AsSpan(0, read), list);
        }
        bool isWhole = hashing.Done == file.Facts.Size;
        (digest, root) = hashing.End();
        if (isWhole && list.WrittenCount > 0) chunks.Keep(root, list.WrittenSpan);
        return isWhole;
    }

    private async Task TryAsync(Func<Task> work)
    {
        try
        {
            await work().ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            LogNotSwept(blobs.Folder!.Path, exception.Message);
        }
    }

    [LoggerMessage(4095, LogLevel.Warning, "the published bytes in '{Folder}' cannot be tidied: {Reason}")]
    private partial void LogNotSwept(string folder, string reason);
}
