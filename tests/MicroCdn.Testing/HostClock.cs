using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Testing;

/// <summary>One host's view of the fake time: while it is paused its timers do not fire, yet time goes on.</summary>
/// <remarks>A timer that came due meanwhile, however often, fires once when it goes on, as after SIGSTOP.</remarks>
internal sealed class HostClock(FakeTimeProvider time) : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<HeldTimer> _due = [];
    private bool _paused;

    /// <summary>By how much it tells another time of day than the world.</summary>
    public TimeSpan Ahead { get; set; }

    public override long TimestampFrequency => time.TimestampFrequency;

    public override TimeZoneInfo LocalTimeZone => time.LocalTimeZone;

    public override long GetTimestamp() => time.GetTimestamp();

    public override DateTimeOffset GetUtcNow() => time.GetUtcNow() + Ahead;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        HeldTimer held = new(this, callback, state);
        held.Start(time.CreateTimer(static timer => ((HeldTimer)timer!).Due(), held, dueTime, period));
        return held;
    }

    public void Pause()
    {
        lock (_lock) _paused = true;
    }

    public void Resume()
    {
        HeldTimer[] due;
        lock (_lock)
        {
            _paused = false;
            due = [.. _due];
            _due.Clear();
        }
        foreach (HeldTimer timer in due) timer.Due();
    }

    private bool Holds(HeldTimer timer)
    {
        lock (_lock)
        {
            if (_paused && !_due.Contains(timer)) _due.Add(timer);
            return _paused;
        }
    }

    private sealed class HeldTimer(HostClock clock, TimerCallback callback, object? state) : ITimer
    {
        private volatile ITimer? _timer;
        private volatile bool _disposed;

        public void Start(ITimer timer) => _timer = timer;

        public void Due()
        {
            if (!_disposed && !clock.Holds(this)) callback(state);
        }

        public bool Change(TimeSpan dueTime, TimeSpan period) => _timer?.Change(dueTime, period) ?? false;

        public void Dispose()
        {
            _disposed = true;
            _timer?.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
