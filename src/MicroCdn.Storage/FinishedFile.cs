using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace MicroCdn.Storage;

/// <summary>A file that somebody else wrote, such as a library, gets its name once it is durable.</summary>
/// <remarks>What this program writes itself is an <see cref="AtomicFile"/>.</remarks>
[SupportedOSPlatform("linux")]
public sealed class FinishedFile : IDisposable
{
    private readonly string _target;
    private bool _named;

    private FinishedFile(string target, string path) => (_target, Path) = (target, path);

    /// <summary>Where it is written: beside its target, there already, empty, and open to its owner alone.</summary>
    public string Path { get; }

    /// <summary>Starts a file, making the folders above it.</summary>
    /// <param name="target">The name that it is to have; nothing may have it.</param>
    /// <param name="random">Letters that no other file beside it has.</param>
    /// <exception cref="IOException">The name is taken, or the folder cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written.</exception>
    public static FinishedFile Begin(string target, string random)
    {
        string full = System.IO.Path.GetFullPath(target);
        if (System.IO.Path.Exists(full)) throw new IOException($"'{target}' exists and is left as it is");
        string path = TargetPath.Beside(full, random);
        AtomicFile.MakeFolder(TargetPath.FolderOf(full));
        FileStreamOptions options = new()
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        new FileStream(path, options).Dispose();
        return new FinishedFile(full, path);
    }

    /// <summary>Makes it durable and gives it its name; whoever has the name since keeps it.</summary>
    /// <exception cref="IOException">The disk refused, or the name is taken.</exception>
    public void Commit()
    {
        const FileShare Anyone = FileShare.ReadWrite | FileShare.Delete;
        using (SafeFileHandle file = File.OpenHandle(Path, FileMode.Open, FileAccess.ReadWrite, Anyone))
        {
            Durable.Sync(file);
        }
        File.Move(Path, _target, overwrite: false);
        _named = true;
        Durable.SyncFolder(TargetPath.FolderOf(_target));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_named) File.Delete(Path);
    }
}
