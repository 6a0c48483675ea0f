using System.Buffers;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Content.Publishing;

/// <summary>One STORE: says how much of the bytes is here, takes the rest, verifies all, and answers when they are
/// durable.</summary>
/// <remarks>It runs on the pool; only the waiting for the disk at both ends has a thread of its own. What came of a
/// long upload that breaks off is kept, a mebibyte at a time, for the next one.</remarks>
internal sealed class Upload(Uploads uploads, string put, FileDigest digest, long size, FileDigest root, Answer answer)
{
    // Asked for by the pool, and from then on expected by the connection, on its own thread.
    private volatile IncomingBytes? _asked, _incoming;
    private volatile bool _isOver;

    /// <summary>The bytes that are to come; null before they were asked for, and once they are all here.</summary>
    public IncomingBytes? Incoming => _incoming;

    /// <summary>Hears that the peer left.</summary>
    public void Leave()
    {
        _isOver = true;
        _asked?.End();
    }

    /// <summary>Does it all. The answer waits already.</summary>
    public async Task RunAsync()
    {
        WireError? error;
        try
        {
            error = await StoreAsync().ConfigureAwait(false);
        }
        catch (BusyFileException)
        {
            error = WireErrors.Busy;
        }
        catch (DiskFullException)
        {
            error = WireErrors.DiskFull;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            if (!_isOver) uploads.Report(put, digest, exception.Message);
            error = WireErrors.Unavailable;
        }
        finally
        {
            uploads.End();
        }
        if (error is not null && _asked?.TryRefuse(error) == true) return;
        ReadOnlyMemory<byte> text = error?.Line ?? "OK STORED\n"u8.ToArray();
        answer.Complete(later =>
        {
            _incoming = null;
            later.Write(text.Span);
        });
    }

    private async Task<WireError?> StoreAsync()
    {
        BlobKeeper blobs = uploads.Blobs;
        if (!blobs.IsOpen) return WireErrors.Unavailable;
        if (blobs.Find(digest) is { } known && await blobs.KeepAsync(digest).ConfigureAwait(false))
        {
            if (known.Size != size || (!root.IsNone && known.Root != root)) return WireErrors.Mismatch;
            uploads.Stored(put, known);
            return null;
        }
        if (!blobs.TryReserve(size)) return WireErrors.DiskFull;
        try
        {
            BlobPart? begun = null;
            await blobs.AtDisk(() => begun = blobs.Folder!.Begin(digest, size)).ConfigureAwait(false);
            using BlobPart part = begun!;
            part.Keep = true;
            (bool isRight, Blob blob) = await ReceiveAsync(part).ConfigureAwait(false);
            // What is wrong is of no use to a next try either.
            part.Keep = isRight;
            if (!isRight) return WireErrors.Mismatch;
            await blobs.AtDisk(part.Commit).ConfigureAwait(false);
            await blobs.AddAsync(blob).ConfigureAwait(false);
            uploads.Stored(put, blob);
            return null;
        }
        finally
        {
            blobs.Unreserve(size);
        }
    }

    private async Task<(bool IsRight, Blob Blob)> ReceiveAsync(BlobPart part)
    {
        using FileHashing hashing = new(size);
        ArrayBufferWriter<byte> list = new();
        byte[] block = ArrayPool<byte>.Shared.Rent((int)Math.Clamp(size, 1, Chunks.Bytes));
        try
        {
            int chunk = Recall(part, hashing, list, block);
            if (hashing.Done < size) Ask(hashing.Done);
            for (; hashing.Done < size; chunk++)
            {
                Memory<byte> bytes = block.AsMemory(0, Chunks.LengthOf(size, chunk));
                await _asked!.FillAsync(bytes).ConfigureAwait(false);
                part.Write(chunk, bytes.Span);
                hashing.Add(bytes.Span, list);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
        (FileDigest came, FileDigest cameRoot) = hashing.End();
        bool isRight = came == digest && (root.IsNone || root == cameRoot);
        if (isRight && list.WrittenCount > 0) uploads.Chunks.Keep(cameRoot, list.WrittenSpan);
        return (isRight, new Blob(digest, size, cameRoot));
    }

    // What an earlier upload left is a claim; whether it is right shows at the end, by the digest of all.
    private int Recall(BlobPart part, FileHashing hashing, ArrayBufferWriter<byte> list, byte[] block)
    {
        int chunk = 0;
        for (; chunk < part.Claimed; chunk++)
        {
            Span<byte> bytes = block.AsSpan(0, Chunks.LengthOf(size, chunk));
            if (part.Read(chunk, bytes) != bytes.Length) break;
            hashing.Add(bytes, list);
        }
        return chunk;
    }

    private void Ask(long offset)
    {
        IncomingBytes incoming = _asked = new(size - offset, answer.Wake);
        if (_isOver) incoming.End();
        answer.Complete(later =>
        {
            _incoming = incoming;
            later.Write("SEND "u8);
            later.WriteNumber(offset);
            later.Write("\n"u8);
        });
    }
}
