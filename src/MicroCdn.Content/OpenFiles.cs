using System.Text;
using MicroCdn.Content.Figures;
using MicroCdn.Content.Publishing;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Storage;
using Microsoft.Win32.SafeHandles;

namespace MicroCdn.Content;

/// <summary>Opens a file of the folder; null with a reason when it cannot be had.</summary>
internal delegate FolderFile? Opening(FileName name, out OpenFailure failure);

/// <summary>Opens a blob; null with a reason when it cannot be had.</summary>
internal delegate FolderFile? BlobOpening(Blob blob, out OpenFailure failure);

/// <summary>Keeps the handles of the files asked for lately, so that a download does not open its file each
/// time.</summary>
/// <remarks>A handle that left the shelf stays open until the last download that holds it has ended. Files of the
/// folder stand there by their number in one library, published ones by what they are.</remarks>
/// <param name="open">Opens a file of the folder.</param>
/// <param name="most">Most handles that are kept.</param>
/// <param name="openBlob">Opens a blob; null where nothing is published.</param>
internal sealed class OpenFiles(Opening open, int most, BlobOpening? openBlob = null) : IDisposable
{
    // Each may be held by a download, and then frees nothing.
    private const int MostDropped = 16;

    private readonly Lock _lock = new();
    private readonly LinkedList<OpenFile> _byUse = new();
    private readonly Dictionary<object, LinkedListNode<OpenFile>> _published = [];
    private Dictionary<int, LinkedListNode<OpenFile>> _byNumber = [];
    private Library _library = Library.Empty;
    private int _active;
    private long _byLine;
    private volatile bool _ended;

    /// <summary>Downloads under way: the load that heartbeats tell.</summary>
    public int Active => Volatile.Read(ref _active);

    /// <summary>Bytes of files that were sent by line.</summary>
    public long LineBytes => Interlocked.Read(ref _byLine);

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
        if (number >= Published.Bit)
        {
            PublishedFile file = library.Published[number];
            return Take(file, file.Blob, file.Facts, anew, out failure);
        }
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
            if (Open(name, null, out failure) is not { } file) return null;
            return Use(_byNumber[number] = Add(new OpenFile(file, number, null, Count)
            {
                Name = name.Value, Closed = Closed, LineSent = CountLine,
            }));
        }
    }

    /// <summary>Takes a blob by its digest, whatever names show it; as <see cref="Take(Library, int, bool, out
    /// OpenFailure)"/>.</summary>
    public OpenFile? Take(Blob blob, out OpenFailure failure)
    {
        failure = OpenFailure.Ended;
        return _ended ? null : Take(blob, blob, new FileFacts(blob.Size, 0, 0), anew: false, out failure);
    }

    private OpenFile? Take(object key, Blob blob, FileFacts facts, bool anew, out OpenFailure failure)
    {
        failure = OpenFailure.Missing;
        lock (_lock)
        {
            if (_published.TryGetValue(key, out LinkedListNode<OpenFile>? node))
            {
                if (!anew) return Use(node);
                Remove(node);
            }
            if (Open(default, blob, out failure) is not { } file) return null;
            OpenFile opened = new(file, -1, key, Count)
            {
                Facts = facts, Closed = Closed, LineSent = CountLine,
                Name = key is PublishedFile published ? Encoding.UTF8.GetString(published.Name) : "",
            };
            return Use(_published[key] = Add(opened));
        }
    }

    /// <summary>Keeps a blob open no longer that is deleted: its room on the disk is free once its last download has
    /// ended.</summary>
    public void Drop(Blob blob)
    {
        lock (_lock)
        {
            object[] keys = [.. _published.Keys
                .Where(key => key == blob || (key as PublishedFile)?.Blob == blob)];
            foreach (object key in keys) Remove(_published[key]);
        }
    }

    /// <summary>What was sent of the files on the shelf since the last time; each is told once, here or when it is
    /// closed.</summary>
    public List<SentBytes> TakeSent()
    {
        lock (_lock) return [.. _byUse.Select(file => file.TakeSent()).OfType<SentBytes>()];
    }

    /// <summary>Hears what was sent of a file that is closed.</summary>
    public Action<SentBytes> Closed { private get; set; } = _ => { };

    public void Dispose()
    {
        lock (_lock) Clear(Library.Empty);
    }

    private FolderFile? Open(FileName name, Blob? blob, out OpenFailure failure)
    {
        FolderFile? file = OpenOnce(name, blob, out failure);
        // A handle that was only kept may be worth the one that is wanted; opening takes two.
        for (int dropped = 0; dropped < MostDropped && failure == OpenFailure.NoDescriptors; dropped++)
        {
            if (_byUse.Last is not { } last) break;
            Remove(last);
            file = OpenOnce(name, blob, out failure);
        }
        return file;
    }

    private FolderFile? OpenOnce(FileName name, Blob? blob, out OpenFailure failure) =>
        blob is null ? open(name, out failure) : openBlob!(blob, out failure);

    private LinkedListNode<OpenFile> Add(OpenFile file)
    {
        if (_byUse.Count >= most) Remove(_byUse.Last!);
        return _byUse.AddFirst(file);
    }

    private void CountLine(long bytes) => Interlocked.Add(ref _byLine, bytes);

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
        if (node.Value.Key is { } key) _published.Remove(key);
        else _byNumber.Remove(node.Value.Number);
        node.Value.Drop();
    }

    private void Clear(Library library)
    {
        foreach (OpenFile file in _byUse) file.Drop();
        _byUse.Clear();
        _byNumber = [];
        _published.Clear();
        _library = library;
    }
}

