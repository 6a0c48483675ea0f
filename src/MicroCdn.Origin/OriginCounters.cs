using MicroCdn.Network;

namespace MicroCdn.Origin;

/// <summary>What was asked of one origin since the start, for the metrics.</summary>
public sealed class OriginCounters
{
    private readonly long[] _failures = new long[OriginFailure.All.Count];
    private long _requests;
    private long _repeated;
    private long _opened;
    private long _reused;
    private long _received;
    private volatile OriginFailure? _down;

    /// <summary>How long it took from each request to the head of its answer.</summary>
    public Durations Times { get; } = new(0.01, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10);

    /// <summary>Requests that were to be sent, those too that failed before.</summary>
    public long Requests => Interlocked.Read(ref _requests);

    /// <summary>Requests that were sent a second time, on a fresh connection.</summary>
    public long Repeated => Interlocked.Read(ref _repeated);

    /// <summary>Connections that were opened.</summary>
    public long ConnectionsOpened => Interlocked.Read(ref _opened);

    /// <summary>Requests that rode on a connection that was there.</summary>
    public long ConnectionsReused => Interlocked.Read(ref _reused);

    /// <summary>Bytes of bodies received.</summary>
    public long BodyBytes => Interlocked.Read(ref _received);

    /// <summary>How it failed the last request that it was asked; null when it answered. What is ours, such as too many
    /// requests at once, says nothing of it.</summary>
    public OriginFailure? Down => _down;

    /// <summary>How many times it failed, in whichever way.</summary>
    public long AllFailures => OriginFailure.All.Sum(Failures);

    /// <summary>How many times it failed in this way.</summary>
    public long Failures(OriginFailure failure) => Interlocked.Read(ref _failures[IndexOf(failure)]);

    internal void Asked() => Interlocked.Increment(ref _requests);

    internal void AskedAgain() => Interlocked.Increment(ref _repeated);

    internal void Opened() => Interlocked.Increment(ref _opened);

    internal void Reused() => Interlocked.Increment(ref _reused);

    internal void Received(int bytes) => Interlocked.Add(ref _received, bytes);

    internal void Failed(OriginFailure failure)
    {
        Interlocked.Increment(ref _failures[IndexOf(failure)]);
        if (failure != OriginFailure.Busy && failure != OriginFailure.RequestBody) _down = failure;
    }

    internal void Answered(TimeSpan duration)
    {
        Times.Add(duration);
        // Mostly nothing changes, and nothing is written.
        if (_down is not null) _down = null;
    }

    private static int IndexOf(OriginFailure failure)
    {
        for (int at = 0; at < OriginFailure.All.Count; at++)
        {
            if (ReferenceEquals(OriginFailure.All[at], failure)) return at;
        }
        throw new ArgumentException($"'{failure}' is not in the table.", nameof(failure));
    }
}
