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
    private volatile bool _ended;

    /// <summary>Downloads under way: the load that heartbeats tell.</summary>
    public int Active => Volatile.Read(ref _active);

    /// <summary>Counts what is sent of something else than a file of the library.</summary>
    public void Count(int more) => Interlocked.Add(ref _active, more);

    /// <summary>Gives out no more files: this server leaves. Downloads under way go on.</summary>
    public void End() => _ended = true;

    /// <summary>Takes a file for one download, which must release it; null when it cannot be had.</summary>
    /// <param name="library">The library that was asked.</param>
    /// <param name="number">The file's number in it.</param>
    /// <param name="anew">Opens the file again: the handle on the shelf proved to be of another state of it.</param>
    /// <param name="failure">Why there is none.</param>
    public OpenFile? Take(Library library, int number, bool anew, out OpenFailure failure)
    {
        failure = OpenFailure.Ended;
        if (_ended) return null;
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
            node = _byUse.AddFirst(new OpenFile(file, number, Count));
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
    private readonly Action<int> _count;
    private int _holders = 1;

    internal OpenFile(FolderFile file, int number, Action<int> count) =>
        (_file, Number, _count) = (file, number, count);

    internal int Number { get; }

    /// <summary>The file's facts when it was opened.</summary>
    public FileFacts Facts => _file.Facts;

    /// <summary>What somebody who serves the file wants to find again as long as it stays on the shelf.</summary>
    public object? Note { get; set; }

    /// <inheritdoc/>
    public SafeFileHandle Handle => _file.Handle;

    /// <inheritdoc/>
    public int Read(Span<byte> buffer, long offset) => _file.Read(buffer, offset);

    /// <inheritdoc/>
    public bool Unchanged() => _file.IsUnchanged();

    /// <summary>Holds it once more: one more <see cref="Release"/> is due.</summary>
    public void HoldAgain()
    {
        Hold();
        _count(1);
    }

    /// <inheritdoc/>
    public void Release()
    {
        _count(-1);
        Drop();
    }

    internal void Hold() => Interlocked.Increment(ref _holders);

    internal void Drop()
    {
        if (Interlocked.Decrement(ref _holders) == 0) _file.Dispose();
    }
}