/// <summary>One shared open file: the shelf holds it once, and every download once more.</summary>
public sealed class OpenFile : IFileSource
{
    private readonly FolderFile _file;
    private readonly Action<int> _count;
    private int _holders = 1;
    private long _sent;

    internal OpenFile(FolderFile file, int number, object? key, Action<int> count) =>
        (_file, Number, Key, Facts, _count, ByLine) = (file, number, key, file.Facts, count, new LineFace(this));

    internal int Number { get; }

    /// <summary>The same file for an answer over the line protocol: what is sent of it counts as such. Made once, so
    /// that a download allocates nothing.</summary>
    internal IFileSource ByLine { get; }

    internal Action<long> LineSent { private get; init; } = _ => { };

    /// <summary>Its name; empty for a blob that no name was asked for.</summary>
    internal string Name { get; init; } = "";

    /// <summary>Hears what was sent of it and not taken, when it is closed.</summary>
    internal Action<SentBytes> Closed { private get; init; } = _ => { };

    // Of a published file what it is known by.
    internal object? Key { get; }

    /// <summary>The file's facts when it was opened; of a published one those that are told of it.</summary>
    public FileFacts Facts { get; internal init; }

    /// <summary>What somebody who serves the file wants to find again as long as it stays on the shelf.</summary>
    public object? Note { get; set; }

    /// <inheritdoc/>
    public SafeFileHandle Handle => _file.Handle;

    /// <inheritdoc/>
    public int Read(Span<byte> buffer, long offset) => _file.Read(buffer, offset);

    /// <inheritdoc/>
    public bool Unchanged() => _file.IsUnchanged();

    /// <inheritdoc/>
    public void Sent(long bytes) => Interlocked.Add(ref _sent, bytes);

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
        if (Interlocked.Decrement(ref _holders) != 0) return;
        if (TakeSent() is { } rest) Closed(rest);
        _file.Dispose();
    }

    /// <summary>What was sent of it since the last time; null for nothing.</summary>
    internal SentBytes? TakeSent()
    {
        if (Name.Length == 0 || Facts.Size <= 0 || Interlocked.Exchange(ref _sent, 0) is not (> 0 and long sent))
        {
            return null;
        }
        return new SentBytes(Name, Facts.Size, sent);
    }

    private sealed class LineFace(OpenFile file) : IFileSource
    {
        public SafeFileHandle Handle => file.Handle;

        public int Read(Span<byte> buffer, long offset) => file.Read(buffer, offset);

        public bool Unchanged() => file.Unchanged();

        public void Sent(long bytes)
        {
            file.Sent(bytes);
            file.LineSent(bytes);
        }

        public void Release() => file.Release();
    }
}
