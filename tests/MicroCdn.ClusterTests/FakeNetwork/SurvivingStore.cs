using MicroCdn.Records;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>A book that outlives its index, whose next change can be stopped or refused.</summary>
/// <remarks>Each start of the index takes a new one over the same rows.</remarks>
internal sealed class SurvivingStore(MemoryRecordStore rows) : IRecordStore
{
    /// <summary>What becomes of its next change.</summary>
    public TrappedChanges Traps { get; } = new();

    public Task<long> LoadAsync(RowTaker take, CancellationToken cancellationToken) =>
        rows.LoadAsync(take, cancellationToken);

    public Task CommitAsync(long number, IReadOnlyList<RecordRow> changed, CancellationToken cancellationToken) =>
        Traps.PassAsync(() => rows.CommitAsync(number, changed, cancellationToken), isSent: false, cancellationToken);

    public Task FollowAsync(long after, Func<RecordChange?, ValueTask> take, CancellationToken cancellationToken) =>
        rows.FollowAsync(after, take, cancellationToken);

    public ValueTask DisposeAsync() => default;
}

/// <summary>A content server's disk: after so many pieces of work it does none any more, until the server is
/// killed.</summary>
internal sealed class FailingDisk
{
    private int _left = int.MaxValue;

    /// <summary>True when work came that was not done.</summary>
    public bool IsStuck { get; private set; }

    /// <summary>Does so many more.</summary>
    public void StopAfter(int pieces) => Volatile.Write(ref _left, pieces);

    public Task RunAsync(Action work)
    {
        if (Interlocked.Decrement(ref _left) >= 0) return Task.Run(work);
        IsStuck = true;
        return new TaskCompletionSource().Task;
    }
}
