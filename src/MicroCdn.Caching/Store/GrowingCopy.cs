using MicroCdn.Protocol;

namespace MicroCdn.Caching.Store;

/// <summary>A body while it comes: written by one, read by everyone who waits for it.</summary>
/// <remarks>
/// <para>Think of a page in a typewriter that others read over the typist's shoulder. It grows in memory while it is
/// small and in a part file when it is not, and becomes a copy when it is complete and as long as was promised. Where
/// nothing can be kept (no room, a slow or broken disk, a body that is too large, an answer that must not be stored) it
/// passes through: the writer then goes no further ahead than a window's length of the slowest reader, and nobody can
/// join who would need what is gone. A reader that holds all others up for <see cref="Patience"/> is left
/// behind.</para>
/// <para>The writer is one thread at a time, on the pool; readers may be on loops. Waking happens on the writer's
/// thread, without the lock.</para>
/// </remarks>
public sealed class GrowingCopy : IDisposable
{
    /// <summary>Bytes between the writer and the slowest reader of what passes through: four receives of a
    /// connection at full speed.</summary>
    public const int WindowBytes = 256 * 1024;

    /// <summary>How long the writer waits for the slowest reader while another one is ahead of it.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>The most that is fetched of a body for a copy alone, when nobody reads it any more: 64 MiB, which a
    /// slow origin has sent in a minute. Larger ones come when somebody reads them, or in slices.</summary>
    internal const long MostAlone = 64 * 1024 * 1024;

    private readonly CacheStore _store;
    private readonly GrowingPlan _plan;
    private readonly Lock _lock = new();
    private readonly List<GrowingReader> _readers = [];
    private readonly GrowingBytes _bytes;
    private TaskCompletionSource? _writerWaits;
    private int _joins;
    private long _aloneSince;
    private bool _isReleased, _isFinishing, _isSealed, _isWanted;

    internal GrowingCopy(CacheStore store, GrowingPlan plan, bool isPassing = false)
    {
        (_store, _plan, _aloneSince) = (store, plan, plan.Part.Offset);
        _bytes = new GrowingBytes(store, plan);
        if (isPassing || (plan.Part.Length != long.MaxValue && plan.Part.Length > store.MostStored)) _bytes.Pass();
    }

    /// <summary>What it is to be a copy of.</summary>
    public CacheKey Key => _plan.Key;

    /// <summary>Its head.</summary>
    public StoredHead Head => _plan.Head;

    /// <summary>Length of the complete body, where it is known.</summary>
    public long? Length => _plan.Length;

    /// <summary>What of the body comes; up to the largest number where nobody knows.</summary>
    public ByteRange Part => _plan.Part;

    /// <summary>The offset behind the last byte that came.</summary>
    public long Written => _bytes.Written;

    /// <summary>Whether more will come.</summary>
    public GrowingState State { get; private set; }

    /// <summary>Why it was aborted, or not stored, in one sentence.</summary>
    public string? Reason { get; private set; }

    /// <summary>True while somebody reads it.</summary>
    public bool IsRead
    {
        get
        {
            lock (_lock) return _readers.Count > 0;
        }
    }

    /// <summary>True when something was purged since the origin was asked that this is a copy of: who asks only now
    /// must not get it.</summary>
    public bool IsPurged => _store.Invalidations.AreAfter(CopyId.Of(Key), _plan.Mark)
        || _store.Purges.Judge(Key, Tags.Of(Head.Fields), _plan.Mark) != PurgeState.Valid;

    /// <summary>True when it will not be stored.</summary>
    public bool IsPassing => _bytes.IsPassing;

    /// <summary>Joins the readers; null when its bytes are not to be had, or not any more.</summary>
    /// <param name="offset">The first byte that is wanted.</param>
    /// <param name="wake">Called when there is more, or an end, for a reader that had read nothing at last. Any thread;
    /// must be quick.</param>
    public GrowingReader? TryJoin(long offset, Action wake)
    {
        lock (_lock)
        {
            if (State == GrowingState.Aborted || _isReleased || offset < _bytes.First) return null;
            if (offset > _plan.Part.End || (State == GrowingState.Complete && offset > Written)) return null;
            GrowingReader reader = new(this, offset, wake);
            _readers.Add(reader);
            _joins++;
            return reader;
        }
    }

