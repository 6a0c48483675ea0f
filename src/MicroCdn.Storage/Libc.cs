using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace MicroCdn.Storage;

/// <summary>The kernel calls on files that .NET does not offer, or whose errors it hides.</summary>
[SupportedOSPlatform("linux")]
internal static unsafe partial class Libc
{
    public const int ErrorTooManyFiles = 24, ErrorTableFull = 23;
    private const int ErrorInterrupted = 4, ErrorTooLarge = 27, ErrorNoSpace = 28, ErrorQuota = 122;
    private const int CurrentFolder = -100, EmptyPath = 0x1000, NoFollow = 0x100, BasicStats = 0x7FF;
    private const int PathOnly = 0x200000, CloseOnExec = 0x80000, FolderOnly = 0x10000;
    private const int DoNotNeed = 4;
    private const ushort TypeMask = 0xF000, TypeRegular = 0x8000, TypeFolder = 0x4000;

    /// <summary>What kind of thing a path leads to, and its facts when it is a regular file.</summary>
    public static EntryKind Look(string path, bool followLinks, out FileFacts facts) =>
        Stat(CurrentFolder, path, followLinks ? 0 : NoFollow, out facts, out _, out _);

    /// <summary>The same for an open descriptor.</summary>
    public static EntryKind Look(int fd, out FileFacts facts) => Stat(fd, "", EmptyPath, out facts, out _, out _);

    /// <summary>Which folder stands under a path, links followed; null when there is none.</summary>
    public static FolderId? FolderAt(string path) =>
        Stat(CurrentFolder, path, 0, out FileFacts facts, out uint major, out uint minor) == EntryKind.Folder
            ? new FolderId(major, minor, facts.Inode) : null;

    /// <summary>Opens a descriptor that names a file without opening the file itself; -1 on failure.</summary>
    public static int OpenPath(string path) => open(path, PathOnly | CloseOnExec);

    /// <summary>Opens for reading; an invalid handle on failure.</summary>
    public static SafeFileHandle OpenRead(string path) => new(open(path, CloseOnExec), ownsHandle: true);

    /// <summary>Opens a file for adding at its end, and for reading its last byte; an invalid handle on
    /// failure.</summary>
    public static SafeFileHandle OpenAppend(string path)
    {
        const int readWrite = 0x2, create = 0x40, append = 0x400, mode = 0x1A0;    // 0640
        return new(open(path, readWrite | create | append | CloseOnExec, mode), ownsHandle: true);
    }

    /// <summary>Writes bytes at the end of a file opened for adding.</summary>
    /// <returns>How many were written; fewer than there are with the reason in the last error.</returns>
    public static int Append(SafeFileHandle file, ReadOnlySpan<byte> bytes)
    {
        int done = 0;
        while (done < bytes.Length)
        {
            fixed (byte* pointer = bytes[done..])
            {
                nint written = write(file, pointer, (nuint)(bytes.Length - done));
                if (written < 0 && Marshal.GetLastPInvokeError() == ErrorInterrupted) continue;
                if (written < 0) break;
                done += (int)written;
            }
        }
        return done;
    }

    public static void Close(int fd) => _ = close(fd);

    /// <summary>The full path behind a descriptor, or null.</summary>
    public static string? PathOf(int fd)
    {
        Span<byte> target = stackalloc byte[8192];
        fixed (byte* pointer = target)
        {
            nint length = readlink($"/proc/self/fd/{fd}", pointer, (nuint)target.Length);
            return length <= 0 || length == target.Length ? null : Encoding.UTF8.GetString(target[..(int)length]);
        }
    }

    public static int Read(SafeFileHandle file, Span<byte> buffer, long offset)
    {
        int done = 0;
        while (done < buffer.Length)
        {
            fixed (byte* pointer = buffer[done..])
            {
                nint read = pread(file, pointer, (nuint)(buffer.Length - done), offset + done);
                if (read < 0 && Marshal.GetLastPInvokeError() == ErrorInterrupted) continue;
                if (read <= 0) break;
                done += (int)read;
            }
        }
        return done;
    }

    /// <summary>Makes a file's bytes, or with a folder its entries, survive a power cut.</summary>
    /// <exception cref="NotDurableException">The disk refused; what was written may be lost and must not be
    /// acknowledged.</exception>
    public static void Sync(SafeFileHandle file)
    {
        if (fsync(file) != 0) throw Failure("fsync");
    }

    public static void SyncFolder(string path)
    {
        using SafeFileHandle folder = new(open(path, FolderOnly | CloseOnExec), ownsHandle: true);
        if (folder.IsInvalid || fsync(folder) != 0) throw Failure($"fsync of folder {path}");
    }

    /// <summary>Makes everything written to the file system that a file lies on survive a power cut.</summary>
    /// <exception cref="NotDurableException">The disk refused.</exception>
    public static void SyncFileSystem(SafeFileHandle file)
    {
        if (syncfs(file) != 0) throw Failure("syncfs");
    }

