using System.Text;

namespace MicroCdn.Caching.Store;

// Purges, and the sweep that lets them be forgotten.
public sealed partial class CacheStore
{
    // A fetch that began before a purge has long become a copy by then, or ended.
    private static readonly TimeSpan RememberFor = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan SweepEvery = TimeSpan.FromMinutes(1);

    private readonly Lock _purging = new();
    private readonly Queue<(long At, long Sequence)> _sweeps = new();
    private long _sweptAt, _sweptUpTo;
    private Task _sweep = Task.CompletedTask;

    /// <summary>Invalidates copies, those that are being fetched too, in the same time however many there are. It
    /// waits for the disk, once, on which the purges are before this returns. At the first that is refused it
    /// ends.</summary>
    public PurgeReceipt Purge(params IReadOnlyList<PurgeOrder> orders)
    {
        List<byte[]> records = [];
        long sequence = 0;
        string? trouble = null;
        lock (_purging)
        {
            foreach (PurgeOrder order in orders)
            {
                if (Encoding.UTF8.GetByteCount(order.Text) > CacheKey.MostBytes)
                {
                    trouble = "no key or tag is so long";
                    break;
                }
                PurgeRecord record;
                bool isAdded;
                // What enters meanwhile is judged by it, or has a lower number in its name.
                lock (_gate)
                {
                    sequence = Numbers.Next();
                    isAdded = Purges.Add(record = PurgeRecord.Of(order, sequence));
                }
                if (!isAdded)
                {
                    trouble = "more purges than can be remembered: purge a prefix, or all, or wait some minutes";
                    break;
                }
                records.Add(record.Write());
            }
            try
            {
                if (records.Count > 0) _purgeLog?.Append(records);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                Complain(exception);
                return new(sequence, $"it holds until the next start only: {exception.Message}");
            }
        }
        return trouble is null ? new(sequence, null) : new(0, trouble);
    }

    /// <summary>The sweep that a tick began last.</summary>
    internal Task Swept => _sweep;

    /// <summary>Judges every copy by the purges so far and takes out those that are gone; then purges are forgotten
    /// that no copy can be older than.</summary>
    internal void Sweep()
    {
        long upTo = Purges.Latest;
        bool isWhole = true;
        foreach (UInt128 id in _index.Ids())
        {
            if (Volatile.Read(ref _ended) == 1) return;
            List<Entry> entries;
            lock (_gate) entries = _index.EntriesOf(id);
            foreach (Entry entry in entries)
            {
                // What began after the last purge is touched by none.
                if (entry.Loaded?.State.Sequence < upTo || entry.Loaded is null) isWhole &= Judge(entry);
            }
        }
        // What could not be judged, or deleted, would be back after a restart.
        if (!isWhole || !_undeleted.IsEmpty) return;
        lock (_purging)
        {
            // The log may be the next start's by now: what that noted would be forgotten with what this one swept.
            if (Volatile.Read(ref _ended) == 1) return;
            _sweptUpTo = upTo;
            _sweeps.Enqueue((Time.GetTimestamp(), upTo));
            long forgotten = 0;
            while (_sweeps.TryPeek(out var oldest) && Time.GetElapsedTime(oldest.At) >= RememberFor)
            {
                forgotten = _sweeps.Dequeue().Sequence;
            }
            if (forgotten > 0 && _listing.IsCompleted) Forget(forgotten);
        }
    }

    private void SweepWhenDue()
    {
        bool isDue = Purges.Count > Purges.Most / 2 || Time.GetElapsedTime(_sweptAt) >= SweepEvery;
        bool isNeeded = Purges.Latest > _sweptUpTo || _sweeps.Count > 0;
        if (!isDue || !isNeeded || !_sweep.IsCompleted || !_listing.IsCompleted) return;
        _sweptAt = Time.GetTimestamp();
        _sweep = Task.Run(Sweep);
    }

    // Whoever opens the folder next finds nobody in it any more. A sweep that sees the end stops at the next copy.
    private void EndSweep() => Task.WaitAny(_sweep);

    // False when it could not be judged.
    private bool Judge(Entry entry)
    {
        Copy? copy;
        bool isLoaded = entry.Loaded is not null;
        // Most are told by their names, of which a million are judged without opening one.
        PurgeState? byName = isLoaded ? null : Purges.JudgeName(entry.Id, entry.Sequence, _sweptUpTo);
        if (byName == PurgeState.Gone) Remove(entry);
        if (byName is not null) return true;
        lock (entry)
        {
            bool isDamaged = false;
            copy = entry.Loaded ?? _files?.Load(this, entry, null, withBody: false, out isDamaged);
            if (!entry.IsIn) return true;
            if (copy is null) return isDamaged;
            CopyState state = copy.State;
            // The soft purge is written down with the copy, since it is going to be forgotten.
            if (copy.PurgeState == PurgeState.Soft && !state.IsSoftPurged)
            {
                if (isLoaded) Change(copy, state.AsSoftPurged());
                Append(copy, number => CopyRecord.OfHead(number, state.Head.Write(), -state.Sequence));
            }
        }
        if (copy.PurgeState == PurgeState.Gone) Remove(copy);
        return true;
    }

    private void Forget(long sequence)
    {
        Purges.Forget(sequence);
        try
        {
            _purgeLog?.Replace(Purges.Remembered().Select(one => one.Write()));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Complain(exception);
        }
    }

    private void Replay(byte[] record)
    {
        if (PurgeRecord.TryRead(record, out PurgeRecord purge)) Purges.Add(purge);
    }
}
