using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Edge;

/// <summary>Knows which compressed forms are on disk, lends their handles, and deletes the least used for
/// room.</summary>
/// <remarks>Used under the lock of <see cref="Variants"/>. Of a form of no bytes nothing is lent: it says that the file
/// does not get smaller.</remarks>
internal sealed class VariantShelf
{
    // A file occupies whole blocks, an empty one its entry: so counted, small forms are bounded in number too.
    private const int BlockBytes = 4096;

    // Handles kept open; a form that was asked for before that is opened again.
    private const int MostOpen = 256;

    private readonly KeptFolder _folder;
    private readonly long _mostBytes;
    private readonly Dictionary<VariantKey, Entry> _entries = [];
    private readonly LinkedList<Entry> _byUse = new(), _open = new();

    /// <summary>Finds again what the folder holds; what is not as long as its name tells is deleted.</summary>
    public VariantShelf(KeptFolder folder, long mostBytes)
    {
        (_folder, _mostBytes) = (folder, mostBytes);
        List<(VariantKey Key, long Length, long Modified)> found = [];
        List<FileName> damaged = [];
        folder.Scan((name, facts) =>
        {
            if (!VariantKey.TryRead(name, out VariantKey key, out long length)) return;
            if (facts.Size == length) found.Add((key, length, facts.Modified));
            else damaged.Add(name);
        });
        damaged.ForEach(folder.Delete);
        foreach ((VariantKey key, long length, _) in found.OrderBy(form => form.Modified)) Add(key, length);
    }

    /// <summary>The number of forms.</summary>
    public int Count => _entries.Count;

    /// <summary>The bytes that all forms occupy.</summary>
    public long Bytes { get; private set; }

    /// <summary>Lends a form, which must be released; null when there is none.</summary>
    /// <param name="key">Which one.</param>
    /// <param name="isSettled">False when it may be worth making: it is not known, or proved to be gone.</param>
    public Variant? Take(VariantKey key, out bool isSettled)
    {
        isSettled = _entries.TryGetValue(key, out Entry? entry);
        if (entry is null) return null;
        Use(_byUse, entry.ByUse);
        if (entry.Length == 0) return null;
        if (entry.Form is null && !Open(entry, ref isSettled)) return null;
        Use(_open, entry.ByOpening);
        entry.Form!.Hold();
        return entry.Form;
    }

    /// <summary>Adds a form whose file is in the folder, in place of an earlier one.</summary>
    public void Add(VariantKey key, long length)
    {
        // Of the same length it is the same file: the earlier one is forgotten, not deleted.
        if (_entries.TryGetValue(key, out Entry? earlier)) Remove(earlier, andFile: earlier.Length != length);
        Entry entry = new(key, length);
        _entries[key] = entry;
        _byUse.AddFirst(entry.ByUse);
        Bytes += entry.Room;
        while (Bytes > _mostBytes && _byUse.Last!.Value is var last && last != entry) Remove(last, andFile: true);
    }

    /// <summary>Closes every handle that no answer holds, and knows of no form any more.</summary>
    public void Close()
    {
        while (_open.First is { } node) Shut(node.Value);
        _entries.Clear();
        _byUse.Clear();
        Bytes = 0;
    }

    // A file that is gone or was damaged is forgotten. Without a descriptor it is only not to be had now.
    private bool Open(Entry entry, ref bool isSettled)
    {
        FolderFile? file = _folder.Open(entry.Key.ToName(entry.Length), out OpenFailure failure);
        if (file is null && failure == OpenFailure.NoDescriptors) return false;
        if (file is null || file.Facts.Size != entry.Length)
        {
            file?.Dispose();
            Remove(entry, andFile: true);
            isSettled = false;
            return false;
        }
        if (_open.Count >= MostOpen) Shut(_open.Last!.Value);
        entry.Form = new Variant(file, entry.Key);
        _open.AddFirst(entry.ByOpening);
        return true;
    }

    private void Remove(Entry entry, bool andFile)
    {
        if (entry.Form is not null) Shut(entry);
        _entries.Remove(entry.Key);
        _byUse.Remove(entry.ByUse);
        Bytes -= entry.Room;
        if (andFile) _folder.Delete(entry.Key.ToName(entry.Length));
    }

    private void Shut(Entry entry)
    {
        entry.Form!.Release();
        entry.Form = null;
        _open.Remove(entry.ByOpening);
    }

    private static void Use(LinkedList<Entry> list, LinkedListNode<Entry> node)
    {
        if (node == list.First) return;
        list.Remove(node);
        list.AddFirst(node);
    }

    private sealed class Entry
    {
        public Entry(VariantKey key, long length)
        {
            (Key, Length) = (key, length);
            (ByUse, ByOpening) = (new LinkedListNode<Entry>(this), new LinkedListNode<Entry>(this));
        }

        public VariantKey Key { get; }

        public long Length { get; }

        public long Room => Math.Max(1, (Length + BlockBytes - 1) / BlockBytes) * BlockBytes;

        public LinkedListNode<Entry> ByUse { get; }

        public LinkedListNode<Entry> ByOpening { get; }

        public Variant? Form { get; set; }
    }
}
