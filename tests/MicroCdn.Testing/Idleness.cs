using System.Diagnostics;

namespace MicroCdn.Testing;

/// <summary>Tells whether anything in this process still works: queued on the thread pool, or running there.</summary>
/// <remarks>
/// Some workers never rest and are none of ours: the test runner watches over long tests on one. They are learnt when a
/// world begins, while nothing of ours runs yet.
/// </remarks>
internal sealed class Idleness
{
    private static readonly TimeSpan Stuck = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestLearning = TimeSpan.FromSeconds(2);

    private int _strangers;

    /// <summary>Learns who works although nothing of ours does: whoever holds a thread while nothing is
    /// completed.</summary>
    public void Learn()
    {
        long began = Stopwatch.GetTimestamp();
        long since = began;
        for (long completed = -1; !Look() && Stopwatch.GetElapsedTime(began) < LongestLearning; Thread.Yield())
        {
            long now = ThreadPool.CompletedWorkItemCount;
            if (now != completed) (completed, since) = (now, Stopwatch.GetTimestamp());
            else if (Stopwatch.GetElapsedTime(since) > Stuck) _strangers = Busy();
        }
    }

    /// <summary>True when no work is queued and nobody works but the caller and those who never rest.</summary>
    public bool Look()
    {
        if (ThreadPool.PendingWorkItemCount > 0) return false;
        int busy = Busy();
        _strangers = Math.Min(_strangers, busy);
        return busy == _strangers;
    }

    /// <inheritdoc/>
    public override string ToString() =>
        $"{Busy()} at work, {_strangers} of them always, {ThreadPool.PendingWorkItemCount} queued";

    private static int Busy()
    {
        ThreadPool.GetAvailableThreads(out int available, out _);
        ThreadPool.GetMaxThreads(out int most, out _);
        return most - available - (Thread.CurrentThread.IsThreadPoolThread ? 1 : 0);
    }
}
