using MicroCdn.Storage;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Caching.Store;

/// <summary>Keeps copies of responses, in memory and on disk, within fixed bounds.</summary>
/// <remarks>
/// <para>Memory lies over disk. What is in memory is found without a lock, an allocation or a wait
/// (<see cref="TryFind(CacheKey, out CopySet)"/>), so that a hit is answered on an event loop; what must be read first
/// is found by <see cref="FindAsync"/>. A copy is written down when it is complete, and is in the store from that
/// moment on or not at all.</para>
/// <para>The disk is a help and never a reason to fail: where it is full, slow or broken, copies stay in memory alone
/// or pass through.</para>
/// <para>One lock guards all tables and both queues of eviction. It is held for microseconds and never while the disk
/// is waited for; the lock of one entry, held while its file is written, is always taken before it.</para>
/// </remarks>
public sealed partial class CacheStore : IDisposable
{
    private static readonly TimeSpan SyncEvery = TimeSpan.FromSeconds(1);

    private readonly CacheStoreOptions _options;
    private readonly ILogger _log;
    private readonly Lock _gate = new();
    private readonly KeyIndex _index = new();
    private readonly Eviction<Copy> _memory;
    private readonly Eviction<Entry> _disk;
    private readonly DiskRoom _room;
    private readonly OpenCopies _open;
    private readonly CopyFolder? _folder;
    private readonly CopyFiles? _files;
    private readonly RecordLog? _purgeLog;
    private readonly ITimer _timer;
    private long _growingInMemory;

