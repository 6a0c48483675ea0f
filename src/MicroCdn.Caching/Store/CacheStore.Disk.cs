using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Caching.Store;

// What the store reads from the disk and writes to it, on the pool.
public sealed partial class CacheStore
{
    private const int Stripes = 64;

    private readonly bool[] _shelfRead = new bool[CopyFolder.Shelves];
    private readonly Lock[] _stripes = [.. Enumerable.Range(0, Stripes).Select(_ => new Lock())];
    private readonly Lock _ticking = new();
    private readonly Task _listing = Task.CompletedTask;
    private volatile bool _isDirty;
    private long _unlisted, _persistAgainAt;
    private int _ended, _troubles;
    private bool _strangersNoted;

    /// <summary>Opens the file of a copy; null when there is none. One that is gone, or short, makes the copy
    /// leave.</summary>
    internal SharedFile? OpenFile(Copy copy)
    {
        Entry entry = copy.Entry;
        if (_folder is null || !entry.IsOnDisk) return null;
        (int shelf, string name) = (CopyId.ShelfOf(entry.Id), CopyId.NameOf(entry.Id, entry.Sequence));
        SharedFile? file = _folder.Open(shelf, name);
        // Without descriptors left it is there all the same.
        bool isBroken = file is null ? !_folder.Has(shelf, name) : IsShort(copy, file);
        if (isBroken && entry.IsOnDisk)
        {
            file?.Release();
            RemoveBroken(copy);
            return null;
        }
        // A copy that has left is not kept open: nobody would close it.
        return file is null || !entry.IsOnDisk || entry.Loaded != copy ? file : _open.Keep(copy, file);
    }

    /// <summary>Opens the file of a copy to add to it; one that is in memory alone gets one. On the pool.</summary>
    internal SharedFile? OpenToAdd(Copy copy)
    {
        if (!copy.Entry.IsOnDisk) Persist(copy);
        return copy.Open();
    }

    private static bool IsShort(Copy copy, SharedFile file)
    {
        ReadOnlySpan<ByteRange> present = copy.Present.Ranges;
        return file.Length < copy.BodyOffset + (present.IsEmpty ? 0 : present[^1].End);
    }

    private CopySet Find(CacheKey key)
    {
        UInt128 id = CopyId.Of(key);
        int shelf = CopyId.ShelfOf(id);
        // Readers of one shelf wait for one another: who comes second finds what the first one read.
        lock (_stripes[shelf % Stripes])
        {
            if (_files is null) return _index.TryFind(id, key.Text, out CopySet all) ? all : CopySet.Empty;
            List(shelf);
            List<Entry> entries;
            lock (_gate) entries = _index.EntriesOf(id);
            List<Copy> copies = [];
            foreach (Entry entry in entries)
            {
                if ((entry.Loaded ?? Load(entry, key)) is { } copy && copy.Key == key) copies.Add(copy);
            }
            copies.Sort((one, other) => other.State.Sequence.CompareTo(one.State.Sequence));
            LeaveReplaced(copies);
            return new CopySet([.. copies]);
        }
    }

    // Of two copies of one variant the older one was deleted once, and is back since a power cut.
    private void LeaveReplaced(List<Copy> newestFirst)
    {
        for (int at = newestFirst.Count - 1; at > 0; at--)
        {
            Copy copy = newestFirst[at];
            if (newestFirst.FindIndex(other => IsVariantOf(other, copy)) == at) continue;
            newestFirst.RemoveAt(at);
            Remove(copy);
        }
    }

    private Copy? Load(Entry entry, CacheKey? key)
    {
        Departures gone = new();
        // With its own lock, since a head that is being added would be missed.
        lock (entry)
        {
            Copy? copy = _files!.Load(this, entry, key, withBody: true, out bool isDamaged);
            lock (_gate)
            {
                if (!entry.IsIn) return null;
                if (entry.Loaded is { } other) return other;
                if (copy is not null) Load(copy, gone);
                else if (isDamaged) Leave(entry, gone);
            }
            Depart(gone);
            return copy;
        }
    }

