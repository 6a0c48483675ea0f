using MicroCdn.Caching.Store;
using MicroCdn.Protocol;

namespace MicroCdn.Tests.Caching.Store;

// One writes, everyone reads, and nobody waits for anybody but in what passes through.
public sealed class GrowingCopyTests
{
    [Theory]
    [InlineData(100_000)]
    [InlineData(1_000_000)]
    public void Everyone_reads_the_body_while_it_comes(int length)
    {
        using StoreWorld world = new();
        byte[] body = StoreWorld.Bytes(length);
        using GrowingCopy growing = Begin(world, length);
        int woken = 0;
        using GrowingReader early = growing.TryJoin(0, () => woken++)!;
        byte[] block = new byte[length];
        Assert.Equal(0, early.Read(block));
        Assert.Equal(ReaderState.Waiting, early.State);
        StoreWorld.Write(growing, body.AsMemory(0, length / 2));
        Assert.Equal(1, woken);
        using GrowingReader late = growing.TryJoin(length / 4, () => { })!;
        Assert.Equal(length / 2, early.Read(block));
        Assert.Equal(body[..(length / 2)], block[..(length / 2)]);
        StoreWorld.Write(growing, body.AsMemory(length / 2));
        // Nobody slept.
        Assert.Equal(1, woken);
        Copy copy = growing.Complete()!;
        Assert.Equal((3 * length) / 4, late.Read(block));
        Assert.Equal(body[(length / 4)..], block[..(3 * length / 4)]);
        Assert.Equal(ReaderState.Ended, late.State);
        Assert.Equal(ReaderState.Ready, early.State);
        Assert.Equal(body, StoreWorld.Body(copy));
        Assert.Empty(world.Parts);
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(600_000)]
    public void What_ends_short_is_never_stored(int length)
    {
        using StoreWorld world = new();
        using GrowingCopy growing = Begin(world, length);
        using GrowingReader reader = growing.TryJoin(0, () => { })!;
        StoreWorld.Write(growing, StoreWorld.Bytes(length - 1));
        Assert.Null(growing.Complete());
        Assert.Equal(GrowingState.Aborted, growing.State);
        byte[] block = new byte[length];
        Assert.Equal(ReaderState.Ready, reader.State);
        Assert.Equal(length - 1, reader.Read(block));
        Assert.Equal(ReaderState.Cut, reader.State);
        Assert.Null(growing.TryJoin(0, () => { }));
        reader.Dispose();
        Nothing(world);
    }

    [Fact]
    public async Task More_than_was_promised_is_an_abort()
    {
        using StoreWorld world = new();
        using GrowingCopy growing = Begin(world, 3);
        Assert.False(await growing.WriteAsync(new byte[4]));
        Assert.Null(growing.Complete());
        Nothing(world);
    }

    [Fact]
    public async Task What_is_never_stored_waits_for_its_reader_and_comes_whole()
    {
        using StoreWorld world = new();
        byte[] body = StoreWorld.Bytes(1_500_000);
        using GrowingCopy growing = world.Store.BeginPassing(StoreWorld.Key("/a"), StoreWorld.Head(), null);
        using GrowingReader reader = growing.TryJoin(0, () => { })!;
        Task<bool> written = growing.WriteAsync(body).AsTask();
        Assert.False(written.IsCompleted);
        Assert.True(growing.Written <= GrowingCopy.WindowBytes);
        byte[] read = new byte[body.Length];
        int done = 0;
        while (done < body.Length) done += reader.Read(read.AsSpan(done));
        Assert.True(await written);
        Assert.Null(growing.TryJoin(0, () => { }));
        Assert.Null(growing.Complete());
        Assert.Equal(ReaderState.Ended, reader.State);
        Assert.Equal(body, read);
        Nothing(world);
    }

