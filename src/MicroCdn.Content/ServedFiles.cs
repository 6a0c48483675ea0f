using MicroCdn.Storage;

namespace MicroCdn.Content;

/// <summary>The files of a content server for other servers in its process: what there is, and the open
/// files.</summary>
public sealed class ServedFiles
{
    private readonly LibraryKeeper _keeper;
    private readonly OpenFiles _openFiles;

    internal ServedFiles(LibraryKeeper keeper, OpenFiles openFiles) => (_keeper, _openFiles) = (keeper, openFiles);

    /// <summary>What is offered at this moment; one request asks once, since the next look may show another.</summary>
    public Library Library => _keeper.Library;

    /// <summary>Takes a file for one download, which must release it and counts as load until then; null when it cannot
    /// be had.</summary>
    /// <param name="library">The library that was asked.</param>
    /// <param name="number">The file's number in it.</param>
    /// <param name="anew">Opens the file again: the handle that was lent proved to be of another state of it.</param>
    /// <param name="failure">Why there is none.</param>
    public OpenFile? Take(Library library, int number, bool anew, out OpenFailure failure) =>
        _openFiles.Take(library, number, anew, out failure);

    /// <summary>Asks for a scan: the folder is not as the library says.</summary>
    public void NoticeChange() => _keeper.Ring();
}
