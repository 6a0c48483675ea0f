using System.Runtime.Versioning;

namespace MicroCdn.Storage;

/// <summary>Runs long work for which nobody waits, on a thread that yields to everything else.</summary>
[SupportedOSPlatform("linux")]
public static class LowPriority
{
    /// <summary>Runs one piece of work on a thread of its own, which ends with it.</summary>
    public static Task RunAsync(Action work)
    {
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Thread thread = new(() =>
        {
            // Nice is the kernel's for each thread; .NET's own priorities do nothing on Linux. The disk follows it.
            Libc.BeNice();
            try
            {
                work();
                done.SetResult();
            }
            catch (OperationCanceledException)
            {
                done.SetCanceled();
            }
            catch (Exception exception)
            {
                done.SetException(exception);
            }
        })
        {
            IsBackground = true,
            Name = "low priority",
        };
        thread.Start();
        return done.Task;
    }
}