    [Fact]
    public async Task A_reader_that_holds_the_others_up_is_left_behind_and_one_that_is_alone_never_is()
    {
        using StoreWorld world = new();
        using GrowingCopy growing = world.Store.BeginPassing(StoreWorld.Key("/a"), StoreWorld.Head(), null);
        using GrowingReader quick = growing.TryJoin(0, () => { })!;
        using GrowingReader slow = growing.TryJoin(0, () => { })!;
        Task<bool> written = growing.WriteAsync(new byte[2 * GrowingCopy.WindowBytes]).AsTask();
        byte[] block = new byte[GrowingCopy.WindowBytes];
        Assert.Equal(block.Length, quick.Read(block));
        LoseItsPatience(world, slow);
        Assert.True(await written);
        // Now the quick one is alone, and may take as long as it likes.
        written = growing.WriteAsync(new byte[1]).AsTask();
        world.Time.Advance(100 * GrowingCopy.Patience);
        Assert.False(written.IsCompleted);
        Assert.Equal(block.Length, quick.Read(block));
        Assert.True(await written);
    }

    [Fact]
    public async Task A_writer_whose_last_reader_left_is_told_so()
    {
        using StoreWorld world = new();
        using GrowingCopy growing = world.Store.BeginPassing(StoreWorld.Key("/a"), StoreWorld.Head(), null);
        GrowingReader reader = growing.TryJoin(0, () => { })!;
        Task<bool> written = growing.WriteAsync(new byte[2 * GrowingCopy.WindowBytes]).AsTask();
        reader.Dispose();
        Assert.False(await written);
    }

    [Fact]
    public async Task A_body_that_nobody_joins_ends_as_soon_as_nobody_is_to_come()
    {
        using StoreWorld world = new();
        using GrowingCopy growing = world.Store.BeginPassing(StoreWorld.Key("/a"), StoreWorld.Head(), null);
        Task<bool> written = growing.WriteAsync(new byte[2 * GrowingCopy.WindowBytes]).AsTask();
        Assert.False(written.IsCompleted);
        growing.Seal();
        Assert.True(SpinWait.SpinUntil(() => written.IsCompleted, TimeSpan.FromSeconds(10)));
        Assert.False(await written);
        Assert.Null(growing.TryJoin(0, () => { }));
        using GrowingCopy other = world.Store.BeginPassing(StoreWorld.Key("/a"), StoreWorld.Head(), null);
        other.Seal();
        Assert.False(await other.WriteAsync(new byte[1]));
    }

    [Theory]
    [InlineData(100_000_000L, false, false)]
    [InlineData(null, false, false)]
    [InlineData(100_000_000L, true, true)]
    [InlineData(60_000_000L, false, true)]
    public async Task A_large_body_is_not_fetched_to_its_end_for_nobody(long? length, bool isWanted, bool isFetched)
    {
        using StoreWorld world = new();
        using GrowingCopy growing =
            world.Store.Begin(StoreWorld.Key("/a"), StoreWorld.Head(), length, world.Store.Mark());
        GrowingReader reader = growing.TryJoin(0, () => { })!;
        growing.Seal(isWanted);
        Assert.True(await growing.WriteAsync(new byte[1]));
        reader.Dispose();
        bool goesOn = true;
        byte[] piece = new byte[10_000_000];
        for (int n = 0; n < (length is null ? 8 : 1) && goesOn; n++) goesOn = await growing.WriteAsync(piece);
        Assert.Equal(isFetched, goesOn);
        Assert.Equal(isFetched, growing.TryJoin(0, () => { }) is not null);
    }

    [Fact]
    public async Task What_a_reader_that_was_left_behind_may_be_reading_stays_until_it_leaves()
    {
        using StoreWorld world = new();
        using GrowingCopy growing = world.Store.Begin(StoreWorld.Key("/a"), StoreWorld.Head(), null,
            world.Store.Mark());
        using GrowingReader quick = growing.TryJoin(0, () => { })!;
        using GrowingReader slow = growing.TryJoin(0, () => { })!;
        StoreWorld.Write(growing, new byte[300_000]);
        growing.Pass();
        Task<bool> written = growing.WriteAsync(new byte[4 * GrowingCopy.WindowBytes]).AsTask();
        byte[] block = new byte[100_000];
        while (quick.Read(block) > 0) { }
        LoseItsPatience(world, slow);
        quick.Dispose();
        Assert.False(await written);
        growing.Dispose();
        Assert.Single(world.Parts);
        Assert.Equal(0, slow.Read(block));
        slow.Dispose();
        Assert.Empty(world.Parts);
        Assert.Equal(0, slow.Read(block));
    }