    /// <summary>Adds bytes; false when nobody wants more: it passes through, and no reader is left.</summary>
    /// <exception cref="InvalidOperationException">It has ended.</exception>
    public async ValueTask<bool> WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancel = default)
    {
        if (State != GrowingState.Growing) throw new InvalidOperationException("what has ended does not grow");
        if (bytes.Length > _plan.Part.End - Written) return Abort("more came than was promised");
        if (IsTooLargeForNobody()) return false;
        if (_bytes.TryKeep(bytes.Span))
        {
            Wake();
            return true;
        }
        while (!bytes.IsEmpty)
        {
            int taken;
            Task room;
            lock (_lock)
            {
                if (IsForNobody) return Abort("nobody wants it any more");
                taken = _bytes.TakeIntoWindow(bytes.Span, Slowest());
                _writerWaits ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                room = _writerWaits.Task;
            }
            Wake();
            if (taken == 0 && !await HasRoomAsync(room, cancel).ConfigureAwait(false)) return false;
            bytes = bytes[taken..];
        }
        return true;
    }

    /// <summary>Ends it. It is a copy now, which is answered, unless it passed through, was purged meanwhile, could not
    /// be written down, or is shorter than promised, in which case it is aborted.</summary>
    public Copy? Complete()
    {
        if (State != GrowingState.Growing) return null;
        if (_plan.Part.Length != long.MaxValue && Written != _plan.Part.End)
        {
            Abort("it ended before the promised length");
            return null;
        }
        // Readers hear of the end before the disk has its say.
        _isFinishing = true;
        End(GrowingState.Complete);
        Copy? copy = null;
        try
        {
            copy = _bytes.Finish(isWanted: _joins > 1);
            if (copy is null) Reason = IsPassing ? "it passed through" : "it was purged, or there is a newer one";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Reason = exception.Message;
            _store.Complain(exception);
        }
        lock (_lock)
        {
            _isFinishing = false;
            ReleaseBytes();
        }
        return copy;
    }

    /// <summary>Ends it short: nothing is stored, and readers are told. Always false.</summary>
    public bool Abort(string reason)
    {
        if (State != GrowingState.Growing) return false;
        Reason = reason;
        End(GrowingState.Aborted);
        return false;
    }

    /// <summary>Passes what comes from now on through: it turned out that it must not be stored.</summary>
    public void Pass() => _bytes.Pass();

    /// <summary>Says that all who will join have joined, so that nobody is waited for: without readers what passes
    /// through ends, and what is to be a copy takes at most 64 MiB more.</summary>
    /// <param name="isWanted">True when it is fetched for the store itself, as a stale copy is refreshed: then it is
    /// taken in whole.</param>
    public void Seal(bool isWanted = false)
    {
        lock (_lock)
        {
            (_isSealed, _isWanted) = (true, isWanted);
            ReleaseWriter();
        }
    }

    /// <summary>Aborts it unless it has ended.</summary>
    public void Dispose() => Abort("its writer gave up");

    internal int Read(GrowingReader reader, Span<byte> target)
    {
        // What is kept is copied without the lock; only what is in the window moves.
        int read;
        lock (_lock)
        {
            if (reader.IsLeftBehind || reader.HasLeft) return 0;
            read = _bytes.ReadWindow(reader.Offset, target);
            if (read == 0 && reader.Offset >= Written)
            {
                reader.IsAsleep = true;
                return 0;
            }
        }
        if (read == 0) read = _bytes.ReadKept(reader.Offset, target);
        lock (_lock)
        {
            reader.Advance(read);
            if (IsPassing) ReleaseWriter();
        }
        return read;
    }

    internal void Leave(GrowingReader reader)
    {
        lock (_lock)
        {
            if (!_readers.Remove(reader)) return;
            reader.HasLeft = true;
            if (!HasReaders) _aloneSince = Written;
            ReleaseWriter();
            ReleaseBytes();
        }
    }

    // The lock is held; with it nobody can join in between.
    private bool HasReaders => _readers.Exists(static reader => !reader.IsLeftBehind);

    private bool IsForNobody => (_isSealed || _joins > 0) && !HasReaders;

    // What comes of it for the copy alone is bounded, by what is still to come where that is known.
    private bool IsTooLargeForNobody()
    {
        lock (_lock)
        {
            if (_isWanted || !IsForNobody) return false;
            long rest = _plan.Part.Length == long.MaxValue ? Written - _aloneSince : _plan.Part.End - Written;
            return rest > MostAlone && !Abort("it is too large to be fetched for nobody");
        }
    }

    private async ValueTask<bool> HasRoomAsync(Task room, CancellationToken cancel)
    {
        try
        {
            await room.WaitAsync(Patience, _store.Time, cancel).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            List<GrowingReader> left;
            lock (_lock)
            {
                if (!HasReaders) return Abort("nobody came for it");
                long slowest = Slowest();
                // One that is alone holds nobody up: the origin waits for it.
                left = _readers.Exists(reader => !reader.IsLeftBehind && reader.Offset > slowest)
                    ? _readers.FindAll(reader => !reader.IsLeftBehind && reader.Offset <= slowest) : [];
                // It may be reading at this moment: its bytes stay until it leaves by itself.
                foreach (GrowingReader reader in left) reader.IsLeftBehind = true;
            }
            foreach (GrowingReader reader in left) reader.Wake();
            return true;
        }
    }

    // Before anybody joined, nothing leaves the window; when all have left, WriteAsync ends.
    private long Slowest()
    {
        if (!HasReaders) return 0;
        long slowest = Written;
        foreach (GrowingReader reader in _readers)
        {
            if (!reader.IsLeftBehind) slowest = Math.Min(slowest, reader.Offset);
        }
        return slowest;
    }

    private void ReleaseWriter()
    {
        _writerWaits?.TrySetResult();
        _writerWaits = null;
    }

    private void End(GrowingState state)
    {
        lock (_lock)
        {
            State = state;
            ReleaseBytes();
        }
        Wake();
    }

    private void ReleaseBytes()
    {
        if (State == GrowingState.Growing || _readers.Count > 0 || _isReleased || _isFinishing) return;
        _isReleased = true;
        _bytes.Release();
    }

    private void Wake()
    {
        GrowingReader[]? woken = null;
        int count = 0;
        lock (_lock)
        {
            foreach (GrowingReader reader in _readers)
            {
                bool isDue = reader.Offset < Written || State != GrowingState.Growing;
                if (reader.IsLeftBehind || !reader.IsAsleep || !isDue) continue;
                reader.IsAsleep = false;
                woken ??= new GrowingReader[_readers.Count];
                woken[count++] = reader;
            }
        }
        for (int n = 0; n < count; n++) woken![n].Wake();
    }
}

/// <summary>Whether more comes.</summary>
public enum GrowingState
{
    /// <summary>More comes.</summary>
    Growing,

    /// <summary>All came.</summary>
    Complete,

    /// <summary>It was cut short.</summary>
    Aborted,
}
