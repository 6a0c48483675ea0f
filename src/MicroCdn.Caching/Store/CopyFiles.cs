using System.Buffers;
using System.IO.Hashing;
using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Caching.Store;

/// <summary>Writes copies into files and reads them back. It waits for the disk, and is called from the pool
/// alone.</summary>
internal sealed class CopyFiles(CopyFolder folder, Numbers numbers)
{
    /// <summary>The longest body that is read with its head.</summary>
    public const int SmallBytes = 256 * 1024;

    // Front and body of what is usual, in one read.
    private const int FirstBytes = 16 * 1024;
    private const int BlockBytes = 256 * 1024;

    // A tail is written anew past this, or past twice of what it came to when it was, or past a part of the body, which
    // is written anew with it; a longer body never is.
    private const long LeastTail = 64 * 1024, MostTail = 8 * 1024 * 1024, MostAnew = 64 * 1024 * 1024;
    private const int TailShare = 4;

    /// <summary>Writes a copy whose body is in memory and gives it its name.</summary>
    /// <exception cref="IOException">The disk refused.</exception>
    public void Write(Entry entry, CopyFront front, ReadOnlySpan<Segment> segments)
    {
        long number = numbers.BeginWrite();
        CopyPart? part = null;
        try
        {
            part = folder.Create();
            ByteRange first = segments.Length == 0 ? default : RangeOf(segments[0]);
            ulong check = segments.Length == 0 ? XxHash3.HashToUInt64([]) : XxHash3.HashToUInt64(segments[0].Bytes);
            byte[] bytes = (front with { Written = number, Part = first, PartCheck = check }).Write();
            bool isWhole = first.Length == front.Length;
            part.File.Write(isWhole && segments.Length > 0 ? [.. bytes, .. segments[0].Bytes] : bytes, 0);
            long tail = front.TailOffset;
            for (int n = 0; n < segments.Length && !isWhole; n++)
            {
                part.File.Write(segments[n].Bytes, front.BodyOffset + segments[n].Offset);
                if (n == 0) continue;
                byte[] record = CopyRecord.OfPart(numbers.Next(), RangeOf(segments[n]),
                    XxHash3.HashToUInt64(segments[n].Bytes)).Write();
                part.File.Write(record, tail);
                tail += record.Length;
            }
            folder.Place(part, CopyId.ShelfOf(entry.Id), CopyId.NameOf(entry.Id, entry.Sequence));
        }
        catch
        {
            if (part is not null) CopyFolder.Delete(part);
            throw;
        }
        finally
        {
            numbers.EndWrite(number);
            part?.File.Release();
        }
    }

    /// <summary>Finishes a part whose body is written, and gives it its name.</summary>
    /// <exception cref="IOException">The disk refused.</exception>
    public void Finish(Entry entry, CopyPart part, CopyFront front)
    {
        long number = numbers.BeginWrite();
        try
        {
            part.File.Write((front with { Written = number }).Write(), 0);
            folder.Place(part, CopyId.ShelfOf(entry.Id), CopyId.NameOf(entry.Id, entry.Sequence));
        }
        finally
        {
            numbers.EndWrite(number);
        }
    }

    /// <summary>Adds a record to a copy's file. One thread at a time for one copy.</summary>
    /// <exception cref="IOException">The disk refused.</exception>
    public void Append(Copy copy, SharedFile file, Func<long, CopyRecord> make)
    {
        long number = numbers.BeginWrite();
        try
        {
            byte[] record = make(number).Write();
            long tail = copy.BodyOffset + copy.Length;
            if (copy.TailLength + record.Length > MostTail) throw new IOException("the tail of a copy is too long");
            file.Write(record, tail + copy.TailLength);
            copy.TailLength += record.Length;
        }
        finally
        {
            numbers.EndWrite(number);
        }
    }

    /// <summary>True when a copy's file should be written anew, without the heads that were replaced, before more is
    /// added. One that lacks parts never is: they may be on their way into it.</summary>
    public static bool HasLongTail(Copy copy) => copy.IsComplete && copy.Length <= MostAnew
        && copy.TailLength > Math.Max(LeastTail, Math.Max(2 * copy.SnapshotLength, copy.Length / TailShare));

    /// <summary>Writes a copy's file anew, and puts it in place of the old one when it is durable: of what is written
    /// over in place a power cut may leave either page, and the head of long ago would count again.</summary>
    /// <exception cref="IOException">The disk refused.</exception>
    public void WriteAnew(Copy copy, SharedFile file)
    {
        CopyFront front = ReadFront(file, ReadFirst(file)) ?? throw new IOException("a copy lost its front");
        byte[] tail = new byte[copy.TailLength];
        file.Read(tail, front.TailOffset);
        List<CopyRecord> records = CopyRecord.ReadAll(tail, front, out _);
        int lastHead = records.FindLastIndex(record => record.Head is not null);
        long number = numbers.BeginWrite();
        CopyPart? part = null;
        try
        {
            part = folder.Create();
            part.File.Write((front with { Written = number }).Write(), 0);
            Transfer(file, part.File, front.BodyOffset, front.TailOffset);
            byte[] kept = [.. records.Where((record, at) => record.Head is null || at == lastHead)
                .SelectMany(record => (record with { Written = numbers.Next() }).Write())];
            part.File.Write(kept, front.TailOffset);
            folder.PlaceDurable(part, CopyId.ShelfOf(copy.Entry.Id), CopyId.NameOf(copy.Entry.Id, copy.Entry.Sequence));
            copy.TailLength = copy.SnapshotLength = kept.Length;
        }
        catch
        {
            if (part is not null) CopyFolder.Delete(part);
            throw;
        }
        finally
        {
            numbers.EndWrite(number);
            part?.File.Release();
        }
    }

