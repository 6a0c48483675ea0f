using MicroCdn.Storage;

namespace MicroCdn.Caching.Store;

// What the store writes to the disk, on the pool.
public sealed partial class CacheStore
{
    private readonly Lock _ticking = new();
    private volatile bool _isDirty;
    private long _persistAgainAt;
    private int _ended, _troubles;

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
            WithDisk(() => files.Write(copy.Entry, front, copy.Segments));
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

    // Nobody begins to wait for a disk that keeps others waiting.
    private void WithDisk(Action action)
    {
        if (!Pace.TryEnter(out int place)) throw new IOException("the disk is slow");
        try
        {
            action();
        }
        finally
        {
            Pace.Leave(place);
        }
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
        if (!isWanted) Delete(entry);
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
            WithFile(copy, file => WithDisk(() => _files!.Append(copy, file, make)));
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
            WithFile(copy, file => WithDisk(() => _files!.WriteAnew(copy, file)));
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

    private void LookAtDisk(CopyFolder folder)
    {
        long free = folder.FreeBytes;
        lock (_gate) _room.Look(free);
        for (int left = _undeleted.Count; left > 0 && _undeleted.TryDequeue(out Entry? entry); left--) Delete(entry);
    }

    private void Tick()
    {
        if (!_ticking.TryEnter()) return;
        try
        {
            if (Volatile.Read(ref _ended) == 1) return;
            if (_folder is not null) LookAtDisk(_folder);
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
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
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
