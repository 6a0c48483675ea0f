using MicroCdn.Records;

namespace MicroCdn.Testing;

/// <summary>A log that several fake indexes share, as they would one Redis: in memory, one writer by a
/// lease.</summary>
public sealed class SharedLog
{
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(5), Pace = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly List<RecordChange> _changes = [];
    private readonly HashSet<string> _cutOff = [];
    private TaskCompletionSource _news = NewBell();
    private (object? Token, string Address, long Until) _writer;

    /// <summary>Opens it for the process of a host.</summary>
    public IRecordStore Open(FakeHost host) => new Opened(this, host);

    /// <summary>Takes it away from a host, or gives it back.</summary>
    public void Cut(string host, bool isAway)
    {
        lock (_lock)
        {
            if (isAway) _cutOff.Add(host);
            else _cutOff.Remove(host);
        }
        Ring();
    }

    private void Ring() => Interlocked.Exchange(ref _news, NewBell()).TrySetResult();

    private static TaskCompletionSource NewBell() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed class Opened(SharedLog log, FakeHost host) : ISharedRecordStore
    {
        private readonly long _began = host.Time.GetTimestamp();
        private long _sure = -1;
        private Lease? _lease;

        public TimeSpan Silence => host.Time.GetElapsedTime(_sure < 0 ? _began : _sure);

        private bool IsAway
        {
            get
            {
                lock (log._lock) return log._cutOff.Contains(host.Name) || host.IsCrashed;
            }
        }

        public Task<long> LoadAsync(RowTaker take, CancellationToken cancellationToken)
        {
            Demand();
            Dictionary<(byte, string), RecordRow> rows = [];
            RecordChange[] changes;
            lock (log._lock) changes = [.. log._changes];
            foreach (RecordRow row in changes.SelectMany(change => change.Rows))
            {
                rows[(row.Kind, Convert.ToHexString(row.Key))] = row;
            }
            foreach (RecordRow row in rows.Values)
            {
                if (row.Value is not null) take(row.Kind, row.Key, row.Value);
            }
            return Task.FromResult((long)changes.Length);
        }

        public Task CommitAsync(long number, IReadOnlyList<RecordRow> rows, CancellationToken cancellationToken)
        {
            Demand();
            lock (log._lock)
            {
                bool isOther = _lease is null || log._writer.Token != _lease || number != log._changes.Count + 1;
                if (isOther) throw new WriterLostException("another one is the writer (fake)");
                log._changes.Add(new RecordChange(number, [.. rows]));
            }
            log.Ring();
            return Task.CompletedTask;
        }

        public async Task FollowAsync(
            long after, Func<RecordChange?, ValueTask> take, CancellationToken cancellationToken)
        {
            while (true)
            {
                Task news = log._news.Task;
                RecordChange[] next = [];
                bool isAway = IsAway;
                lock (log._lock)
                {
                    if (!isAway) next = [.. log._changes.Skip((int)after)];
                }
                foreach (RecordChange change in next) await take(change);
                after += next.Length;
                if (next.Length > 0) continue;
                if (!isAway) _sure = host.Time.GetTimestamp();
                using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                await Task.WhenAny(news, Task.Delay(Pace, host.Time, over.Token));
                await over.CancelAsync();
                cancellationToken.ThrowIfCancellationRequested();
            }
        }

        public Task<(IWriterLease? Lease, string Holder)> ClaimLeaseAsync(
            string address, CancellationToken cancellationToken)
        {
            Demand();
            lock (log._lock)
            {
                if (log._writer.Token is not null && log._writer.Until > host.Time.GetTimestamp())
                {
                    return Task.FromResult<(IWriterLease?, string)>((null, log._writer.Address));
                }
                _lease = new Lease(this, log._changes.Count);
                log._writer = (_lease, address, Until());
            }
            _lease.Begin();
            return Task.FromResult<(IWriterLease?, string)>((_lease, ""));
        }

        public ValueTask DisposeAsync() => default;

        private void Demand()
        {
            if (IsAway) throw new RecordStoreException("the log is away (fake)") { IsAway = true };
        }

        private long Until() =>
            host.Time.GetTimestamp() + (long)(Length.TotalSeconds * host.Time.TimestampFrequency);

        private sealed class Lease(Opened store, long last) : IWriterLease
        {
            private readonly CancellationTokenSource _over = new();
            private readonly TaskCompletionSource<string> _lost =
                new(TaskCreationOptions.RunContinuationsAsynchronously);

            public long LastNumber => last;

            public Task<string> Lost => _lost.Task;

            public void Begin() => _ = RenewAsync();

            public async ValueTask DisposeAsync()
            {
                await _over.CancelAsync();
                lock (store.Log._lock)
                {
                    if (store.Log._writer.Token == this) store.Log._writer = default;
                }
            }

            private async Task RenewAsync()
            {
                while (!_over.IsCancellationRequested)
                {
                    if (!store.IsAway)
                    {
                        lock (store.Log._lock)
                        {
                            if (store.Log._writer.Token != this)
                            {
                                _lost.TrySetResult(store.Log._writer.Address ?? "");
                                return;
                            }
                            store.Log._writer.Until = store.Until();
                        }
                        store._sure = store.Host.Time.GetTimestamp();
                    }
                    await Task.Delay(Pace, store.Host.Time, _over.Token)
                        .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }
            }
        }

        private SharedLog Log => log;

        private FakeHost Host => host;
    }
}
