using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Caching.Store;

// What the store reads from the disk, on the pool.
public sealed partial class CacheStore
{
    private const int Stripes = 64;

    private readonly bool[] _shelfRead = new bool[CopyFolder.Shelves];
    private readonly Lock[] _stripes = [.. Enumerable.Range(0, Stripes).Select(_ => new Lock())];
    private readonly Task _listing = Task.CompletedTask;
    private long _unlisted;
    private bool _strangersNoted;

    /// <summary>Opens the file of a copy; null when there is none. One that is gone, or short, makes the copy
    /// leave.</summary>
    internal SharedFile? OpenFile(Copy copy)
    {
        Entry entry = copy.Entry;
        if (_folder is null || !entry.IsOnDisk) return null;
        (int shelf, string name) = (CopyId.ShelfOf(entry.Id), CopyId.NameOf(entry.Id, entry.Sequence));
        if (!Pace.TryEnter(out int place)) return null;
        SharedFile? file = _folder.Open(shelf, name);
        Pace.Leave(place);
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
        if (_files is null || TryFind(key, out _) || !Pace.TryEnter(out int place)) return FindLoaded(key);
        int shelf = CopyId.ShelfOf(CopyId.Of(key));
        Lock stripe = _stripes[shelf % Stripes];
        try
        {
            // Readers of one shelf wait for one another: who comes second finds what the first one read.
            if (!stripe.TryEnter(DiskPace.Patience)) return FindLoaded(key);
            try
            {
                List(shelf);
                return Find(key, entry => entry.Loaded ?? Load(entry, key));
            }
            finally
            {
                stripe.Exit();
            }
        }
        finally
        {
            Pace.Leave(place);
        }
    }

    private CopySet FindLoaded(CacheKey key) => Find(key, entry => entry.Loaded);

    private CopySet Find(CacheKey key, Func<Entry, Copy?> load)
    {
        List<Entry> entries;
        lock (_gate) entries = _index.EntriesOf(CopyId.Of(key));
        List<Copy> copies = [];
        foreach (Entry entry in entries)
        {
            if (load(entry) is { } copy && copy.Key == key) copies.Add(copy);
        }
        copies.Sort((one, other) => other.State.Sequence.CompareTo(one.State.Sequence));
        LeaveReplaced(copies);
        return new CopySet([.. copies]);
    }

    private async Task<CopySet> FindOnDiskAsync(CacheKey key)
    {
        try
        {
            return await Task.Run(() => Find(key)).WaitAsync(DiskPace.Patience, Time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return FindLoaded(key);
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
        lock (_gate)
        {
            _room.Give(_unlisted);
            _unlisted = 0;
        }
        TrimDisk();
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
}
