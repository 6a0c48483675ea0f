namespace MicroCdn;

/// <summary>Gives memory back to the system once a burst is over.</summary>
/// <remarks>
/// The collector runs when memory is asked for; a server that was busy and now is not would keep what the burst left
/// behind. So in the first quiet moment after a burst it is asked to collect and to give back.
/// </remarks>
internal static class MemoryKeeper
{
    private const long QuietBytes = 1 << 20;
    private const long WorthwhileBytes = 4 << 20;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(3);

    public static async Task RunAsync(TimeProvider time, CancellationToken cancellationToken)
    {
        using PeriodicTimer timer = new(Interval, time);
        long before = 0;
        long collected = 0;
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            long allocated = GC.GetTotalAllocatedBytes();
            long recent = allocated - before;
            long garbage = allocated - collected;
            before = allocated;
            // Quiet, or at least calm against what there was before.
            bool quiet = recent < QuietBytes && garbage >= WorthwhileBytes;
            bool calm = recent < garbage / 16 && garbage >= WorthwhileBytes * 8;
            if (!quiet && !calm) continue;
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            before = collected = GC.GetTotalAllocatedBytes();
        }
    }
}
