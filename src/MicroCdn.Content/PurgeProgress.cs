namespace MicroCdn.Content;

/// <summary>How far this server is with the purges of its indexes, for servers that ask one another for
/// copies.</summary>
/// <remarks>
/// <para>A copy that another server has may be one that was purged here already. So whoever asks says what he has
/// purged, and whoever is asked and has not come so far lets nobody have a copy.</para>
/// <para>What is being applied at this moment counts as purged where we ask, and as not purged where we are asked:
/// in between some copies are gone and others are not. Each index has a log of its own. Numbers of different logs
/// cannot be compared, but a log that we have left for another one is over: whoever still follows it is behind. Any
/// thread.</para>
/// </remarks>
public sealed class PurgeProgress
{
    /// <summary>How long a server that is asked may take to come so far. All are told at the same time, and each writes
    /// down what it applies; longer than this one takes that has lost its index.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(200);

    private readonly Lock _lock = new();
    private readonly List<PurgeTrack> _tracks = [];
    private TaskCompletionSource _moved = NewMove();

    /// <summary>What a server must have applied of which we want a copy; nothing when we have purged nothing.</summary>
    public IReadOnlyList<PurgeDemand> Demands
    {
        get
        {
            lock (_lock)
            {
                return [.. _tracks.Select(track => track.Begun).Where(demand => demand.Epoch != 0).Distinct()];
            }
        }
    }

    /// <summary>Follows the log of one index from now on.</summary>
    /// <param name="epoch">The log as it is known from before; 0 when none is.</param>
    /// <param name="number">The last purge of it that is applied.</param>
    public PurgeTrack Follow(ulong epoch, long number)
    {
        PurgeTrack track = new(this, epoch, number);
        lock (_lock) _tracks.Add(track);
        return track;
    }

    /// <summary>True when this server has not applied what another one has. One that follows no index never
    /// is.</summary>
    public bool IsBehind(IReadOnlyList<PurgeDemand> demands)
    {
        lock (_lock) return demands.Any(IsBehind);
    }

    /// <summary>Waits until this server has applied what another one has; false when that takes longer than
    /// <see cref="Patience"/>.</summary>
    public async Task<bool> IsInStepAsync(IReadOnlyList<PurgeDemand> demands, TimeProvider time)
    {
        using CancellationTokenSource late = new(Patience, time);
        try
        {
            while (true)
            {
                Task moved;
                lock (_lock) moved = _moved.Task;
                if (!IsBehind(demands)) return true;
                await moved.WaitAsync(late.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    internal void Begin(PurgeTrack track, ulong epoch, long number)
    {
        lock (_lock)
        {
            ulong former = epoch == track.Begun.Epoch ? track.Begun.Former : track.Begun.Epoch;
            track.Begun = new PurgeDemand(epoch, number, former);
        }
    }

    internal void Reach(PurgeTrack track, ulong epoch, long number)
    {
        TaskCompletionSource moved;
        lock (_lock)
        {
            track.Applied = (epoch, number);
            (moved, _moved) = (_moved, NewMove());
        }
        moved.SetResult();
    }

    // Of one log; under the lock.
    private bool IsBehind(PurgeDemand demand)
    {
        bool isOver = false;
        foreach (PurgeTrack track in _tracks)
        {
            if (track.Applied.Epoch == demand.Epoch) return track.Applied.Number < demand.Number;
            // Who does not know the log of one of its indexes yet may have any copy.
            isOver |= track.Applied.Epoch == 0 || track.Applied.Epoch == demand.Former;
        }
        return isOver;
    }

    private static TaskCompletionSource NewMove() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>How far this server is with the purges of one index.</summary>
public sealed class PurgeTrack
{
    private readonly PurgeProgress _progress;

    internal PurgeTrack(PurgeProgress progress, ulong epoch, long number)
    {
        _progress = progress;
        Begun = new PurgeDemand(epoch, number, 0);
        Applied = (epoch, number);
    }

    // Both under the lock of the progress.
    internal PurgeDemand Begun { get; set; }

    internal (ulong Epoch, long Number) Applied { get; set; }

    /// <summary>Says that purges are about to be applied.</summary>
    /// <param name="epoch">The log that they are of.</param>
    /// <param name="number">The last of them.</param>
    public void Begin(ulong epoch, long number) => _progress.Begin(this, epoch, number);

    /// <summary>Says that they are applied.</summary>
    /// <param name="epoch">The log that they are of.</param>
    /// <param name="number">The last of them.</param>
    public void Reach(ulong epoch, long number) => _progress.Reach(this, epoch, number);
}

/// <summary>What of one log a server must have applied before a copy of it is used.</summary>
/// <param name="Epoch">The log.</param>
/// <param name="Number">The last purge of it.</param>
/// <param name="Former">The log before, which is over; 0 for none.</param>
public readonly record struct PurgeDemand(ulong Epoch, long Number, ulong Former);