    [Fact]
    public void A_broken_disk_changes_storing_into_passing_through()
    {
        using StoreWorld world = new();
        byte[] body = StoreWorld.Bytes(500_000);
        Directory.Delete(Path.Combine(world.Folder, "parts"));
        using GrowingCopy growing = Begin(world, body.Length);
        using GrowingReader reader = growing.TryJoin(0, () => { })!;
        byte[] read = new byte[body.Length];
        int done = 0;
        for (int at = 0; at < body.Length; at += 50_000)
        {
            StoreWorld.Write(growing, body.AsMemory(at, 50_000));
            done += reader.Read(read.AsSpan(done));
        }
        Assert.Null(growing.Complete());
        while (reader.Read(read.AsSpan(done)) is > 0 and int more) done += more;
        Assert.Equal(ReaderState.Ended, reader.State);
        Assert.Equal(body, read);
        // A small one is kept in memory all the same.
        Assert.NotNull(world.Put("/small", [1, 2]));
        Assert.Equal([1, 2], StoreWorld.Body(world.Find("/small")!));
        Directory.CreateDirectory(Path.Combine(world.Folder, "parts"));
    }

    [Fact]
    public void A_purge_in_the_middle_of_a_fetch_counts()
    {
        using StoreWorld world = new();
        foreach (int length in (int[])[10, 600_000])
        {
            using GrowingCopy growing = Begin(world, length);
            world.Store.Purge(new PurgeOrder(PurgeScope.All, "", IsSoft: false));
            StoreWorld.Write(growing, new byte[length]);
            Assert.Null(growing.Complete());
            Nothing(world);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Parts_become_a_whole_copy(bool hasDisk)
    {
        using StoreWorld world = new(hasDisk: hasDisk);
        byte[] body = StoreWorld.Bytes(900_000);
        Copy copy = Part(world.Store.BeginPart(StoreWorld.Key("/a"), StoreWorld.Head(), body.Length,
            new ByteRange(100_000, 400_000), world.Store.Mark()), body)!;
        Assert.False(copy.IsComplete);
        copy = Part(world.Store.Extend(copy, new ByteRange(0, 100_000)), body)!;
        Assert.Equal("0+500000", copy.Present.ToString());
        if (hasDisk)
        {
            world.Kill();
            copy = world.Find("/a")!;
            Assert.Equal("0+500000", copy.Present.ToString());
        }
        copy = Part(world.Store.Extend(copy, new ByteRange(500_000, 400_000)), body)!;
        Assert.True(copy.IsComplete);
        if (hasDisk)
        {
            world.Kill();
            copy = world.Find("/a")!;
            Assert.True(copy.IsComplete);
            Assert.Equal(body, StoreWorld.Body(copy));
        }
        else
        {
            Assert.True(copy.TryMemory(100_000, 400_000, out ReadOnlyMemory<byte> middle));
            Assert.Equal(body[100_000..500_000], middle.ToArray());
        }
    }

    // The writer begins to wait on another thread.
    private static void LoseItsPatience(StoreWorld world, GrowingReader slow) =>
        Assert.True(SpinWait.SpinUntil(() =>
        {
            world.Time.Advance(GrowingCopy.Patience);
            return slow.State == ReaderState.Cut;
        }, TimeSpan.FromSeconds(10)));

    private static Copy? Part(GrowingCopy growing, byte[] body)
    {
        using (growing)
        {
            int start = (int)growing.Written, end = (int)growing.Part.End;
            for (int at = start; at < end; at += 50_000) StoreWorld.Write(growing, body.AsMemory(at, 50_000));
            return growing.Complete();
        }
    }

    private static GrowingCopy Begin(StoreWorld world, int length) =>
        world.Store.Begin(StoreWorld.Key("/a"), StoreWorld.Head(), length, world.Store.Mark());

    private static void Nothing(StoreWorld world)
    {
        Assert.Null(world.Find("/a"));
        Assert.Empty(world.Files);
        Assert.Empty(world.Parts);
        Assert.Equal(0, world.Store.Figures.ReservedBytes);
        Assert.Equal(0, world.Store.Figures.MemoryBytes);
    }
}
