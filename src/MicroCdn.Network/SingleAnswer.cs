using System.IO.Pipelines;

namespace MicroCdn.Network;

/// <summary>One answer outside a conversation: for a protocol that keeps its requests apart by itself, as HTTP/2
/// does.</summary>
public sealed class SingleAnswer : IDisposable
{
    private readonly TaskCompletionSource _given = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>An empty answer.</summary>
    public SingleAnswer() => Answer = new Answer(BufferPool.Shared, _given.SetResult);

    /// <summary>What is to be sent.</summary>
    public Answer Answer { get; }

    /// <summary>The text that comes first.</summary>
    public ReadOnlySpan<byte> Text => Answer.Unsent;

    /// <summary>Waits for an answer that was postponed.</summary>
    public async ValueTask ReadyAsync(CancellationToken cancellationToken)
    {
        if (!Answer.Waits) return;
        await _given.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        Answer.TakeLater();
    }

    /// <summary>Takes text off the front.</summary>
    public void TakeText(int length) => Answer.TextSent(length);

    /// <summary>Sends the rest.</summary>
    /// <returns>False when it could not be sent as announced, or the peer takes no more.</returns>
    public async ValueTask<bool> SendAsync(PipeWriter output, CancellationToken cancellationToken)
    {
        Answer.Refill();
        Sending sending =
            await PipeCarrier.SendAsync(Answer, output, _ => { }, cancellationToken).ConfigureAwait(false);
        return sending == Sending.Done && !Answer.Broken;
    }

    /// <inheritdoc/>
    public void Dispose() => Answer.Discard();
}