    private void ListAll()
    {
        for (int shelf = 0; shelf < CopyFolder.Shelves && Volatile.Read(ref _ended) == 0; shelf++)
        {
            lock (_stripes[shelf % Stripes]) List(shelf);
        }
        Departures gone = new();
        lock (_gate)
        {
            _room.Give(_unlisted);
            _unlisted = 0;
            // The limits may be lower than they were.
            MakeRoom(0, gone);
        }
        Depart(gone);
    }

    private void List(int shelf)
    {
        if (_shelfRead[shelf]) return;
        List<(Entry Entry, long Bytes)> found = [];
        try
        {
            _folder!.List(shelf, (name, bytes) =>
            {
                if (CopyId.TryRead(shelf, name, out UInt128 id, out long sequence))
                {
                    found.Add((new Entry(id, sequence), Math.Max(bytes, BlockBytes)));
                }
                else if (!_strangersNoted)
                {
                    _strangersNoted = true;
                    NoteStrangers($"{shelf:x3}/{name}");
                }
            });
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A shelf that cannot be read has no copies; what is fetched anew goes on.
            Complain(exception);
        }
        Departures gone = new();
        lock (_gate)
        {
            foreach ((Entry entry, long bytes) in found)
            {
                // What this start wrote itself is known already.
                if (!_index.Add(entry)) continue;
                entry.IsOnDisk = true;
                _disk.Add(entry, bytes, isProven: true);
                long counted = Math.Min(_unlisted, bytes);
                _unlisted -= counted;
                _room.Take(bytes - counted);
                // It was there all the time, though nobody knew of it.
                if (Invalidations.AreAfter(entry.Id, entry.Sequence)) Leave(entry, gone);
            }
        }
        Depart(gone);
        Volatile.Write(ref _shelfRead[shelf], true);
    }

    // Writes a copy down that is in memory alone. What the disk refuses now it may take later.
    private void Persist(Copy copy)
    {
        Entry entry = copy.Entry;
        lock (entry)
        {
            if (!entry.IsIn || entry.IsOnDisk || _files is null) return;
            if (!TryPersist(copy, _files)) Volatile.Write(ref _persistAgainAt, Time.GetTimestamp() + PersistAgain);
            copy.EndPersisting();
        }
    }

    private bool TryPersist(Copy copy, CopyFiles files)
    {
        CopyFront front = FrontOf(copy);
        long weight = WeightOf(front.BodyOffset + copy.Present.Bytes);
        if (!TryReserve(weight)) return false;
        try
        {
            files.Write(copy.Entry, front, copy.Segments);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Unreserve(weight);
            Complain(exception);
            return false;
        }
        copy.BodyOffset = front.BodyOffset;
        Settle(copy.Entry, weight, weight);
        return true;
    }

    // The disk that refused one copy is not tried with each hit on every other.
    private bool MayPersist => Volatile.Read(ref _persistAgainAt) is var at && (at == 0 || Time.GetTimestamp() >= at);

    private long PersistAgain => 10 * Time.TimestampFrequency;

    // The file of an entry has its name: its bytes are reserved no more, they are used.
    private void Settle(Entry entry, long reserved, long weight)
    {
        bool isWanted;
        lock (_gate)
        {
            _room.Unreserve(reserved);
            isWanted = entry.IsIn;
            if (isWanted)
            {
                _disk.Add(entry, weight);
                _room.Take(weight);
                entry.IsOnDisk = true;
            }
        }
        _isDirty = true;
        if (!isWanted) _folder!.Delete(CopyId.ShelfOf(entry.Id), CopyId.NameOf(entry.Id, entry.Sequence));
    }

