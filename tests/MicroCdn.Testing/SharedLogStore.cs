using MicroCdn.Records;

namespace MicroCdn.Testing;

/// <summary>The shared log as one index has it open.</summary>
/// <remarks>What it says takes its way over the network: a process that is stopped hears it when it goes on, and one
/// that is dead never. What was on its way there arrives all the same.</remarks>
internal sealed class SharedLogStore(SharedLog log, FakeHost host) : ISharedRecordStore
{
    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(1);

    // As long as an index tries to reach Redis before it refuses what it was to write.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10), Pause = TimeSpan.FromSeconds(0.2);

    private readonly long _began = host.Time.GetTimestamp();
    private long _sure = -1;
    private Lease? _lease;

    public TimeSpan Silence => host.Time.GetElapsedTime(_sure < 0 ? _began : _sure);

    private bool IsAway => log.IsAwayFrom(host);

    private long Until =>
        host.Time.GetTimestamp() + (long)(IWriterLease.Length.TotalSeconds * host.Time.TimestampFrequency);

    public Task<long> LoadAsync(RowTaker take, CancellationToken cancellationToken)
    {
        Demand();
        Dictionary<(byte, string), RecordRow> rows = [];
        RecordChange[] changes = log.All();
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

    public async Task CommitAsync(long number, IReadOnlyList<RecordRow> rows, CancellationToken cancellationToken)
    {
        Lease? lease = _lease;
        RecordChange change = new(number, [.. rows]);
        for (long began = host.Time.GetTimestamp(); IsAway;)
        {
            if (host.Time.GetElapsedTime(began) > Patience) Demand();
            await Task.Delay(Pause, host.Time, cancellationToken);
        }
        try
        {
            await log.Traps.PassAsync(() =>
            {
                log.Append(lease?.Token, change);
                return Task.CompletedTask;
            }, isSent: true, cancellationToken);
        }
        finally
        {
            await ArriveAsync(cancellationToken);
        }
    }

    public async Task FollowAsync(long after, Func<RecordChange?, ValueTask> take, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task news = log.News;
            bool isAway = IsAway;
            RecordChange[]? next = isAway ? [] : log.After(after);
            await ArriveAsync(cancellationToken);
            if (next is null)
            {
                await take(null);
                return;
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

    public async Task<(IWriterLease? Lease, string Holder)> ClaimLeaseAsync(
        string address, CancellationToken cancellationToken)
    {
        Demand();
        object token = new();
        (long last, string holder) = log.Claim(token, address, host.Time.GetTimestamp(), Until);
        await ArriveAsync(cancellationToken);
        if (last < 0) return (null, holder);
        _lease = new Lease(this, token, last);
        _lease.Begin();
        return (_lease, "");
    }

    public ValueTask DisposeAsync() => default;

    private void Demand()
    {
        if (IsAway) throw new RecordStoreException("the log is away (fake)") { IsAway = true };
    }

    private Task ArriveAsync(CancellationToken cancellationToken)
    {
        TaskCompletionSource arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
        host.Post(arrived.SetResult);
        return arrived.Task.WaitAsync(cancellationToken);
    }

    private sealed class Lease(SharedLogStore store, object token, long last) : IWriterLease
    {
        private readonly CancellationTokenSource _over = new();
        private readonly TaskCompletionSource<string> _lost =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        public long LastNumber => last;

        public Task<string> Lost => _lost.Task;

        public object Token => token;

        public void Begin() => _ = RenewAsync();

        public async ValueTask DisposeAsync()
        {
            await _over.CancelAsync();
            // One that died, or is cut off, gives nothing back: others wait for its end.
            if (!store.IsAway) store.Log.GiveBack(token);
        }

        private async Task RenewAsync()
        {
            while (!_over.IsCancellationRequested)
            {
                if (!store.IsAway)
                {
                    if (store.Log.Renew(token, store.Until) is { } other)
                    {
                        _lost.TrySetResult(other);
                        return;
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
