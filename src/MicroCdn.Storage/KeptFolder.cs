using System.Runtime.Versioning;
using MicroCdn.Protocol;

namespace MicroCdn.Storage;

/// <summary>A folder whose files the program makes and deletes by itself; nobody else's files belong there.</summary>
/// <remarks>One process at a time: what an earlier one left unfinished is deleted at the start.</remarks>
[SupportedOSPlatform("linux")]
public sealed class KeptFolder
{
    private readonly ServedFolder _folder;
    private readonly StoreHealth? _health;

    /// <summary>Makes the folder, with those above it, where it does not exist.</summary>
    /// <exception cref="IOException">It cannot be made, or something else has its name.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be made.</exception>
    public KeptFolder(string path, StoreHealth? health = null)
    {
        _health = health;
        // A store that is read-only is still read from.
        if (!Directory.Exists(path)) AtomicFile.MakeFolder(path, health);
        _folder = new ServedFolder(path);
        List<FileName> leftovers = [];
        _folder.Scan((name, _) =>
        {
            if (AtomicFile.IsLeftover(name)) leftovers.Add(name);
        });
        leftovers.ForEach(Delete);
    }

    /// <summary>The folder's real path.</summary>
    public string Path => _folder.Path;

    /// <summary>Visits every file.</summary>
    public void Scan(Action<FileName, FileFacts> visit) => _folder.Scan(visit);

    /// <summary>Opens a file for reading; null with a reason when it cannot be had.</summary>
    public FolderFile? Open(FileName name, out OpenFailure failure) => _folder.Open(name, out failure);

    /// <summary>Starts a file, which gets its name at <see cref="AtomicFile.Commit(FileName)"/>.</summary>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written.</exception>
    public AtomicFile Create() => AtomicFile.Create(System.IO.Path.Combine(Path, "new"), _health);

    /// <summary>Deletes a file; one that is gone already, or cannot be deleted, is left at that.</summary>
    public void Delete(FileName name)
    {
        try
        {
            File.Delete(System.IO.Path.Combine(Path, name.Value));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The next start finds it again.
        }
    }
}