    /// <summary>The bytes that a file takes from its disk; -1 when it cannot be looked at.</summary>
    public static long Taken(string path)
    {
        // st_blocks of struct statx, at 48, counts 512 bytes each.
        byte* buffer = stackalloc byte[256];
        return statx(CurrentFolder, path, NoFollow, BasicStats, buffer) == 0 ? *(long*)(buffer + 48) * 512 : -1;
    }

    /// <summary>Makes a file so long, and takes the room of what it has not yet; does nothing where the file system
    /// takes none in advance.</summary>
    /// <exception cref="IOException">There is no such room, or no file may be so large; some of it may be taken all the
    /// same.</exception>
    public static void Allocate(SafeFileHandle file, long length)
    {
        // A signal to this thread makes some file systems begin anew; the writes do not need what is not taken.
        const int Tries = 10;
        for (int tries = 0; tries < Tries && fallocate(file, 0, 0, length) != 0; tries++)
        {
            int error = Marshal.GetLastPInvokeError();
            if (error == ErrorInterrupted) continue;
            if (error is not (ErrorNoSpace or ErrorQuota or ErrorTooLarge)) return;
            throw new IOException(Marshal.GetPInvokeErrorMessage(error), error);
        }
    }

    /// <summary>Gives the calling thread the lowest share of processor and disk.</summary>
    public static void BeNice() => _ = setpriority(0, 0, 19);

    /// <summary>Lets go of what the page cache holds of a part of a file, as far as it is on the disk; length 0 means
    /// to the end.</summary>
    public static void Uncache(SafeFileHandle file, long offset, long length) =>
        _ = posix_fadvise(file, offset, length, DoNotNeed);

    private static NotDurableException Failure(string what)
    {
        int error = Marshal.GetLastPInvokeError();
        return new NotDurableException($"{what}: {Marshal.GetPInvokeErrorMessage(error)}", error);
    }

    private static EntryKind Stat(
        int fd, string path, int flags, out FileFacts facts, out uint major, out uint minor)
    {
        // struct statx is laid out alike on every architecture: mode at 28, inode 32, size 40, mtime 112, device 136.
        byte* buffer = stackalloc byte[256];
        (facts, major, minor) = (default, 0, 0);
        if (statx(fd, path, flags, BasicStats, buffer) != 0) return EntryKind.Missing;
        ushort mode = *(ushort*)(buffer + 28);
        facts = new FileFacts(*(long*)(buffer + 40), Nanoseconds(buffer + 112), *(ulong*)(buffer + 32));
        (major, minor) = (*(uint*)(buffer + 136), *(uint*)(buffer + 140));
        return (mode & TypeMask) switch
        {
            TypeRegular => EntryKind.File,
            TypeFolder => EntryKind.Folder,
            _ => EntryKind.Other,
        };
    }

    private static long Nanoseconds(byte* timestamp) => (*(long*)timestamp * 1_000_000_000) + *(uint*)(timestamp + 8);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int statx(int fd, string path, int flags, uint mask, byte* buffer);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags, int mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint write(SafeFileHandle file, byte* buffer, nuint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int fd);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint readlink(string path, byte* buffer, nuint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint pread(SafeFileHandle file, byte* buffer, nuint length, long offset);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsync(SafeFileHandle file);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int syncfs(SafeFileHandle file);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fallocate(SafeFileHandle file, int mode, long offset, long length);

    [LibraryImport("libc")]
    private static partial int posix_fadvise(SafeFileHandle file, long offset, long length, int advice);

    [LibraryImport("libc")]
    private static partial int setpriority(int which, int who, int nice);
}

/// <summary>What a path leads to.</summary>
internal enum EntryKind
{
    /// <summary>Nothing, or nothing that may be looked at.</summary>
    Missing,

    /// <summary>A regular file.</summary>
    File,

    /// <summary>A folder.</summary>
    Folder,

    /// <summary>A device, a pipe, a socket, or an unfollowed link.</summary>
    Other,
}

/// <summary>What tells one folder from every other: the root of a mounted file system may have the same inode as the
/// folder above it.</summary>
/// <param name="Major">The device's major number.</param>
/// <param name="Minor">Its minor number.</param>
/// <param name="Inode">The file system's number of the folder.</param>
public readonly record struct FolderId(uint Major, uint Minor, ulong Inode);

/// <summary>What tells one state of a file from another.</summary>
/// <remarks>Not the time of the last status change: being replaced by a rename changes that, and nothing
/// else.</remarks>
/// <param name="Size">Length in bytes.</param>
/// <param name="Modified">Last change of its bytes, in nanoseconds since 1970.</param>
/// <param name="Inode">The file system's number of the file.</param>
public readonly record struct FileFacts(long Size, long Modified, ulong Inode);
