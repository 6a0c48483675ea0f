using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;
using Microsoft.Win32.SafeHandles;

namespace MicroCdn.Storage;

/// <summary>A file of small records, each durable before <see cref="Append"/> returns.</summary>
/// <remarks>A record is its length, its bytes and a check of both, so that what a kill or a power cut tore is told from
/// a record; reading ends there, and the next one that is added takes its place.</remarks>
/// <param name="path">Where it is.</param>
/// <param name="health">Whether the store that it belongs to may be written; null when it belongs to none.</param>
/// <param name="mostBytes">The longest file that is read: twice of what its user may keep in it.</param>
public sealed class RecordLog(string path, StoreHealth? health, long mostBytes = 256L * 1024 * 1024)
{
    /// <summary>The longest record in bytes.</summary>
    public const int RecordBytes = 16 * 1024;

    private const int Around = 4 + 8;
    private const int BlockBytes = 1 << 20;

    private long _end;

    /// <summary>Its length in bytes, as far as it was read or written.</summary>
    public long Length => _end;

    /// <summary>True when something that is no record follows those that were read: a torn one, or the end of a file
    /// that was damaged.</summary>
    public bool IsCut { get; private set; }

    /// <summary>Visits every sound record, from the first; none when there is no file.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public void Read(Action<byte[]> visit)
    {
        IsCut = false;
        _end = 0;
        FileInfo file = new(path);
        if (!file.Exists) return;
        if (file.Length <= mostBytes) ReadSound(visit);
        IsCut = file.Length > _end;
    }

    private void ReadSound(Action<byte[]> visit)
    {
        using SafeFileHandle file = File.OpenHandle(path, FileMode.Open, FileAccess.Read,
            FileShare.ReadWrite | FileShare.Delete, FileOptions.SequentialScan);
        byte[] block = new byte[BlockBytes];
        int held = 0;
        while (RandomAccess.Read(file, block.AsSpan(held), _end + held) is > 0 and int read)
        {
            held += read;
            int used = 0;
            while (TryOpen(block.AsSpan(used, held - used), out int length))
            {
                visit(block.AsSpan(used + 4, length).ToArray());
                used += Around + length;
            }
            _end += used;
            held -= used;
            // Nothing more fits into what is held, and it is no record: the rest is torn.
            if (used == 0 && held >= Around + RecordBytes) return;
            block.AsSpan(used, held).CopyTo(block);
        }
    }

    // False when the bytes do not begin with a whole and sound record.
    private static bool TryOpen(ReadOnlySpan<byte> bytes, out int length)
    {
        length = bytes.Length < Around ? -1 : BinaryPrimitives.ReadInt32LittleEndian(bytes);
        if (length is < 0 or > RecordBytes || bytes.Length < Around + length) return false;
        ulong check = BinaryPrimitives.ReadUInt64LittleEndian(bytes[(4 + length)..]);
        return check == XxHash3.HashToUInt64(bytes[..(4 + length)]);
    }

    /// <summary>Adds records, durably; only the last of them can be missing or torn after a kill, and then those behind
    /// it are too. <see cref="Read"/> must have come before.</summary>
    /// <exception cref="IOException">The disk refused; nothing was added.</exception>
    public void Append(params IEnumerable<byte[]> records)
    {
        health?.Refuse();
        ArrayBufferWriter<byte> framed = new();
        foreach (byte[] record in records) Frame(record, framed);
        using SafeFileHandle file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.Write,
            FileShare.ReadWrite | FileShare.Delete);
        long length = RandomAccess.GetLength(file);
        try
        {
            // Behind a shorter record, what was torn or refused before could be taken for records again.
            if (length > _end) RandomAccess.SetLength(file, _end);
            RandomAccess.Write(file, framed.WrittenSpan, _end);
            Durable.Sync(file);
            if (length == 0) Durable.SyncFolder(Path.GetDirectoryName(path)!);
        }
        catch (NotDurableException exception)
        {
            health?.Fail(path, exception);
            throw;
        }
        _end += framed.WrittenCount;
    }

    /// <summary>Puts these records in place of all, durably.</summary>
    /// <exception cref="IOException">The disk refused.</exception>
    public void Replace(IEnumerable<byte[]> records)
    {
        using AtomicFile file = AtomicFile.Create(path, health);
        ArrayBufferWriter<byte> framed = new();
        foreach (byte[] record in records)
        {
            Frame(record, framed);
            if (framed.WrittenCount < BlockBytes) continue;
            file.Write(framed.WrittenSpan);
            framed.ResetWrittenCount();
        }
        file.Write(framed.WrittenSpan);
        file.Commit();
        _end = file.Length;
    }

    private static void Frame(byte[] record, ArrayBufferWriter<byte> output)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(record.Length, RecordBytes, nameof(record));
        Span<byte> framed = output.GetSpan(Around + record.Length)[..(Around + record.Length)];
        BinaryPrimitives.WriteInt32LittleEndian(framed, record.Length);
        record.CopyTo(framed[4..]);
        ulong check = XxHash3.HashToUInt64(framed[..(4 + record.Length)]);
        BinaryPrimitives.WriteUInt64LittleEndian(framed[(4 + record.Length)..], check);
        output.Advance(framed.Length);
    }
}
