using System.Threading.Channels;

namespace MicroCdn.Client;

/// <summary>Says that something happened; ringing twice before anyone listens is ringing once.</summary>
internal sealed class Bell(TimeProvider time)
{
    private readonly Channel<bool> _rings =
        Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    public void Ring() => _rings.Writer.TryWrite(true);

    /// <summary>Waits for a ring, at most so long; without a limit until it rings.</summary>
    public async Task WaitAsync(TimeSpan? limit, CancellationToken cancellationToken)
    {
        if (_rings.Reader.TryRead(out _) || limit <= TimeSpan.Zero) return;
        using CancellationTokenSource late = limit is { } span ? new(span, time) : new();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            await _rings.Reader.ReadAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // It did not ring.
        }
    }
}
