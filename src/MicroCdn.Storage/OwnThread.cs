namespace MicroCdn.Storage;

/// <summary>Runs work that waits for the disk on a thread of its own: the pool, on which everybody else's work runs,
/// has hardly more threads than there are processors.</summary>
public static class OwnThread
{
    /// <summary>Runs it to its end.</summary>
    public static Task RunAsync(Action work) => Task.Factory.StartNew(
        work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
