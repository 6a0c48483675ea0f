using System.Threading.Channels;

namespace MicroCdn.Monitor;

/// <summary>Wakes one waiter; raised often before it waits, it wakes it once.</summary>
internal sealed class Signal(TimeProvider time)
{
    private readonly Channel<bool> _raised =
        Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>Wakes the waiter, or the next one to wait.</summary>
    public void Raise() => _raised.Writer.TryWrite(true);

    /// <summary>Waits until it is raised or the time is over; null waits for ever.</summary>
    public async Task WaitAsync(TimeSpan? most, CancellationToken cancellationToken)
    {
        if (most is { } wait && wait > TimeSpan.Zero)
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            Task<bool> raised = _raised.Reader.WaitToReadAsync(stop.Token).AsTask();
            await Task.WhenAny(raised, Task.Delay(wait, time, stop.Token)).ConfigureAwait(false);
            // Ends the one that did not win: a wait that is left behind would stay in the channel.
            await stop.CancelAsync().ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
        }
        else if (most is null)
        {
            await _raised.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false);
        }
        _raised.Reader.TryRead(out _);
    }
}