    // Of an entry that left memory there may be copies that know only an older end of its file.
    private Copy Known(Copy copy) =>
        copy.Entry.Loaded ?? (copy.Entry.IsOnDisk ? Load(copy.Entry, copy.Key) : null) ?? copy;

    // Adds a record where there is a file. A file that could not be added to says what is not so any more: it goes.
    private bool Append(Copy copy, Func<long, CopyRecord> make)
    {
        if (!copy.Entry.IsOnDisk) return true;
        long before = copy.TailLength;
        try
        {
            if (CopyFiles.HasLongTail(copy)) WriteAnew(copy);
            WithFile(copy, file => _files!.Append(copy, file, make));
            TakeTail(copy, before);
            _isDirty = true;
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Complain(exception);
            Remove(copy);
            return false;
        }
    }

    private void WriteAnew(Copy copy)
    {
        long bytes = WeightOf(copy.BodyOffset + copy.Length);
        // Without room its tail grows on.
        if (!TryReserve(bytes)) return;
        try
        {
            WithFile(copy, file => _files!.WriteAnew(copy, file));
        }
        finally
        {
            Unreserve(bytes);
        }
        // Who has the old file open reads the same body in it.
        _open.Drop(copy);
    }

    private static void WithFile(Copy copy, Action<SharedFile> action)
    {
        SharedFile file = copy.Open() ?? throw new IOException("a copy's file cannot be opened");
        try
        {
            action(file);
        }
        finally
        {
            file.Release();
        }
    }

    // What a copy's file grows by, or shrinks.
    private void TakeTail(Copy copy, long before)
    {
        long grown = WeightOf(copy.TailLength) - WeightOf(before);
        if (grown == 0) return;
        Departures gone = new();
        lock (_gate)
        {
            if (!copy.Entry.IsOnDisk) return;
            _room.Take(grown);
            Eviction<Entry>.Reweigh(copy.Entry, copy.Entry.Weight + grown);
            MakeRoom(0, gone);
        }
        Depart(gone);
    }

    private void Tick()
    {
        if (!_ticking.TryEnter()) return;
        try
        {
            if (Volatile.Read(ref _ended) == 1) return;
            if (!Numbers.IsOpen) BeginWriting();
            if (_isDirty) Synchronise(isLast: false);
            SweepWhenDue();
        }
        finally
        {
            _ticking.Exit();
        }
    }

    // Before the number of this start is written down nothing is written under it: on a full disk the copies that are
    // there are served, and others kept in memory, until there is room.
    private void BeginWriting()
    {
        try
        {
            _folder!.WriteState(Numbers.State(Numbers.Born, Numbers.UsedBefore));
            Numbers.Open();
        }
        catch (IOException exception)
        {
            Numbers.Close();
            Complain(exception);
        }
    }

    // What was written before the number was taken is synced; what is written meanwhile is the next one's.
    private void Synchronise(bool isLast)
    {
        _isDirty = false;
        // What is still being written at the end, or only begins, must not be taken for what was.
        bool isAll = isLast && Numbers.IsOpen && Numbers.Close();
        long horizon = Numbers.Horizon();
        long used;
        lock (_gate) used = _room.Used;
        try
        {
            if (!_folder!.Sync()) return;
            _folder.WriteState(Numbers.State(isAll ? Numbers.Born + Numbers.Block : horizon, used));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Complain(exception);
        }
    }

    // The disk may fail at every request: the log hears of the first, and of every thousandth.
    internal void Complain(Exception exception)
    {
        if (Interlocked.Increment(ref _troubles) % 1000 == 1) NoteTrouble(exception.Message);
    }

    private static CopyFront FrontOf(Copy copy) => new()
    {
        Key = copy.Key.Text,
        Head = copy.Head.Write(),
        Sequence = copy.State.IsSoftPurged ? -copy.State.Sequence : copy.State.Sequence,
        Length = copy.Length,
    };

    private static long WeightOf(long bytes) => (bytes + BlockBytes - 1) / BlockBytes * BlockBytes;
}