    private static void Transfer(SharedFile from, SharedFile to, long start, long end)
    {
        byte[] block = ArrayPool<byte>.Shared.Rent(BlockBytes);
        for (long at = start; at < end;)
        {
            Span<byte> wanted = block.AsSpan(0, (int)Math.Min(BlockBytes, end - at));
            if (from.Read(wanted, at) != wanted.Length) throw new IOException("a copy's file is short");
            to.Write(wanted, at);
            at += wanted.Length;
        }
        ArrayPool<byte>.Shared.Return(block);
    }

    /// <summary>Reads a copy; null when it is gone, damaged, or of another key.</summary>
    /// <param name="store">Whose it is.</param>
    /// <param name="entry">Which one.</param>
    /// <param name="key">The key that is wanted; null for whatever it is.</param>
    /// <param name="withBody">True to read a small body too.</param>
    /// <param name="isDamaged">True when its file should be deleted.</param>
    public Copy? Load(CacheStore store, Entry entry, CacheKey? key, bool withBody, out bool isDamaged)
    {
        (int shelf, string name) = (CopyId.ShelfOf(entry.Id), CopyId.NameOf(entry.Id, entry.Sequence));
        SharedFile? file = folder.Open(shelf, name);
        // Without descriptors left it is there all the same.
        isDamaged = file is null && !folder.Has(shelf, name);
        if (file is null) return null;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(FirstBytes);
        try
        {
            int read = file.Read(buffer.AsSpan(0, FirstBytes), 0);
            CopyFront? front = ReadFront(file, buffer.AsSpan(0, read));
            if (front is not null && key is { } wanted && front.Key != wanted.Text) return null;
            Copy? copy = front is null ? null : Assemble(store, entry, front, file);
            isDamaged = copy is null || (withBody && !TryReadBody(copy, file, front!));
            return isDamaged ? null : copy;
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            // What cannot be read is no copy, and what reads as nonsense under a sound check was never one.
            isDamaged = true;
            return null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            file.Release();
        }
    }

    private static ByteRange RangeOf(Segment segment) => new(segment.Offset, segment.Bytes.Length);

    private static CopyFront? ReadFront(SharedFile file, ReadOnlySpan<byte> first)
    {
        int length = CopyFront.LengthOf(first);
        if (length <= first.Length) return length == 0 ? null : CopyFront.Read(first);
        byte[] whole = new byte[length];
        return file.Read(whole, 0) == length ? CopyFront.Read(whole) : null;
    }

    private Copy? Assemble(CacheStore store, Entry entry, CopyFront front, SharedFile file)
    {
        long tailLength = Math.Min(file.Length - front.TailOffset, MostTail);
        byte[] tail = tailLength > 0 ? new byte[tailLength] : [];
        int read = file.Read(tail, front.TailOffset);
        byte[] head = front.Head;
        long sequence = front.Sequence;
        ByteSet present = ByteSet.Empty;
        if (!Take(front.Part, front.PartCheck, front.Written)) return null;
        List<CopyRecord> records = CopyRecord.ReadAll(tail.AsSpan(0, read), front, out int end);
        foreach (CopyRecord record in records)
        {
            if (record.Head is null) Take(record.Part, record.PartCheck, record.Written);
            else (head, sequence) = (record.Head, record.Sequence);
        }
        // A negative number is one that a soft purge found.
        CopyState state = new(StoredHead.Read(head), Math.Abs(sequence), present) { IsSoftPurged = sequence < 0 };
        return new Copy(store, entry, new CacheKey(front.Key), state, front.Length, front.BodyOffset)
        {
            TailLength = end,
        };

        // A part that does not lie within the file, or is in doubt and not what was written, is not there.
        bool Take(ByteRange part, ulong check, long written)
        {
            if (file.Length < front.BodyOffset + part.End) return false;
            if (numbers.IsDoubtful(written) && CheckOf(file, front.BodyOffset, part) != check) return false;
            return present.TryAdd(part, out present);
        }
    }

    // A body that is read anyway is checked too, though only what is in doubt must be.
    private static bool TryReadBody(Copy copy, SharedFile file, CopyFront front)
    {
        if (!copy.IsComplete || copy.Length is 0 or > SmallBytes) return true;
        byte[] body = new byte[copy.Length];
        if (file.Read(body, copy.BodyOffset) != body.Length) return false;
        if (front.Part.Length == body.Length && XxHash3.HashToUInt64(body) != front.PartCheck) return false;
        copy.Hold(new Segment(0, body));
        return true;
    }

    private static ulong CheckOf(SharedFile file, long bodyOffset, ByteRange part)
    {
        XxHash3 check = new();
        byte[] block = ArrayPool<byte>.Shared.Rent(BlockBytes);
        for (long at = part.Offset; at < part.End;)
        {
            int wanted = (int)Math.Min(BlockBytes, part.End - at);
            int read = file.Read(block.AsSpan(0, wanted), bodyOffset + at);
            check.Append(block.AsSpan(0, read));
            if (read < wanted) break;
            at += read;
        }
        ArrayPool<byte>.Shared.Return(block);
        return check.GetCurrentHashAsUInt64();
    }

    private static byte[] ReadFirst(SharedFile file)
    {
        byte[] first = new byte[FirstBytes];
        return first[..file.Read(first, 0)];
    }
}
