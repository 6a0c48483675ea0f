using System.Runtime.Versioning;

namespace MicroCdn.Storage;

/// <summary>One file that is read, and read again whenever another state of it stands under its path.</summary>
/// <param name="path">The file.</param>
/// <param name="most">More bytes than this are refused: they are to be held in memory.</param>
[SupportedOSPlatform("linux")]
public sealed class WatchedFile(string path, long most)
{
    private FileFacts? _seen;

    /// <summary>The file's path as it was given.</summary>
    public string Path => path;

    /// <summary>Opens the file, when it is not the one that was there at the last call; else null. Each state is told
    /// once, as a stream or as a failure, so that nobody has to hear of the same trouble twice.</summary>
    /// <exception cref="IOException">It is not there, no regular file, too large, or not to be read.</exception>
    public Stream? OpenIfChanged()
    {
        // Looked at before it is opened: a change in between is seen at the next call.
        EntryKind kind = Libc.Look(path, followLinks: true, out FileFacts facts);
        FileFacts now = kind == EntryKind.File ? facts : default;
        if (now == _seen) return null;
        _seen = now;
        if (kind == EntryKind.Missing) throw new FileNotFoundException("there is no such file");
        if (kind != EntryKind.File) throw new IOException("it is no regular file");
        if (facts.Size > most) throw new IOException($"it is larger than {most >> 20} MiB");
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (UnauthorizedAccessException exception)
        {
            throw new IOException("it may not be read", exception);
        }
    }
}
