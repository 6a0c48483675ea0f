using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace MicroCdn.Storage;

/// <summary>A file of a role's own, to which whole lines are added; replaced whole through
/// <see cref="AtomicFile"/>.</summary>
/// <remarks>
/// Adding is not made durable: after a power cut the last lines may be missing, torn or zeros, so a line must carry a
/// check of itself. A torn last line is ended first, so that it spoils nothing that follows.
/// </remarks>
[SupportedOSPlatform("linux")]
public sealed class LineFile(string path, StoreHealth? health = null)
{
    /// <summary>Longest line that is read; longer ones are passed over.</summary>
    public const int LineBytes = 8 * 1024;

    private const int BlockBytes = 1 << 20;
    private bool _mayEndTorn = true;

    /// <summary>Where it is.</summary>
    public string Path => path;

    /// <summary>Its length in bytes; 0 when there is none.</summary>
    public long Length => Libc.Look(path, followLinks: true, out FileFacts facts) == EntryKind.File ? facts.Size : 0;

    /// <summary>Visits every line, without its LF; none when there is no file.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public void Read(LineVisitor visit)
    {
        if (Libc.Look(path, followLinks: true, out _) != EntryKind.File) return;
        using SafeFileHandle file = File.OpenHandle(path, FileMode.Open, FileAccess.Read,
            FileShare.ReadWrite | FileShare.Delete, FileOptions.SequentialScan);
        byte[] block = new byte[BlockBytes];
        int held = 0;
        long offset = 0;
        while (RandomAccess.Read(file, block.AsSpan(held), offset) is > 0 and int read)
        {
            offset += read;
            Span<byte> rest = block.AsSpan(0, held + read);
            for (int length; (length = rest.IndexOf((byte)'\n')) >= 0; rest = rest[(length + 1)..])
            {
                if (length <= LineBytes) visit(rest[..length]);
            }
            // Of a line that is too long no more is kept than shows that it is.
            if (rest.Length > LineBytes) rest = rest[..(LineBytes + 1)];
            rest.CopyTo(block);
            held = rest.Length;
        }
    }

    /// <summary>Replaces the file by these lines, durably.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public void Replace(ReadOnlySpan<byte> lines)
    {
        using AtomicFile file = AtomicFile.Create(path, health);
        file.Write(lines);
        file.Commit();
    }

    /// <summary>Adds lines, each with its LF, in one write; the folders above the file are made.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public void Append(ReadOnlySpan<byte> lines)
    {
        health?.Refuse();
        AtomicFile.MakeFolder(System.IO.Path.GetDirectoryName(path)!, health);
        using SafeFileHandle file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite,
            FileShare.ReadWrite | FileShare.Delete);
        long end = RandomAccess.GetLength(file);
        Span<byte> last = stackalloc byte[1];
        if (_mayEndTorn && end > 0 && RandomAccess.Read(file, last, end - 1) == 1 && last[0] != '\n')
        {
            RandomAccess.Write(file, "\n"u8, end++);
        }
        // A write that fails half-way leaves a torn line.
        _mayEndTorn = true;
        RandomAccess.Write(file, lines, end);
        _mayEndTorn = false;
    }
}

/// <summary>Takes one line of a <see cref="LineFile"/>.</summary>
public delegate void LineVisitor(ReadOnlySpan<byte> line);
