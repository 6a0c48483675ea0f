namespace MicroCdn.Gateway.Notify;

/// <summary>Wakes one who waits; rung while nobody waits, it is heard by the next who does.</summary>
internal sealed class Bell(TimeProvider time)
{
    private volatile TaskCompletionSource _next = New();

    /// <summary>Rings; from any thread.</summary>
    public void Ring() => _next.TrySetResult();

    /// <summary>Waits until it rings, at most so long.</summary>
    public async Task WaitAsync(TimeSpan most, CancellationToken cancellationToken)
    {
        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(_next.Task, Task.Delay(most, time, over.Token)).ConfigureAwait(false);
        await over.CancelAsync().ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        if (_next.Task.IsCompleted) _next = New();
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
