using System.Runtime.Versioning;

namespace MicroCdn.Storage;

/// <summary>Keeps a second process out of something, by a file that is locked as long as this one lives.</summary>
/// <remarks>The kernel lets go of it when the process ends, however it ends; the file stays, and says
/// nothing.</remarks>
[SupportedOSPlatform("linux")]
public sealed class FolderLock : IDisposable
{
    // EWOULDBLOCK: how the framework tells that somebody else has the lock.
    private const int Held = 11;

    private readonly FileStream _file;

    private FolderLock(FileStream file) => _file = file;

    /// <summary>Takes the lock; null when somebody else has it.</summary>
    /// <exception cref="IOException">The file cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be made, or not be opened.</exception>
    public static FolderLock? TryTake(string path)
    {
        FileStreamOptions options = new()
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.ReadWrite,
            Share = FileShare.None,
            BufferSize = 0,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        try
        {
            return new FolderLock(new FileStream(path, options));
        }
        catch (IOException exception) when (exception.HResult == Held)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
