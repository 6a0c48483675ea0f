using System.Runtime.InteropServices;
using MicroCdn.Network;

namespace MicroCdn;

/// <summary>Gives memory back to the system once a burst is over.</summary>
/// <remarks>
/// The collector runs when memory is asked for; a server that was busy and now is not would keep what the burst left
/// behind. So in the first quiet moment after a burst it is asked to collect and to give back, and before that the
/// network leaves its spare buffers to it.
/// </remarks>
internal static partial class MemoryKeeper
{
    private const long QuietBytes = 1 << 20;

    // A burst that left no more managed garbage than this may still have left several times as much in the heaps.
    private const long WorthwhileBytes = 1 << 20;
    private const long BusyBytes = 32 << 20;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(3);

    public static async Task RunAsync(EventLoops loops, TimeProvider time, CancellationToken cancellationToken)
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
            bool calm = recent < garbage / 16 && garbage >= BusyBytes;
            if (!quiet && !calm) continue;
            await loops.ReleaseBuffersAsync();
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            TrimNativeHeap();
            before = collected = GC.GetTotalAllocatedBytes();
        }
    }

    // What the runtime and its compiler allocated and freed again; the C library would keep it.
    private static void TrimNativeHeap()
    {
        try
        {
            _ = malloc_trim(0);
        }
        catch (EntryPointNotFoundException)
        {
            // Another C library than glibc has no such call, and needs none.
        }
    }

    [LibraryImport("libc")]
    private static partial int malloc_trim(nuint pad);
}
