using System.Buffers.Binary;
using System.IO.Hashing;
using Microsoft.Win32.SafeHandles;

namespace MicroCdn.Storage;

/// <summary>A file of small records, each durable before <see cref="Append"/> returns.</summary>
/// <remarks>A record is its length, its bytes and a check of both, so that what a kill or a power cut tore is told from
/// a record; reading ends there, and the next one that is added takes its place.</remarks>
public sealed class RecordLog(string path, StoreHealth? health)
{
    /// <summary>The longest record in bytes.</summary>
    public const int RecordBytes = 16 * 1024;

    // Twice of what the users of a log may keep in it.
    private const long MostBytes = 256L * 1024 * 1024;
    private const int Around = 4 + 8;

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
        ReadSound(visit);
        IsCut = File.Exists(path) && new FileInfo(path).Length > _end;
    }

    private void ReadSound(Action<byte[]> visit)
    {
        FileInfo file = new(path);
        if (!file.Exists || file.Length > MostBytes) return;
        ReadOnlySpan<byte> rest = File.ReadAllBytes(path);
        while (rest.Length >= Around)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(rest);
            if (length is < 0 or > RecordBytes || rest.Length < Around + length) return;
            ulong check = BinaryPrimitives.ReadUInt64LittleEndian(rest[(4 + length)..]);
            if (check != XxHash3.HashToUInt64(rest[..(4 + length)])) return;
            visit(rest.Slice(4, length).ToArray());
            _end += Around + length;
            rest = rest[(Around + length)..];
        }
    }

    /// <summary>Adds records, durably. <see cref="Read"/> must have come before.</summary>
    /// <exception cref="IOException">The disk refused.</exception>
    public void Append(params IEnumerable<byte[]> records)
    {
        health?.Refuse();
        byte[] framed = [.. records.SelectMany(Framed)];
        using SafeFileHandle file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.Write,
            FileShare.ReadWrite | FileShare.Delete);
        bool isNew = RandomAccess.GetLength(file) == 0;
        try
        {
            RandomAccess.Write(file, framed, _end);
            Durable.Sync(file);
            if (isNew) Durable.SyncFolder(Path.GetDirectoryName(path)!);
        }
        catch (NotDurableException exception)
        {
            health?.Fail(path, exception);
            throw;
        }
        _end += framed.Length;
    }

    /// <summary>Puts these records in place of all, durably.</summary>
    /// <exception cref="IOException">The disk refused.</exception>
    public void Replace(IEnumerable<byte[]> records)
    {
        using AtomicFile file = AtomicFile.Create(path, health);
        foreach (byte[] record in records) file.Write(Framed(record));
        file.Commit();
        _end = file.Length;
    }

    private static byte[] Framed(byte[] record)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(record.Length, RecordBytes, nameof(record));
        byte[] framed = new byte[Around + record.Length];
        BinaryPrimitives.WriteInt32LittleEndian(framed, record.Length);
        record.CopyTo(framed.AsSpan(4));
        ulong check = XxHash3.HashToUInt64(framed.AsSpan(0, 4 + record.Length));
        BinaryPrimitives.WriteUInt64LittleEndian(framed.AsSpan(4 + record.Length), check);
        return framed;
    }
}
