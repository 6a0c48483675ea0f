using System.Buffers.Binary;
using System.IO.Hashing;

namespace MicroCdn.Storage;

/// <summary>A file of what would be good to know after a restart, and may be lost: written without waiting for the
/// disk, and read only when it is as it was written.</summary>
public sealed class HintFile(string path)
{
    private const int CheckBytes = sizeof(ulong), BlockBytes = 1 << 20;

    // Sixty million entries of twelve bytes.
    private const long MostBytes = 1L << 30;

    /// <summary>Where it is.</summary>
    public string Path => path;

    /// <summary>Replaces it as a whole; what stood there before stays until then.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public void Replace(Action<BinaryWriter> write)
    {
        AtomicFile.MakeFolder(System.IO.Path.GetDirectoryName(path)!);
        // One name, so that what a kill leaves is overwritten.
        string aside = path + ".new";
        using (FileStream file = new(aside, FileMode.Create, FileAccess.ReadWrite, FileShare.Read, BlockBytes))
        {
            using (BinaryWriter writer = new(file, System.Text.Encoding.UTF8, leaveOpen: true)) write(writer);
            Span<byte> check = stackalloc byte[CheckBytes];
            BinaryPrimitives.WriteUInt64LittleEndian(check, CheckOf(file, file.Length));
            file.Write(check);
        }
        File.Move(aside, path, overwrite: true);
    }

    /// <summary>Reads it; false when there is none.</summary>
    /// <exception cref="InvalidDataException">It is not as it was written.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public bool TryRead(Action<BinaryReader> read)
    {
        if (!File.Exists(path)) return false;
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete,
            BlockBytes, FileOptions.SequentialScan);
        if (file.Length is < CheckBytes or > MostBytes) throw new InvalidDataException("it has no length of its kind");
        ulong check = CheckOf(file, file.Length - CheckBytes);
        Span<byte> told = stackalloc byte[CheckBytes];
        file.ReadExactly(told);
        if (BinaryPrimitives.ReadUInt64LittleEndian(told) != check)
        {
            throw new InvalidDataException("it is not as it was written");
        }
        file.Position = 0;
        using BinaryReader reader = new(file);
        read(reader);
        return true;
    }

    private static ulong CheckOf(FileStream file, long length)
    {
        XxHash3 hash = new();
        byte[] block = new byte[BlockBytes];
        file.Position = 0;
        for (long left = length; left > 0;)
        {
            int read = file.Read(block, 0, (int)Math.Min(left, block.Length));
            if (read == 0) throw new InvalidDataException("it became shorter while it was read");
            hash.Append(block.AsSpan(0, read));
            left -= read;
        }
        return hash.GetCurrentHashAsUInt64();
    }
}
