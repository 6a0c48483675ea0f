using MicroCdn.Records;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>Where a change of the book stops, or what becomes of it.</summary>
internal enum StoreTrap
{
    None,

    /// <summary>It is not written, and nobody hears; the index may be killed there.</summary>
    BeforeIt,

    /// <summary>It is written, and nobody hears.</summary>
    AfterIt,

    /// <summary>It is refused, and not written.</summary>
    Refused,

    /// <summary>It may have been written, and was not.</summary>
    UncertainAndNot,

    /// <summary>It may have been written, and was.</summary>
    UncertainAndWritten,
}

/// <summary>A book that outlives its index, whose next change can be stopped or refused.</summary>
/// <remarks>Each start of the index takes a new one over the same rows.</remarks>
internal sealed class SurvivingStore(MemoryRecordStore rows) : IRecordStore
{
    private TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What becomes of the next change, and of that one alone.</summary>
    public StoreTrap Trap { get; set; }

    /// <summary>True while a change is stopped.</summary>
    public bool IsStopped { get; private set; }

    /// <summary>How many changes were written.</summary>
    public long Written { get; private set; }

    /// <summary>Lets a change go on that was stopped.</summary>
    public void Release()
    {
        (Trap, IsStopped) = (StoreTrap.None, false);
        _released.TrySetResult();
    }

    public Task<long> LoadAsync(RowTaker take, CancellationToken cancellationToken) =>
        rows.LoadAsync(take, cancellationToken);

    public async Task CommitAsync(long number, IReadOnlyList<RecordRow> changed, CancellationToken cancellationToken)
    {
        (StoreTrap trap, Trap) = (Trap, StoreTrap.None);
        if (_released.Task.IsCompleted) _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
        IsStopped = trap is StoreTrap.BeforeIt or StoreTrap.AfterIt;
        if (trap == StoreTrap.BeforeIt) await _released.Task.WaitAsync(cancellationToken);
        if (trap == StoreTrap.Refused) throw new RecordStoreException("the disk is full (fake)");
        if (trap == StoreTrap.UncertainAndNot) throw Uncertain();
        await rows.CommitAsync(number, changed, cancellationToken);
        Written++;
        if (trap == StoreTrap.AfterIt) await _released.Task.WaitAsync(cancellationToken);
        if (trap == StoreTrap.UncertainAndWritten) throw Uncertain();
    }

    public Task FollowAsync(long after, Func<RecordChange?, ValueTask> take, CancellationToken cancellationToken) =>
        rows.FollowAsync(after, take, cancellationToken);

    public ValueTask DisposeAsync() => default;

    private static RecordStoreException Uncertain() => new("no answer (fake)") { IsUncertain = true };
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
