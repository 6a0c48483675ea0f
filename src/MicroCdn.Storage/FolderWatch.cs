using System.Runtime.Versioning;

namespace MicroCdn.Storage;

/// <summary>Rings when something below a folder may have changed; what changed is for a scan to find out.</summary>
[SupportedOSPlatform("linux")]
public sealed class FolderWatch : IDisposable
{
    private readonly FileSystemWatcher? _watcher;

    /// <summary>Watches a folder and all below it.</summary>
    public FolderWatch(ServedFolder folder, Action ring)
    {
        try
        {
            _watcher = new FileSystemWatcher(folder.Path)
            {
                IncludeSubdirectories = true,
                NotifyFilter = NotifyFilters.FileName | NotifyFilters.DirectoryName | NotifyFilters.LastWrite
                    | NotifyFilters.Size,
            };
            _watcher.Created += (_, _) => ring();
            _watcher.Changed += (_, _) => ring();
            _watcher.Deleted += (_, _) => ring();
            _watcher.Renamed += (_, _) => ring();
            _watcher.Error += (_, _) =>
            {
                Works = false;
                ring();
            };
            _watcher.EnableRaisingEvents = true;
        }
        catch (Exception exception) when (exception is IOException or ArgumentException)
        {
            Works = false;
        }
    }

    /// <summary>False when the kernel gives no more watches: then only scanning again notices changes.</summary>
    public bool Works { get; private set; } = true;

    /// <inheritdoc/>
    public void Dispose() => _watcher?.Dispose();
}
