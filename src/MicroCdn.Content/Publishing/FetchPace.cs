namespace MicroCdn.Content.Publishing;

/// <summary>Keeps what is fetched from other servers, all together, at a bounded rate.</summary>
/// <param name="bytesPerSecond">The rate, 1 or more.</param>
/// <param name="time">The clock.</param>
internal sealed class FetchPace(long bytesPerSecond, TimeProvider time)
{
    // A wait shorter than this costs more than it is worth.
    private static readonly TimeSpan Slack = TimeSpan.FromMilliseconds(20);

    private readonly Lock _lock = new();
    private readonly long _began = time.GetTimestamp();
    private TimeSpan _paidUntil;

    /// <summary>Waits for as long as so many bytes that came are to take.</summary>
    public async ValueTask WaitAsync(int bytes, CancellationToken cancellationToken)
    {
        TimeSpan wait;
        lock (_lock)
        {
            TimeSpan now = time.GetElapsedTime(_began);
            if (_paidUntil < now) _paidUntil = now;
            _paidUntil += TimeSpan.FromSeconds((double)bytes / bytesPerSecond);
            wait = _paidUntil - now;
        }
        if (wait > Slack) await Task.Delay(wait, time, cancellationToken).ConfigureAwait(false);
    }
}
