using MicroCdn.Caching.Store;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Caching.Store;

// A disk that keeps somebody waiting keeps nobody else waiting, and is used again once it is well.
public sealed class DiskPaceTests
{
    private static readonly TimeSpan TooLong = DiskPace.Patience + TimeSpan.FromMilliseconds(1);

    [Fact]
    public void Nobody_begins_to_wait_while_somebody_waits_too_long_and_then_one_tries_at_a_time()
    {
        FakeTimeProvider time = new();
        DiskPace pace = new(time);
        Assert.True(pace.TryEnter(out int first) & pace.TryEnter(out int second));
        time.Advance(TooLong);
        Assert.False(pace.TryEnter(out _));
        Assert.False(pace.Leave(first));
        Assert.False(pace.TryEnter(out _));
        Assert.False(pace.Leave(second));
        Assert.True(pace.TryEnter(out int tried));
        Assert.False(pace.TryEnter(out _));
        Assert.True(pace.Leave(tried));
        Assert.True(pace.TryEnter(out _) & pace.TryEnter(out _));
    }

    [Fact]
    public void Those_who_wait_at_a_time_are_bounded()
    {
        DiskPace pace = new(new FakeTimeProvider());
        int waiting = 0;
        while (pace.TryEnter(out _)) waiting++;
        Assert.Equal(64, waiting);
    }

    [Fact]
    public void A_store_over_a_stuck_disk_is_one_in_memory_and_loses_nothing_that_is_on_it()
    {
        using StoreWorld world = new();
        foreach (string path in (string[])["/a", "/b"]) world.Put(path, StoreWorld.Bytes(400_000));
        world.Restart();
        world.WaitUntilListed();
        Copy known = world.Find("/b")!;
        Assert.True(world.Store.Pace.TryEnter(out int stuck));
        world.Time.Advance(TooLong);
        Assert.Null(world.Find("/a"));
        Assert.False(known.IsLost);
        Assert.Null(world.Put("/large", StoreWorld.Bytes(240_000))!.Open());
        Assert.Equal(StoreWorld.Bytes(240_000), StoreWorld.Body(world.Find("/large")!));
        using GrowingCopy larger =
            world.Store.Begin(StoreWorld.Key("/c"), StoreWorld.Head(), 300_000, world.Store.Mark());
        for (int n = 0; n < 6; n++) StoreWorld.Write(larger, new byte[n < 5 ? 50_000 : 40_000]);
        Assert.True(larger.IsPassing);
        Assert.Equal(2, world.Files.Length);

        world.Store.Pace.Leave(stuck);
        Assert.Equal(StoreWorld.Bytes(400_000), StoreWorld.Body(world.Find("/a")!));
        Assert.Equal(StoreWorld.Bytes(400_000), StoreWorld.Body(known));
        Assert.NotNull(world.Put("/later", [1])!.Open());
    }
}
