namespace MicroCdn.Storage;

/// <summary>A regular file that somebody named, to be read: no device, whose bytes never end, and no pipe, whose
/// opening may never return.</summary>
public static class PlainFile
{
    /// <summary>True when a path leads to a regular file, links followed.</summary>
    public static bool Is(string path) => Durable.Look(path) == EntryKind.File;

    /// <summary>Opens it.</summary>
    /// <exception cref="IOException">It is no regular file, or cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static FileStream Open(string path, int bufferBytes = 4096)
    {
        if (Durable.Look(path) == EntryKind.Other) throw new IOException("it is a device, a pipe or a socket");
        return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferBytes);
    }
}
