using Microsoft.Win32.SafeHandles;

namespace MicroCdn.Storage;

/// <summary>What survives a power cut, with the kernel's own calls on Linux and with the framework's
/// elsewhere.</summary>
/// <remarks>
/// On Linux the framework hides what fsync says, so it is asked by ourselves; Windows and macOS have no such libc, or
/// no statx, and there the framework's calls report their errors.
/// </remarks>
internal static class Durable
{
    /// <summary>What a path leads to, links followed.</summary>
    public static EntryKind Look(string path)
    {
        if (Ways.HasLibc) return Libc.Look(path, followLinks: true, out _);
        if (Directory.Exists(path)) return EntryKind.Folder;
        FileInfo file = new(path);
        if (!file.Exists) return EntryKind.Missing;
        return (file.Attributes & FileAttributes.Device) == 0 ? EntryKind.File : EntryKind.Other;
    }

    /// <summary>Makes a file's bytes survive a power cut.</summary>
    /// <exception cref="IOException">The disk refused.</exception>
    public static void Sync(SafeFileHandle file)
    {
        if (Ways.HasLibc)
        {
            Libc.Sync(file);
            return;
        }
#pragma warning disable RS0030 // Banned for what it hides on Linux alone.
        RandomAccess.FlushToDisk(file);
#pragma warning restore RS0030
    }

    /// <summary>Makes a folder's entries survive a power cut; Windows writes them through by itself, and macOS offers
    /// no more than that to a program without its libc.</summary>
    /// <exception cref="IOException">The disk refused.</exception>
    public static void SyncFolder(string path)
    {
        if (Ways.HasLibc) Libc.SyncFolder(path);
    }

    /// <summary>Makes a folder and those above it, where they do not exist, so that they survive a power cut.</summary>
    /// <exception cref="IOException">It cannot be made, or the disk refused.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be made.</exception>
    public static void MakeFolder(string path)
    {
        // Without the fsync of its parent a new folder may be gone, with every file in it that was called durable.
        Stack<string> parents = [];
        string? made = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        while (made is not null && !Directory.Exists(made))
        {
            made = Path.GetDirectoryName(made);
            if (made is not null) parents.Push(made);
        }
        Directory.CreateDirectory(path);
        foreach (string parent in parents) SyncFolder(parent);
    }

    /// <summary>True while a path still leads to what was opened; a rename in between would make it something
    /// else.</summary>
    public static bool IsStill(SafeFileHandle file, string path)
    {
        if (!Ways.HasLibc) return File.Exists(path);
        return Libc.Look((int)file.DangerousGetHandle(), out FileFacts opened) == EntryKind.File
            && Libc.Look(path, followLinks: true, out FileFacts there) == EntryKind.File && opened.Inode == there.Inode;
    }
}
