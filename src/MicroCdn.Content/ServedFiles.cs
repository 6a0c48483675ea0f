using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Content;

/// <summary>What a content server offers, for a room that serves it in another way.</summary>
public sealed class ServedFiles
{
    private readonly Func<Library> _library;
    private readonly OpenFiles _openFiles;
    private readonly Action _noticeChange;

    internal ServedFiles(
        Func<Library> library, OpenFiles openFiles, Action noticeChange, StoreHealth? health = null) =>
        (_library, _openFiles, _noticeChange, Health) = (library, openFiles, noticeChange, health);

    /// <summary>No file at all: what a cache without a folder serves beside its copies.</summary>
    public static ServedFiles None { get; } = new(() => Library.Empty, new OpenFiles(Missing, most: 1), () => { });

    /// <summary>Whether this server's own state may be written; null where it has none.</summary>
    public StoreHealth? Health { get; }

    /// <summary>The files of the moment.</summary>
    public Library Library => _library();

    /// <summary>Takes a file for one response, which must release it; null when it cannot be had.</summary>
    /// <param name="library">The library that was asked.</param>
    /// <param name="number">The file's number in it.</param>
    /// <param name="anew">Opens the file again: the handle at hand proved to be of another state of it.</param>
    /// <param name="failure">Why there is none.</param>
    public OpenFile? Take(Library library, int number, bool anew, out OpenFailure failure) =>
        _openFiles.Take(library, number, anew, out failure);

    /// <summary>Says that something else than a file is being sent, so that it counts in the load that heartbeats tell,
    /// and is waited for when this server leaves.</summary>
    public void Began() => _openFiles.Count(1);

    /// <summary>Says that it is over.</summary>
    public void Ended() => _openFiles.Count(-1);

    /// <summary>Asks for a scan: the folder is not as the library says.</summary>
    public void NoticeChange() => _noticeChange();

    private static FolderFile? Missing(FileName name, out OpenFailure failure)
    {
        failure = OpenFailure.Missing;
        return null;
    }
}
