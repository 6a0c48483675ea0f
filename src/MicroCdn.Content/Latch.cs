namespace MicroCdn.Content;

/// <summary>Whether something is so now, for those who wait until it is. Any thread.</summary>
internal sealed class Latch
{
    private readonly Lock _lock = new();
    private TaskCompletionSource _set = New();

    /// <summary>Whether it is so.</summary>
    public bool Is
    {
        get
        {
            lock (_lock) return _set.Task.IsCompleted;
        }
        set
        {
            lock (_lock)
            {
                if (value) _set.TrySetResult();
                else if (_set.Task.IsCompleted) _set = New();
            }
        }
    }

    /// <summary>Waits until it is so.</summary>
    public Task WaitAsync(CancellationToken cancellationToken)
    {
        lock (_lock) return _set.Task.WaitAsync(cancellationToken);
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
