using MicroCdn.Caching.Store;
using MicroCdn.Protocol;

namespace MicroCdn.Tests.Caching.Store;

// The disk may fail at any moment: nothing leaks, nothing is lost for good, and what cannot be read is no copy.
public sealed class TroubleTests
{
    private const int MiB = 1024 * 1024;

    [Fact]
    public void A_part_for_which_there_is_no_room_leaves_nothing_open()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "descriptors are counted in /proc");
        using StoreWorld world = new(new CacheStoreOptions { DiskBytes = MiB });
        world.WaitUntilListed();
        using GrowingCopy growing = world.Store.Begin(StoreWorld.Key("/a"), StoreWorld.Head(), MiB / 2,
            world.Store.Mark());
        using GrowingReader reader = growing.TryJoin(0, () => { })!;
        for (int n = 0; n < 6; n++) StoreWorld.Write(growing, new byte[50_000]);
        Assert.True(growing.IsPassing);
        Assert.Empty(world.Parts);
        Assert.Empty(Open(world, "/parts/"));
        Assert.Equal(0, world.Store.Figures.ReservedBytes);
    }

    [Fact]
    public void A_copy_that_could_not_be_written_down_is_written_when_the_disk_is_well_again()
    {
        using StoreWorld world = new();
        world.WaitUntilListed();
        Directory.Delete(Path.Combine(world.Folder, "parts"));
        Copy copy = world.Put("/a", [1])!;
        Assert.Empty(world.Files);
        Directory.CreateDirectory(Path.Combine(world.Folder, "parts"));
        world.Time.Advance(TimeSpan.FromMinutes(1));
        world.Store.Touch(copy);
        Assert.True(SpinWait.SpinUntil(() => world.Files.Length == 1, TimeSpan.FromSeconds(10)));
        world.Kill();
        Assert.Equal([1], StoreWorld.Body(world.Find("/a")!));
    }

    [Fact]
    public void A_broken_disk_is_not_tried_at_every_hit()
    {
        using StoreWorld world = new();
        world.WaitUntilListed();
        Directory.Delete(Path.Combine(world.Folder, "parts"));
        Copy copy = world.Put("/a", [1])!;
        for (int n = 0; n < 1000; n++) world.Store.Touch(copy);
        // The second hit would have made it whole.
        Directory.CreateDirectory(Path.Combine(world.Folder, "parts"));
        world.Store.Touch(copy);
        Assert.Null(copy.Open());
    }

    [Fact]
    public void A_large_part_is_added_to_a_copy_that_was_in_memory_alone()
    {
        using StoreWorld world = new(new CacheStoreOptions { DiskBytes = 4 * MiB });
        world.WaitUntilListed();
        for (int n = 0; n < 400; n++) world.Put($"/{n}", StoreWorld.Bytes(10_000, n));
        byte[] body = StoreWorld.Bytes(900_000);
        Copy copy = Take(world.Store.BeginPart(StoreWorld.Key("/a"), StoreWorld.Head(), body.Length,
            new ByteRange(0, 100_000), world.Store.Mark()), body)!;
        Assert.Null(copy.Open());
        copy = Take(world.Store.Extend(copy, new ByteRange(100_000, 800_000)), body)!;
        Assert.True(copy.IsComplete);
        Assert.Equal(body, StoreWorld.FromDisk(copy));
        world.Kill();
        Assert.Equal(body, StoreWorld.Body(world.Find("/a")!));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_copy_whose_file_is_short_or_gone_is_a_copy_no_more(bool isGone)
    {
        using StoreWorld world = new();
        world.WaitUntilListed();
        world.Put("/a", StoreWorld.Bytes(600_000));
        // What was just filled is open still, and needs its name no more.
        world.Restart();
        Copy copy = world.Find("/a")!;
        if (isGone) File.Delete(world.Files[0]);
        else File.WriteAllBytes(world.Files[0], File.ReadAllBytes(world.Files[0])[..300_000]);
        Assert.Null(copy.Open());
        Assert.Null(world.Find("/a"));
        Assert.Equal(0, world.Store.Figures.Copies);
    }

    [Fact]
    public void A_copy_that_turns_out_unreadable_while_it_is_sent_is_taken_out_by_who_notices()
    {
        using StoreWorld world = new();
        world.WaitUntilListed();
        Copy copy = world.Put("/a", StoreWorld.Bytes(600_000))!;
        world.Store.RemoveBroken(copy);
        Assert.Null(world.Find("/a"));
        Assert.Contains(world.Log.Lines, line => line.Contains("a copy's file is short", StringComparison.Ordinal));
    }

    [Fact]
    public void A_head_that_could_not_be_sent_on_does_not_come_into_a_copy()
    {
        using StoreWorld world = new();
        Copy copy = world.Put("/a", [1])!;
        string large = $"X: {new string('x', MicroCdn.Caching.StoredHead.MostBytes)}\r\n";
        Assert.False(world.Store.Update(copy, StoreWorld.Head(large), world.Store.Mark()));
        Assert.Equal("", copy.Head.Fields.ToString());
    }

    [Fact]
    public void A_start_that_cannot_be_written_down_serves_what_is_there_and_writes_when_it_can()
    {
        using StoreWorld world = new();
        world.Put("/a", StoreWorld.Bytes(400_000));
        string state = Path.Combine(world.Folder, "state");
        // What a full disk refuses, a folder in the way refuses too.
        world.Kill(() =>
        {
            File.Delete(state);
            Directory.CreateDirectory(state);
        });
        Assert.Equal(StoreWorld.Bytes(400_000), StoreWorld.Body(world.Find("/a")!));
        Copy small = world.Put("/b", [2])!;
        Assert.Null(small.Open());
        using GrowingCopy large =
            world.Store.Begin(StoreWorld.Key("/c"), StoreWorld.Head(), 400_000, world.Store.Mark());
        for (int n = 0; n < 6; n++) StoreWorld.Write(large, new byte[50_000]);
        Assert.True(large.IsPassing);
        Assert.Single(world.Files);
        Assert.Empty(world.Parts);
        Directory.Delete(state);
        world.Time.Advance(TimeSpan.FromMinutes(1));
        world.Store.Touch(small);
        Assert.True(SpinWait.SpinUntil(() => world.Files.Length == 2, TimeSpan.FromSeconds(10)));
        world.Kill();
        Assert.Equal((byte)2, world.ByteOf("/b"));
    }

    [Fact]
    public void What_is_complete_only_after_the_end_is_not_written_any_more()
    {
        using StoreWorld world = new();
        using GrowingCopy large =
            world.Store.Begin(StoreWorld.Key("/a"), StoreWorld.Head(), 400_000, world.Store.Mark());
        for (int n = 0; n < 8; n++) StoreWorld.Write(large, new byte[50_000]);
        using GrowingCopy small = world.Store.Begin(StoreWorld.Key("/b"), StoreWorld.Head(), 1, world.Store.Mark());
        StoreWorld.Write(small, new byte[1]);
        world.Store.Dispose();
        large.Complete();
        small.Complete();
        // After a power cut it would be torn, and trusted.
        Assert.Empty(world.Files);
    }

    private static Copy? Take(GrowingCopy growing, byte[] body)
    {
        using (growing)
        {
            int start = (int)growing.Part.Offset, end = (int)growing.Part.End;
            using GrowingReader reader = growing.TryJoin(start, () => { })!;
            byte[] read = new byte[50_000];
            for (int at = start; at < end; at += 50_000)
            {
                StoreWorld.Write(growing, body.AsMemory(at, 50_000));
                reader.Read(read);
            }
            return growing.Complete();
        }
    }

    private static string[] Open(StoreWorld world, string folder) =>
    [
        .. new DirectoryInfo("/proc/self/fd").EnumerateFileSystemInfos()
            .Select(link => link.LinkTarget ?? "")
            .Where(path => path.StartsWith(world.Folder + folder, StringComparison.Ordinal)),
    ];
}
