using MicroCdn.Records;

namespace MicroCdn.Testing;

/// <summary>Where a change of the book stops, or what becomes of it.</summary>
public enum StoreTrap
{
    /// <summary>Nothing is done to it.</summary>
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

/// <summary>Stops, refuses or doubts one change on its way into a fake book.</summary>
public sealed class TrappedChanges
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

    /// <summary>Has a change written, or what the trap says.</summary>
    /// <param name="write">Writes it.</param>
    /// <param name="isSent">True for one that is on its way to another machine: it comes there also when nobody waits
    /// for it any more.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    public async Task PassAsync(Func<Task> write, bool isSent, CancellationToken cancellationToken)
    {
        (StoreTrap trap, Trap) = (Trap, StoreTrap.None);
        if (_released.Task.IsCompleted) _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
        IsStopped = trap is StoreTrap.BeforeIt or StoreTrap.AfterIt;
        if (trap == StoreTrap.BeforeIt && isSent)
        {
            await WriteLaterAsync(write, _released.Task).WaitAsync(cancellationToken);
            return;
        }
        if (trap == StoreTrap.BeforeIt) await _released.Task.WaitAsync(cancellationToken);
        if (trap == StoreTrap.Refused) throw new RecordStoreException("the disk is full (fake)");
        if (trap == StoreTrap.UncertainAndNot) throw Uncertain();
        await write();
        Written++;
        if (trap == StoreTrap.AfterIt) await _released.Task.WaitAsync(cancellationToken);
        if (trap == StoreTrap.UncertainAndWritten) throw Uncertain();
    }

    private async Task WriteLaterAsync(Func<Task> write, Task released)
    {
        await released;
        await write();
        Written++;
    }

    private static RecordStoreException Uncertain() => new("no answer (fake)") { IsUncertain = true, IsAway = true };
}
