using System.IO.Pipelines;
using System.Threading.Channels;

namespace MicroCdn.Network;

/// <summary>One answer outside a conversation: for a protocol that keeps its requests apart by itself, as HTTP/2
/// does.</summary>
public sealed class SingleAnswer : IDisposable
{
    private readonly Channel<bool> _woken = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>An empty answer.</summary>
    public SingleAnswer() => Answer = new Answer(BufferPool.Shared, () => _woken.Writer.TryWrite(true));

    /// <summary>What is to be sent.</summary>
    public Answer Answer { get; }

    /// <summary>The text that comes first.</summary>
    public ReadOnlySpan<byte> Text => Answer.Unsent;

    /// <summary>Waits for an answer that was postponed.</summary>
    public async ValueTask ReadyAsync(CancellationToken cancellationToken)
    {
        while (Answer.Waits && !Answer.TakeLater())
        {
            await _woken.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Takes text off the front.</summary>
    public void TakeText(int length) => Answer.TextSent(length);

    /// <summary>Sends the rest.</summary>
    /// <returns>False when it could not be sent as announced, or the peer takes no more.</returns>
    public async ValueTask<bool> SendAsync(PipeWriter output, CancellationToken cancellationToken)
    {
        while (true)
        {
            Answer.Refill();
            bool taken = await PipeCarrier.SendAsync(Answer, output, cancellationToken).ConfigureAwait(false);
            if (!taken || Answer.Broken) return false;
            if (!Answer.IsPending) return true;
            if (Answer.Starves) await _woken.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Answer.Discard();
}
