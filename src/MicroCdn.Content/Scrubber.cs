using MicroCdn.Content.Publishing;
using MicroCdn.Protocol;
using MicroCdn.Storage;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Content;

/// <summary>Reads the whole library again in the background, at a bounded rate, and withdraws every file that
/// rotted.</summary>
/// <remarks>
/// A disk may return other bytes than were written to it, and say nothing. A file with the same size, time and inode
/// whose bytes are no longer those of its digest has rotted: it leaves the library, and with that the catalog of every
/// index, at once. One that was edited is another revision, and none of this room's business. What was published is
/// read too; nobody edits that, so what is not as it should be has rotted.
/// </remarks>
internal sealed partial class Scrubber(ContentOptions options, ServedFolder folder, LibraryKeeper keeper,
    BlobKeeper? blobs, ScrubPosition position, TimeProvider time, ILogger logger) : IDisposable
{
    // What opening a file costs the disk, in bytes that it could have read meanwhile.
    private const int OpeningBytes = 16 * 1024;
    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Batch = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan WriteDown = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LongestWait = TimeSpan.FromHours(1);

    private readonly List<int> _rotten = [];
    private readonly HashSet<string> _done = [];
    private Queue<int> _left = [];
    private Queue<Blob> _blobsLeft = [];
    private Blob? _blob;
    private Library _library = Library.Empty;
    private RotCheck? _check;
    private int _number;
    private byte[]? _block;
    private long _withdrawn;
    private long _files;
    private long _found;

    /// <summary>Reads and waits, until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (options.ScrubRate == 0) return;
        position.Recall();
        // Until its first pass a new server has just read everything anyway.
        if (position.Begins is null) position.Set(0, time.GetUtcNow() + options.ScrubInterval);
        while (true)
        {
            await WaitAsync(position.Begins!.Value, cancellationToken).ConfigureAwait(false);
            await PassAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public void Dispose() => _check?.Dispose();

    private async Task WaitAsync(DateTimeOffset until, CancellationToken cancellationToken)
    {
        // The wall clock may be set; a clock that was far ahead must not keep us waiting for a year.
        if (until > time.GetUtcNow() + options.ScrubInterval) until = time.GetUtcNow() + options.ScrubInterval;
        while (until - time.GetUtcNow() is var left && left > TimeSpan.Zero)
        {
            await Task.Delay(left < LongestWait ? left : LongestWait, time, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task PassAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset began = position.Part == 0 ? time.GetUtcNow() : position.Begins!.Value;
        (_files, _found) = (0, 0);
        long written = time.GetTimestamp();
        for (int part = position.Part; part < ScrubPosition.Parts; part++)
        {
            await PartAsync(part, cancellationToken).ConfigureAwait(false);
            if (time.GetElapsedTime(written) < WriteDown) continue;
            written = time.GetTimestamp();
            await options.InBackground(() => position.Set(part + 1, began)).ConfigureAwait(false);
        }
        _block = null;
        if (_files > 0) LogPass(_files, _found);
        await options.InBackground(() => position.Set(0, began + options.ScrubInterval)).ConfigureAwait(false);
    }

    private async Task PartAsync(int part, CancellationToken cancellationToken)
    {
        _done.Clear();
        _library = Library.Empty;
        _blobsLeft = new Queue<Blob>(blobs?.OfPart(part) ?? []);
        bool more = true;
        while (more)
        {
            long began = time.GetTimestamp();
            long bytes = 0;
            await options.InBackground(() => more = Work(part, out bytes, cancellationToken)).ConfigureAwait(false);
            TimeSpan due = TimeSpan.FromSeconds((double)bytes / options.ScrubRate);
            TimeSpan left = due - time.GetElapsedTime(began);
            if (left > TimeSpan.Zero) await Task.Delay(left, time, cancellationToken).ConfigureAwait(false);
        }
    }

    // Reads for one slice of time, or less; false when the part is through.
    private bool Work(int part, out long bytes, CancellationToken cancellationToken)
    {
        long budget = Math.Max(1, (long)(options.ScrubRate * Slice.TotalSeconds));
        bytes = 0;
        while (bytes < budget)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (_check is null && !TryNext(part, ref bytes))
            {
                Withdraw();
                return false;
            }
            if (_check is null) continue;
            bytes += _check.Step(_block ??= new byte[Chunks.Bytes]);
            if (_check.Verdict != RotVerdict.Open) End();
        }
        // Each time the whole library is made anew: on a dying disk not for every file.
        if (time.GetElapsedTime(_withdrawn) >= Batch) Withdraw();
        return true;
    }

    // Opens the next file of the part; false when there is none. One that cannot be opened as it should be is left to
    // the scan.
    private bool TryNext(int part, ref long bytes)
    {
        Library now = keeper.Library;
        if (now != _library)
        {
            Withdraw();
            Collect(keeper.Library, part);
        }
        if (!_left.TryDequeue(out _number)) return TryNextBlob(ref bytes);
        FileName.TryCreate(_library.NameOf(_number), out FileName name);
        if (!_library.TryDigest(_number, out ReadOnlySpan<byte> digest)) return true;
        bytes += OpeningBytes;
        FolderFile? file = folder.Open(name, out _);
        if (file is not null && file.Facts == _library.FactsOf(_number))
        {
            _check = new RotCheck(file, new FileDigest(digest));
        }
        else file?.Dispose();
        return true;
    }

    private bool TryNextBlob(ref long bytes)
    {
        if (!_blobsLeft.TryDequeue(out _blob)) return false;
        bytes += OpeningBytes;
        if (blobs!.OpenFile(_blob, out _) is { } file) _check = new RotCheck(file, _blob.Digest);
        else _blob = null;
        return true;
    }

    private void Collect(Library library, int part)
    {
        _library = library;
        _left = [];
        for (int number = 0; number < library.Count; number++)
        {
            if (ScrubPosition.PartOf(library.NameOf(number)) != part) continue;
            FileName.TryCreate(library.NameOf(number), out FileName name);
            if (!_done.Contains(name.Value)) _left.Enqueue(number);
        }
    }

    private void End()
    {
        if (_blob is { } blob)
        {
            EndBlob(blob);
            return;
        }
        FileName.TryCreate(_library.NameOf(_number), out FileName name);
        _done.Add(name.Value);
        _files++;
        if (_check!.Verdict == RotVerdict.Wrong)
        {
            _found++;
            _rotten.Add(_number);
        }
        else if (_check.Verdict == RotVerdict.RightTheSecondTime) LogFlip(name);
        _check.Dispose();
        _check = null;
    }

    private void EndBlob(Blob blob)
    {
        _files++;
        if (_check!.Verdict is RotVerdict.Wrong or RotVerdict.Edited)
        {
            _found++;
            _ = blobs!.WithdrawAsync(blob, "its bytes rotted");
        }
        else if (_check.Verdict == RotVerdict.RightTheSecondTime) LogBlobFlip(blob.Digest);
        _check.Dispose();
        (_check, _blob) = (null, null);
    }

    private void Withdraw()
    {
        if (_rotten.Count == 0) return;
        keeper.Withdraw(_library, _rotten);
        _rotten.Clear();
        _withdrawn = time.GetTimestamp();
    }

    [LoggerMessage(4061, LogLevel.Error, "'{Name}' was read wrong once and right when it was read again from the disk: "
        + "look at this machine's memory")]
    private partial void LogFlip(FileName name);

    [LoggerMessage(4063, LogLevel.Error, "the published bytes {Digest} were read wrong once and right when they were "
        + "read again from the disk: look at this machine's memory")]
    private partial void LogBlobFlip(FileDigest digest);

    [LoggerMessage(4062, LogLevel.Information, "read {Files} files again: {Found} had rotted")]
    private partial void LogPass(long files, long found);
}