    /// <summary>Opens a store. It finds copies at once; those of earlier starts are listed behind it.</summary>
    /// <exception cref="UnusableCopyFolderException">Another process has the folder, or it cannot be
    /// used.</exception>
    public CacheStore(CacheStoreOptions options, TimeProvider time, ILogger log)
    {
        (_options, Time, _log) = (options, time, log);
        _memory = new Eviction<Copy>(options.MemoryBytes);
        _disk = new Eviction<Entry>(options.DiskBytes);
        _open = new OpenCopies(options.MostOpenFiles);
        _room = new DiskRoom(options);
        Pace = new DiskPace(time);
        if (options.Folder is null)
        {
            Numbers = Numbers.Start([], time.GetUtcNow());
            Array.Fill(_shelfRead, true);
            _timer = time.CreateTimer(_ => Tick(), null, SyncEvery, SyncEvery);
            return;
        }
        _folder = CopyFolder.Open(options.Folder, new StoreHealth(NoteReadOnly), out IReadOnlyList<string> strangers);
        try
        {
            if (strangers.Count > 0) NoteStrangers(string.Join(", ", strangers));
            Numbers = Numbers.Start(_folder.ReadState(), time.GetUtcNow());
            BeginWriting();
            _files = new CopyFiles(_folder, Numbers);
            _purgeLog = _folder.OpenLog();
            _purgeLog.Read(Replay);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            _folder.Dispose();
            throw new UnusableCopyFolderException(_folder.Path, exception);
        }
        _room.Take(_unlisted = Numbers.UsedBefore);
        _room.Look(_folder.FreeBytes);
        // Not on the pool: on a machine with one core its one thread would be away, and the first requests with it.
        _listing = Task.Factory.StartNew(ListAll, CancellationToken.None, TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
        _timer = time.CreateTimer(_ => Tick(), null, SyncEvery, SyncEvery);
    }

    /// <summary>How much there is of what.</summary>
    public StoreFigures Figures
    {
        get
        {
            lock (_gate)
            {
                return new StoreFigures(_index.Count, _memory.Bytes + _growingInMemory, _room.Used, _room.Reserved)
                {
                    EvictedFromMemory = _memory.Evicted, EvictedFromDisk = _disk.Evicted,
                };
            }
        }
    }

    /// <summary>True once every copy of earlier starts is known.</summary>
    public Task Listed => _listing;

    internal Purges Purges { get; } = new();

    internal Invalidations Invalidations { get; } = new();

    internal Numbers Numbers { get; }

    internal TimeProvider Time { get; }

    /// <summary>Whether copies are kept on a disk; if not, in memory alone.</summary>
    public bool HasDisk => _folder is not null;

    internal DiskPace Pace { get; }

    /// <summary>The number of this moment: taken before an origin is asked, and given along with what it answers, so
    /// that a purge in between counts.</summary>
    public long Mark() => Numbers.Next();

    /// <summary>Finds all copies of a key in memory, purged ones too; false when it must be looked for on the disk, by
    /// <see cref="FindAsync"/>.</summary>
    public bool TryFind(CacheKey key, out CopySet copies) => TryFind(key.Text, out copies);

    /// <summary>The same for the text of a key, of which no string need be made for it.</summary>
    public bool TryFind(ReadOnlySpan<char> key, out CopySet copies)
    {
        UInt128 id = CopyId.Of(key);
        copies = CopySet.Empty;
        return Volatile.Read(ref _shelfRead[CopyId.ShelfOf(id)]) && _index.TryFind(id, key, out copies);
    }

    /// <summary>Finds all copies of a key, on the thread pool; those that are in memory when the disk keeps it
    /// waiting.</summary>
    public ValueTask<CopySet> FindAsync(CacheKey key) => TryFind(key, out CopySet copies)
        ? ValueTask.FromResult(copies) : new ValueTask<CopySet>(FindOnDiskAsync(key));

    /// <summary>Notes that a copy is used. Costs nothing, unless it is the first use of a copy that is in memory alone:
    /// then it is written down, on the pool.</summary>
    public void Touch(Copy copy)
    {
        Eviction<Copy>.Use(copy);
        Eviction<Entry>.Use(copy.Entry);
        if (_files is null || copy.Entry.IsOnDisk || !copy.Entry.IsIn || !MayPersist || !copy.ClaimPersisting()) return;
        ThreadPool.UnsafeQueueUserWorkItem(static one => one.Store.Persist(one.Copy), (Store: this, Copy: copy), true);
    }

    /// <summary>Puts a newer head in place of a copy's (RFC 9111, section 3.2), on disk too; false when the copy has
    /// left the store or was purged since, or when the head is longer than <see cref="StoredHead.MostBytes"/>: update
    /// by update it could grow without end. It waits for the disk.</summary>
    /// <param name="copy">The copy.</param>
    /// <param name="head">The newer head.</param>
    /// <param name="mark">What <see cref="Mark"/> said before the origin was asked.</param>
    public bool Update(Copy copy, StoredHead head, long mark)
    {
        if (head.Bytes > StoredHead.MostBytes) return false;
        lock (copy.Entry)
        {
            Copy known = Known(copy);
            CopyState before = known.State;
            if (!copy.Entry.IsIn || known.PurgeState == PurgeState.Gone) return false;
            long sequence = Math.Max(mark, before.Sequence);
            Change(copy, new CopyState(head, sequence, before.Present)
            {
                // A validation that began before the purge says nothing about it.
                IsSoftPurged = before.IsSoftPurged && mark <= before.Sequence,
            });
            return Append(known, number => CopyRecord.OfHead(number, head.Write(), sequence));
        }
    }

    /// <summary>Takes all copies of a key out, and keeps out what is being fetched for it (RFC 9111, section
    /// 4.4). After a power cut within a second a copy may be back; <see cref="Purge"/> promises more.</summary>
    public void Invalidate(CacheKey key)
    {
        UInt128 id = CopyId.Of(key);
        Departures gone = new();
        lock (_gate)
        {
            Invalidations.Note(id, Numbers.Next());
            foreach (Entry entry in _index.EntriesOf(id))
            {
                entry.IsInvalid = true;
                Leave(entry, gone);
            }
        }
        Depart(gone);
    }

    /// <summary>Takes one copy out.</summary>
    public void Remove(Copy copy) => Remove(copy.Entry);

    private void Remove(Entry entry)
    {
        Departures gone = new();
        lock (_gate) Leave(entry, gone);
        Depart(gone);
    }

    /// <summary>Takes a copy out whose file turned out short or unreadable, so that the next request for it is a miss.
    /// Any thread.</summary>
    public void RemoveBroken(Copy copy)
    {
        if (copy.Entry.IsIn) Complain(new IOException("a copy's file is short, or cannot be read"));
        Remove(copy);
    }

    /// <summary>Ends in good order: all that is complete survives, and is trusted at the next start.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _ended, 1) == 1) return;
        _timer.Dispose();
        if (_folder is null) return;
        _listing.Wait();
        lock (_ticking)
        {
            EndSweep();
            Synchronise(isLast: true);
            _open.Clear();
            _folder.Dispose();
        }
    }

    /// <summary>Ends as if the process had been killed.</summary>
    internal void Abandon()
    {
        if (_folder is null || Interlocked.Exchange(ref _ended, 1) == 1) return;
        _timer.Dispose();
        _listing.Wait();
        lock (_ticking)
        {
            EndSweep();
            _folder.Dispose();
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The cache keeps nothing more on disk: {Trouble}")]
    private partial void NoteReadOnly(string trouble);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "In the cache's folder is what is not the cache's, and is left alone: {Names}")]
    private partial void NoteStrangers(string names);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The cache could not write to its disk, and goes on: {Trouble}")]
    internal partial void NoteTrouble(string trouble);
}

/// <summary>How much a store holds.</summary>
/// <param name="Copies">Copies in memory and on disk; those on shelves that were not listed yet do not count.</param>
/// <param name="MemoryBytes">Bytes in memory.</param>
/// <param name="DiskBytes">Bytes on disk.</param>
/// <param name="ReservedBytes">Bytes on disk that belong to what is growing.</param>
public readonly record struct StoreFigures(int Copies, long MemoryBytes, long DiskBytes, long ReservedBytes)
{
    /// <summary>Copies that left memory since the start because others needed the room; those that are on disk stay
    /// there.</summary>
    public long EvictedFromMemory { get; init; }

    /// <summary>Copies that left the disk since the start because others needed the room.</summary>
    public long EvictedFromDisk { get; init; }
}
