using MicroCdn.Caching.Store;

namespace MicroCdn.Tests.Caching.Store;

// The bounds hold at all times, and what is wanted survives them.
public sealed class LimitsTests
{
    private const long MiB = 1024 * 1024;

    [Fact]
    public void The_disk_never_takes_more_than_its_limit()
    {
        using StoreWorld world = new(new CacheStoreOptions { DiskBytes = 4 * MiB, MemoryBytes = MiB });
        world.WaitUntilListed();
        for (int n = 0; n < 60; n++)
        {
            world.Put($"/{n}", StoreWorld.Bytes(n % 2 == 0 ? 300_000 : 3000, n));
            Assert.True(world.Files.Sum(file => new FileInfo(file).Length) <= 4 * MiB);
            Assert.True(world.Store.Figures.DiskBytes <= 4 * MiB);
            Assert.True(world.Store.Figures.MemoryBytes <= MiB);
        }
        Assert.Equal(StoreWorld.Bytes(300_000, 58), StoreWorld.Body(world.Find("/58")!));
    }

    [Fact]
    public void Everything_that_grows_at_once_has_its_bytes_reserved()
    {
        using StoreWorld world = new(new CacheStoreOptions { DiskBytes = 8 * MiB, MemoryBytes = 4 * MiB });
        world.WaitUntilListed();
        List<GrowingCopy> all = [];
        for (int n = 0; n < 1000; n++)
        {
            all.Add(world.Store.Begin(StoreWorld.Key($"/{n}"), StoreWorld.Head(), 500_000, world.Store.Mark()));
            StoreWorld.Write(all[n], new byte[50_000]);
        }
        for (int round = 0; round < 5; round++)
        {
            foreach (GrowingCopy one in all.Where(one => !one.IsPassing)) StoreWorld.Write(one, new byte[50_000]);
            StoreFigures figures = world.Store.Figures;
            Assert.True(figures.DiskBytes + figures.ReservedBytes <= 8 * MiB);
            Assert.True(figures.MemoryBytes <= 4 * MiB);
            Assert.True(world.Parts.Sum(part => new FileInfo(part).Length) <= figures.ReservedBytes);
        }
        Assert.Contains(all, one => !one.IsPassing);
        foreach (GrowingCopy one in all) one.Dispose();
        Assert.Equal(0, world.Store.Figures.ReservedBytes);
        Assert.Equal(0, world.Store.Figures.MemoryBytes);
        Assert.Empty(world.Parts);
    }

    [Fact]
    public void Once_something_must_leave_what_was_asked_for_once_stays_off_the_disk()
    {
        using StoreWorld world = new(new CacheStoreOptions { DiskBytes = MiB, MemoryBytes = MiB });
        world.WaitUntilListed();
        for (int n = 0; n < 100; n++) world.Put($"/{n}", StoreWorld.Bytes(10_000, n));
        string[] before = world.Files;
        world.Put("/once", StoreWorld.Bytes(10_000));
        Assert.Equal(before, world.Files);
        Copy wanted = world.Put("/wanted", StoreWorld.Bytes(10_000))!;
        world.Store.Touch(wanted);
        Assert.True(SpinWait.SpinUntil(() => wanted.Open() is not null, TimeSpan.FromSeconds(10)));
        // It left memory, was forgotten, and comes back: now it is worth the disk.
        for (int n = 200; n < 400; n++) world.Put($"/{n}", StoreWorld.Bytes(10_000, n));
        Assert.Null(world.Find("/399")!.Open());
        Assert.Null(world.Find("/290"));
        Assert.NotNull(world.Put("/290", StoreWorld.Bytes(10_000))!.Open());
    }

