using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Storage;
using Microsoft.Win32.SafeHandles;

namespace MicroCdn.Content;

/// <summary>Keeps the handles of the files asked for lately, so that a download does not open its file each
/// time.</summary>
/// <remarks>A handle that left the shelf stays open until the last download that holds it has ended.</remarks>
internal sealed class OpenFiles(ServedFolder folder, int most) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly LinkedList<OpenFile> _byUse = new();
    private Dictionary<int, LinkedListNode<OpenFile>> _byNumber = [];
    private Library _library = Library.Empty;
    private int _active;

    /// <summary>Downloads under way: the load that heartbeats tell.</summary>
    public int Active => Volatile.Read(ref _active);

    /// <summary>Takes a file for one download, which must release it; null when it cannot be had.</summary>
    /// <param name="library">The library that was asked.</param>
    /// <param name="number">The file's number in it.</param>
    /// <param name="anew">Opens the file again: the handle on the shelf proved to be of another state of it.</param>
    /// <param name="failure">Why there is none.</param>
    public OpenFile? Take(Library library, int number, bool anew, out OpenFailure failure)
    {
        failure = OpenFailure.Missing;
        lock (_lock)
        {
            // Numbers mean something within one library alone.
            if (_library != library) Clear(library);
            if (_byNumber.TryGetValue(number, out LinkedListNode<OpenFile>? node))
            {
                if (!anew) return Use(node);
                Remove(node);
            }
            FileName.TryCreate(library.NameOf(number), out FileName name);
            if (folder.Open(name, out failure) is not { } file) return null;
            if (_byNumber.Count >= most) Remove(_byUse.Last!);
            node = _byUse.AddFirst(new OpenFile(file, number, Returned));
            _byNumber[number] = node;
            return Use(node);
        }
    }

    public void Dispose()
    {
        lock (_lock) Clear(Library.Empty);
    }

    private OpenFile Use(LinkedListNode<OpenFile> node)
    {
        if (node != _byUse.First)
        {
            _byUse.Remove(node);
            _byUse.AddFirst(node);
        }
        node.Value.Hold();
        Interlocked.Increment(ref _active);
        return node.Value;
    }

    private void Returned() => Interlocked.Decrement(ref _active);

    private void Remove(LinkedListNode<OpenFile> node)
    {
        _byUse.Remove(node);
        _byNumber.Remove(node.Value.Number);
        node.Value.Drop();
    }

    private void Clear(Library library)
    {
        foreach (OpenFile file in _byUse) file.Drop();
        _byUse.Clear();
        _byNumber = [];
        _library = library;
    }
}

/// <summary>One shared open file: the shelf holds it once, and every download once more.</summary>
public sealed class OpenFile : IFileSource
{
    private readonly FolderFile _file;
    private readonly Action _returned;
    private int _holders = 1;

    internal OpenFile(FolderFile file, int number, Action returned) =>
        (_file, Number, _returned) = (file, number, returned);

    /// <summary>The facts of the file when it was opened. Where they are not those of the library, nothing that the
    /// library knows of the file holds for these bytes.</summary>
    public FileFacts Facts => _file.Facts;

    /// <inheritdoc/>
    public SafeFileHandle Handle => _file.Handle;

    internal int Number { get; }

    /// <inheritdoc/>
    public int Read(Span<byte> buffer, long offset) => _file.Read(buffer, offset);

    /// <inheritdoc/>
    public bool Unchanged() => _file.IsUnchanged();

    /// <summary>Ends one download of the file.</summary>
    public void Release()
    {
        _returned();
        Drop();
    }

    internal void Hold() => Interlocked.Increment(ref _holders);

    internal void Drop()
    {
        if (Interlocked.Decrement(ref _holders) == 0) _file.Dispose();
    }
}
