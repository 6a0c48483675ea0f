namespace MicroCdn.Content;

/// <summary>How far this server is with the purges of its index, for servers that ask one another for copies.</summary>
/// <remarks>
/// <para>A copy that another server has may be one that was purged here already. So whoever asks says what he has
/// purged, and whoever is asked and has not come so far lets nobody have a copy.</para>
/// <para>What is being applied at this moment counts as purged where we ask, and as not purged where we are asked:
/// in between some copies are gone and others are not. Numbers of different logs cannot be compared, but a log that
/// we have left for another one is over: whoever still follows it is behind. Any thread.</para>
/// </remarks>
public sealed class PurgeProgress
{
    /// <summary>How long a server that is asked may take to come so far. All are told at the same time, and each writes
    /// down what it applies; longer than this one takes that has lost its index.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(200);

    private readonly Lock _lock = new();
    private PurgeDemand _begun;
    private (ulong Epoch, long Number)? _applied;
    private TaskCompletionSource _moved = NewMove();

    /// <summary>What a server must have applied of which we want a copy; null when we have purged nothing.</summary>
    public PurgeDemand? Demand
    {
        get
        {
            lock (_lock) return _begun.Epoch == 0 ? null : _begun;
        }
    }

    /// <summary>Says that purges are about to be applied.</summary>
    /// <param name="epoch">The log that they are of.</param>
    /// <param name="number">The last of them.</param>
    public void Begin(ulong epoch, long number)
    {
        lock (_lock)
        {
            ulong former = epoch == _begun.Epoch ? _begun.Former : _begun.Epoch;
            _begun = new PurgeDemand(epoch, number, former);
        }
    }

    /// <summary>Says that they are applied.</summary>
    /// <param name="epoch">The log that they are of.</param>
    /// <param name="number">The last of them.</param>
    public void Reach(ulong epoch, long number)
    {
        TaskCompletionSource moved;
        lock (_lock)
        {
            _applied = (epoch, number);
            (moved, _moved) = (_moved, NewMove());
        }
        moved.SetResult();
    }

    /// <summary>True when this server has not applied what another one has. One that follows no index never
    /// is.</summary>
    public bool IsBehind(PurgeDemand demand)
    {
        lock (_lock)
        {
            if (_applied is not { } applied) return false;
            if (applied.Epoch == demand.Epoch) return applied.Number < demand.Number;
            // Who knows no log yet may have any copy.
            return applied.Epoch == 0 || applied.Epoch == demand.Former;
        }
    }

    /// <summary>Waits until this server has applied what another one has; false when that takes longer than
    /// <see cref="Patience"/>.</summary>
    public async Task<bool> IsInStepAsync(PurgeDemand demand, TimeProvider time)
    {
        using CancellationTokenSource late = new(Patience, time);
        try
        {
            while (true)
            {
                Task moved;
                lock (_lock) moved = _moved.Task;
                if (!IsBehind(demand)) return true;
                await moved.WaitAsync(late.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static TaskCompletionSource NewMove() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>What a server must have applied before a copy of it is used.</summary>
/// <param name="Epoch">The log.</param>
/// <param name="Number">The last purge of it.</param>
/// <param name="Former">The log before, which is over; 0 for none.</param>
public readonly record struct PurgeDemand(ulong Epoch, long Number, ulong Former);
