using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Storage;
using Microsoft.Win32.SafeHandles;

namespace MicroCdn.Content;

/// <summary>Opens a file of the folder; null with a reason when it cannot be had.</summary>
internal delegate FolderFile? Opening(FileName name, out OpenFailure failure);

/// <summary>Keeps the handles of the files asked for lately, so that a download does not open its file each
/// time.</summary>
/// <remarks>A handle that left the shelf stays open until the last download that holds it has ended.</remarks>
internal sealed class OpenFiles(Opening open, int most) : IDisposable
{
    // Each may be held by a download, and then frees nothing.
    private const int MostDropped = 16;

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
            FolderFile? file = open(name, out failure);
            // A handle that was only kept may be worth the one that is wanted; opening takes two.
            for (int dropped = 0; dropped < MostDropped && failure == OpenFailure.NoDescriptors; dropped++)
            {
                if (_byUse.Last is not { } last) break;
                Remove(last);
                file = open(name, out failure);
            }
            if (file is null) return null;
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
internal sealed class OpenFile(FolderFile file, int number, Action returned) : IFileSource
{
    private int _holders = 1;

    public int Number => number;

    public FileFacts Facts => file.Facts;

    public SafeFileHandle Handle => file.Handle;

    public int Read(Span<byte> buffer, long offset) => file.Read(buffer, offset);

    public bool Unchanged() => file.IsUnchanged();

    public void Hold() => Interlocked.Increment(ref _holders);

    public void Release()
    {
        returned();
        Drop();
    }

    public void Drop()
    {
        if (Interlocked.Decrement(ref _holders) == 0) file.Dispose();
    }
}
