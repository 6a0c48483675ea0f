using System.Collections.Concurrent;

namespace MicroCdn.Caching.Store;

// What enters and leaves the tables of the store.
public sealed partial class CacheStore
{
    /// <summary>The longest body that waits in memory until it is complete.</summary>
    internal const int SmallBytes = CopyFiles.SmallBytes;

    // One copy may take half of the disk's bytes, and all that grow together no more.
    private const int LargestShare = 2;
    private const int BlockBytes = 4096;

    // So many files leave in some milliseconds, for which others wait for the lock; and so many times over for one that
    // comes, in half a second. What needs more than that passes through, and finds room the next time.
    private const int MostAtOnce = 256, MostTurns = 64;

    // Files that could not be deleted, tried again each second: purges must not be forgotten before they are gone.
    private readonly ConcurrentQueue<Entry> _undeleted = new();

    /// <summary>The longest body that may grow in memory.</summary>
    internal long MostInMemory => HasDisk ? SmallBytes : _options.MemoryBytes / 16;

    /// <summary>The longest body that is stored at all.</summary>
    internal long MostStored => HasDisk ? _options.DiskBytes / LargestShare : MostInMemory;

    /// <summary>Claims memory for what grows; false when it should grow elsewhere.</summary>
    internal bool TryGrow(long bytes)
    {
        Departures gone = new();
        lock (_gate)
        {
            if (_growingInMemory + bytes > _options.MemoryBytes / 2) return false;
            _growingInMemory += bytes;
            TrimMemory(gone);
        }
        Depart(gone);
        return true;
    }

    /// <summary>Gives it back.</summary>
    internal void Shrink(long bytes)
    {
        lock (_gate) _growingInMemory -= bytes;
    }

    /// <summary>Reserves bytes of the disk, for which others may have to leave; false when there is no room.</summary>
    internal bool TryReserve(long bytes)
    {
        if (!Numbers.IsOpen) return false;
        for (int turn = 0; turn < MostTurns; turn++)
        {
            Departures gone = new();
            bool isReserved;
            lock (_gate)
            {
                if (_room.Reserved + bytes > _options.DiskBytes / LargestShare) return false;
                isReserved = MakeRoom(bytes, gone);
                if (isReserved) _room.Reserve(bytes);
            }
            Depart(gone);
            if (isReserved || gone.Files.Count < MostAtOnce) return isReserved;
        }
        return false;
    }

    // The limits may be lower than they were, and a million copies too many.
    private void TrimDisk()
    {
        Departures gone;
        do
        {
            gone = new Departures();
            lock (_gate) MakeRoom(0, gone);
            DepartNow(gone);
        }
        while (gone.Files.Count > 0 && Volatile.Read(ref _ended) == 0);
    }

    /// <summary>Gives back what was reserved.</summary>
    internal void Unreserve(long bytes)
    {
        lock (_gate) _room.Unreserve(bytes);
    }

    // False too when more would have to leave than may at once.
    private bool MakeRoom(long bytes, Departures gone)
    {
        while (!_room.HasRoomFor(bytes) || _index.Count > _options.MostCopies)
        {
            if (gone.Files.Count >= MostAtOnce) return false;
            if (_disk.Evict() is not { } victim) return false;
            Leave(victim, gone);
        }
        return true;
    }

    private void TrimMemory(Departures gone)
    {
        while (_memory.Bytes + _growingInMemory > _options.MemoryBytes && _memory.Evict() is { } copy)
        {
            gone.Copies.Add(copy);
            if (copy.Entry.IsOnDisk)
            {
                _index.Change(copy.Entry, null);
                continue;
            }
            // It was asked for once, and never came to the disk; if it is asked for again, it does.
            _disk.Remember(copy.Entry.Hash, copy.MemoryWeight());
            Leave(copy.Entry, gone);
        }
    }

    private void Leave(Entry entry, Departures gone)
    {
        if (!entry.IsIn) return;
        if (entry.Loaded is { } copy)
        {
            Eviction<Copy>.Remove(copy);
            gone.Copies.Add(copy);
        }
        if (entry.IsOnDisk) LeaveDisk(entry, gone);
        _index.Remove(entry);
    }

    private void LeaveDisk(Entry entry, Departures gone)
    {
        Eviction<Entry>.Remove(entry);
        _room.Give(entry.Weight);
        entry.IsOnDisk = false;
        gone.Files.Add(entry);
    }

    // Puts a copy in, in place of the variant that it replaces; false when there is a newer one.
    private bool Enter(Copy copy, Departures gone)
    {
        Entry? oldest = null;
        int variants = 0;
        foreach (Entry other in _index.EntriesOf(copy.Entry.Id))
        {
            // The listing may have found its file first.
            bool isSame = other.Sequence == copy.Entry.Sequence;
            bool isVariant = other.Loaded is { } loaded && IsVariantOf(loaded, copy);
            if (isVariant && !isSame && other.Loaded!.State.Sequence > copy.State.Sequence) return false;
            if (isVariant || isSame) Leave(other, isSame ? new Departures() : gone);
            else variants++;
            if (!isVariant && !isSame && (oldest is null || other.Sequence < oldest.Sequence)) oldest = other;
        }
        if (variants >= KeyIndex.MostVariants) Leave(oldest!, gone);
        while (_index.Count >= _options.MostCopies)
        {
            if (_disk.Evict() is { } victim) Leave(victim, gone);
            else if (_memory.Evict() is { } other) Leave(other.Entry, gone);
            else return false;
        }
        _index.Add(copy.Entry);
        Load(copy, gone);
        return true;
    }

    private static bool IsVariantOf(Copy one, Copy other) => one.Key == other.Key
        && one.Head.Selecting.Bytes.SequenceEqual(other.Head.Selecting.Bytes);

    private void Load(Copy copy, Departures gone)
    {
        _index.Change(copy.Entry, copy);
        _memory.Add(copy, copy.MemoryWeight());
        TrimMemory(gone);
    }

    // The copy and the one that was loaded again since, if any, change together.
    private void Change(Copy copy, CopyState state)
    {
        copy.Change(state);
        lock (_gate)
        {
            if (copy.Entry.Loaded is { } loaded && loaded != copy) loaded.Change(state);
            if (copy.Entry.Loaded is { } one) Eviction<Copy>.Reweigh(one, one.MemoryWeight());
            if (copy.Entry.IsIn) _index.Change(copy.Entry, copy.Entry.Loaded);
        }
    }

    // Files are deleted, and closed, without the lock, and on no loop.
    private void Depart(Departures gone)
    {
        if (gone.Files.Count == 0 && gone.Copies.TrueForAll(copy => !copy.HasFile)) return;
        if (Thread.CurrentThread.IsThreadPoolThread) DepartNow(gone);
        else ThreadPool.UnsafeQueueUserWorkItem(DepartNow, gone, preferLocal: false);
    }

    private void DepartNow(Departures gone)
    {
        foreach (Copy copy in gone.Copies) _open.Drop(copy);
        foreach (Entry entry in gone.Files) Delete(entry);
    }

    private void Delete(Entry entry)
    {
        (int shelf, string name) = (CopyId.ShelfOf(entry.Id), CopyId.NameOf(entry.Id, entry.Sequence));
        bool isDeleted = false;
        if (Pace.TryEnter(out int place))
        {
            isDeleted = _folder!.Delete(shelf, name);
            Pace.Leave(place);
        }
        if (isDeleted) _isDirty = true;
        else _undeleted.Enqueue(entry);
    }

    private sealed class Departures
    {
        public readonly List<Entry> Files = [];
        public readonly List<Copy> Copies = [];
    }
}
