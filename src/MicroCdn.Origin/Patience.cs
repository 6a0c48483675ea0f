namespace MicroCdn.Origin;

/// <summary>Waits for one thing at a time, and does something when it takes too long.</summary>
internal sealed class Patience : IDisposable
{
    private readonly TimeProvider _time;
    private readonly Action<OriginFailure> _late;
    private readonly ITimer _timer;
    private OriginFailure _failure = OriginFailure.Stalled;
    private long _until = long.MaxValue;

    public Patience(TimeProvider time, Action<OriginFailure> late)
    {
        (_time, _late) = (time, late);
        _timer = time.CreateTimer(static state => ((Patience)state!).Look(), this, Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
    }

    /// <summary>From now on this limit counts, and none that was set before.</summary>
    public void Begin(TimeSpan limit, OriginFailure failure)
    {
        _failure = failure;
        Volatile.Write(ref _until, _time.GetTimestamp() + (long)(limit.TotalSeconds * _time.TimestampFrequency));
        _timer.Change(limit, Timeout.InfiniteTimeSpan);
    }

    /// <summary>It came. The timer is left as it is: when it fires it finds that nothing is waited for.</summary>
    public void End() => Volatile.Write(ref _until, long.MaxValue);

    public void Dispose() => _timer.Dispose();

    // A timer may fire some microseconds early by the other clock.
    private void Look()
    {
        if (Volatile.Read(ref _until) - (_time.TimestampFrequency / 100) <= _time.GetTimestamp()) _late(_failure);
    }
}
