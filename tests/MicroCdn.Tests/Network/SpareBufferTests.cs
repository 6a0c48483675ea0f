using System.Runtime.CompilerServices;
using MicroCdn.Network;

namespace MicroCdn.Tests.Network;

// A burst leaves spare buffers behind; once all is quiet they are the collector's.
public sealed class SpareBufferTests
{
    [Fact]
    public void A_loops_spare_buffers_are_kept_until_they_are_released()
    {
        BufferPool pool = new();
        WeakReference buffer = Borrow(pool.Rent, pool.Return);
        Assert.True(IsKept(buffer));
        pool.Release();
        Assert.False(IsKept(buffer));
    }

    [Fact]
    public void Buffers_of_unfinished_lines_are_the_collectors_once_they_are_released()
    {
        WeakReference buffer = Borrow(() => HeldBuffers.Rent(16 * 1024), HeldBuffers.Return);
        HeldBuffers.Release();
        Assert.False(IsKept(buffer));
    }

    // Not inlined: the buffer must not live on in this frame of the test.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Borrow(Func<byte[]> rent, Action<byte[]> giveBack)
    {
        byte[] buffer = rent();
        giveBack(buffer);
        return new WeakReference(buffer);
    }

    private static bool IsKept(WeakReference buffer)
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true);
        return buffer.IsAlive;
    }
}