    [Fact]
    public void A_body_that_is_too_large_passes_through()
    {
        using StoreWorld world = new(new CacheStoreOptions { DiskBytes = MiB });
        using GrowingCopy known = world.Store.Begin(StoreWorld.Key("/a"), StoreWorld.Head(), MiB, world.Store.Mark());
        Assert.True(known.IsPassing);
        using GrowingCopy unknown =
            world.Store.Begin(StoreWorld.Key("/b"), StoreWorld.Head(), null, world.Store.Mark());
        using GrowingReader reader = unknown.TryJoin(0, () => { })!;
        byte[] body = StoreWorld.Bytes((int)MiB), read = new byte[MiB];
        int done = 0;
        foreach (byte[] piece in body.Chunk(65_536))
        {
            StoreWorld.Write(unknown, piece);
            while (reader.Read(read.AsSpan(done)) is > 0 and int more) done += more;
        }
        Assert.True(unknown.IsPassing);
        Assert.Null(unknown.Complete());
        Assert.Equal(body, read);
        reader.Dispose();
        Assert.Empty(world.Parts);
    }

    [Fact]
    public void The_floor_of_free_space_holds()
    {
        using StoreWorld world = new();
        world.Store.Dispose();
        world.Options = world.Options with { LeastFreeBytes = long.MaxValue / 2 };
        using CacheStore store = world.Open();
        using GrowingCopy large = store.Begin(StoreWorld.Key("/a"), StoreWorld.Head(), 500_000, store.Mark());
        for (int n = 0; n < 10; n++) StoreWorld.Write(large, new byte[50_000]);
        Assert.True(large.IsPassing);
        using GrowingCopy small = store.Begin(StoreWorld.Key("/b"), StoreWorld.Head(), 1, store.Mark());
        StoreWorld.Write(small, new byte[1]);
        Assert.NotNull(small.Complete());
        Assert.Empty(world.Files);
        Assert.Equal(1, store.Figures.Copies);
    }

    [Fact]
    public void As_many_leave_as_must_however_many_that_are()
    {
        using StoreWorld world = new(new CacheStoreOptions { DiskBytes = 4 * MiB });
        world.WaitUntilListed();
        for (int n = 0; n < 1000; n++) world.Put($"/{n}", [(byte)n]);
        byte[] large = StoreWorld.Bytes((int)MiB * 19 / 10);
        Assert.Equal(large, StoreWorld.FromDisk(world.Put("/large", large)!));
        Assert.InRange(world.Files.Length, 300, 700);
        world.Options = world.Options with { MostCopies = 10 };
        world.Restart();
        world.WaitUntilListed();
        Assert.Equal(10, world.Files.Length);
    }

    [Fact]
    public void Newer_heads_count_too()
    {
        using StoreWorld world = new(new CacheStoreOptions { DiskBytes = MiB });
        world.WaitUntilListed();
        for (int n = 0; n < 20; n++) world.Put($"/{n}", StoreWorld.Bytes(1000, n));
        for (int n = 0; n < 20; n++)
        {
            if (world.Find($"/{n}") is not { } copy) continue;
            for (int more = 0; more < 6; more++)
            {
                world.Store.Update(copy, StoreWorld.Head($"X: {new string('x', 15_000)}\r\n"), world.Store.Mark());
            }
            Assert.True(world.Files.Sum(file => new FileInfo(file).Length) <= world.Store.Figures.DiskBytes);
            Assert.True(world.Store.Figures.DiskBytes <= MiB);
        }
    }

    [Fact]
    public void There_are_never_more_copies_than_the_most()
    {
        using StoreWorld world = new(new CacheStoreOptions { MostCopies = 10 });
        world.WaitUntilListed();
        for (int n = 0; n < 50; n++) world.Put($"/{n}", [(byte)n]);
        Assert.Equal(10, world.Store.Figures.Copies);
        Assert.Equal(10, world.Files.Length);
    }

    [Fact]
    public void A_limit_that_was_lowered_holds_from_the_next_start_on()
    {
        using StoreWorld world = new();
        for (int n = 0; n < 30; n++) world.Put($"/{n}", StoreWorld.Bytes(100_000, n));
        world.Options = world.Options with { DiskBytes = MiB };
        world.Restart();
        world.WaitUntilListed();
        Assert.True(world.Store.Figures.DiskBytes <= MiB);
        Assert.True(world.Files.Sum(file => new FileInfo(file).Length) <= MiB);
        Assert.NotEmpty(world.Files);
    }
}
