using System.Collections.Concurrent;

namespace MicroCdn.Caching.Store;

/// <summary>Which copies there are of which key.</summary>
/// <remarks>Finding takes no lock; its owner holds one for everything else. Of a key whose copies are all loaded the
/// set stands ready; else somebody has to load them.</remarks>
internal sealed class KeyIndex
{
    /// <summary>The most variants of a key: past that somebody varies on what is different every time.</summary>
    public const int MostVariants = 64;

    private readonly ConcurrentDictionary<UInt128, Slot> _slots = new();

    public int Count { get; private set; }

    /// <summary>True when everything that is known of a key is loaded, which is also so when nothing is.</summary>
    public bool TryFind(UInt128 id, ReadOnlySpan<char> key, out CopySet copies)
    {
        copies = CopySet.Empty;
        if (!_slots.TryGetValue(id, out Slot? slot)) return true;
        CopySet? set = slot.Set;
        if (set is null) return false;
        // Another key of the same hash is nobody's copy.
        if (set.Copies.Length > 0 && key.SequenceEqual(set.Copies[0].Key.Text)) copies = set;
        return true;
    }

    /// <summary>The entries of a key.</summary>
    public List<Entry> EntriesOf(UInt128 id)
    {
        List<Entry> entries = [];
        if (!_slots.TryGetValue(id, out Slot? slot)) return entries;
        for (Entry? entry = slot.First; entry is not null; entry = entry.Next) entries.Add(entry);
        return entries;
    }

    /// <summary>Puts an entry in; false when that very one is there.</summary>
    public bool Add(Entry entry)
    {
        Slot slot = _slots.GetOrAdd(entry.Id, static _ => new Slot());
        for (Entry? other = slot.First; other is not null; other = other.Next)
        {
            if (other.Sequence == entry.Sequence) return false;
        }
        (entry.Next, slot.First) = (slot.First, entry);
        entry.IsIn = true;
        Count++;
        Renew(slot);
        return true;
    }

    public void Remove(Entry entry)
    {
        if (!entry.IsIn || !_slots.TryGetValue(entry.Id, out Slot? slot)) return;
        if (slot.First == entry)
        {
            slot.First = entry.Next;
        }
        else
        {
            Entry before = slot.First!;
            while (before.Next != entry) before = before.Next!;
            before.Next = entry.Next;
        }
        (entry.Next, entry.IsIn) = (null, false);
        Count--;
        if (slot.First is null) _slots.TryRemove(entry.Id, out _);
        else Renew(slot);
    }

    /// <summary>Says that a copy was loaded, or left memory.</summary>
    public void Change(Entry entry, Copy? loaded)
    {
        entry.Loaded = loaded;
        if (_slots.TryGetValue(entry.Id, out Slot? slot)) Renew(slot);
    }

    /// <summary>All keys, those that come or go meanwhile perhaps.</summary>
    public IEnumerable<UInt128> Ids()
    {
        foreach ((UInt128 id, _) in _slots) yield return id;
    }

    private static void Renew(Slot slot)
    {
        List<Copy> copies = [];
        for (Entry? entry = slot.First; entry is not null; entry = entry.Next)
        {
            if (entry.Loaded is not { } copy)
            {
                slot.Set = null;
                return;
            }
            copies.Add(copy);
        }
        copies.Sort((one, other) => other.State.Sequence.CompareTo(one.State.Sequence));
        slot.Set = new CopySet([.. copies]);
    }

    private sealed class Slot
    {
        public Entry? First;
        public volatile CopySet? Set;
    }
}

/// <summary>A copy that there is, loaded or not.</summary>
internal sealed class Entry(UInt128 id, long sequence) : Evictable((ulong)id)
{
    public UInt128 Id => id;

    /// <summary>The number when its fetch began, which its file is named after.</summary>
    public long Sequence => sequence;

    public Entry? Next { get; set; }

    public bool IsIn { get; set; }

    public volatile Copy? Loaded;

    public volatile bool IsOnDisk;

    // For those who still hold a copy of it.
    public volatile bool IsInvalid;
}
