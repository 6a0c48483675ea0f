using MicroCdn.Caching.Store;

namespace MicroCdn.Tests.Caching.Store;

// What is stored is found again as it was, and within the bounds.
public sealed class CacheStoreTests
{
    [Theory]
    [InlineData(0, true)]
    [InlineData(1, true)]
    [InlineData(1, false)]
    [InlineData(200_000, false)]
    [InlineData(1_000_000, true)]
    [InlineData(1_000_000, false)]
    public void A_copy_is_found_with_the_bytes_that_came(int length, bool tellsLength)
    {
        using StoreWorld world = new();
        byte[] body = StoreWorld.Bytes(length);
        Copy? stored = world.Put("/a", body, tellsLength: tellsLength);
        Assert.NotNull(stored);
        Assert.True(stored.IsComplete);
        Assert.True(world.Store.TryFind(StoreWorld.Key("/a"), out CopySet copies) || length > 0);
        Copy found = world.Find("/a")!;
        Assert.Equal(body, StoreWorld.Body(found));
        Assert.Equal(body, StoreWorld.FromDisk(found));
        Assert.Null(world.Find("/b"));
        Assert.Single(world.Files);
        Assert.Empty(world.Parts);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(1_000_000)]
    public void A_copy_survives_a_restart_and_a_kill(int length)
    {
        using StoreWorld world = new();
        byte[] body = StoreWorld.Bytes(length);
        world.Put("/a", body, StoreWorld.Head("ETag: \"1\"\r\n", "accept-encoding: gzip\r\n"));
        world.Kill();
        Assert.Equal(body, StoreWorld.Body(world.Find("/a")!));
        world.Restart();
        Copy found = world.Find("/a")!;
        Assert.Equal(body, StoreWorld.Body(found));
        Assert.Equal("ETag: \"1\"\r\n", found.Head.Fields.ToString());
        Assert.Equal("accept-encoding: gzip\r\n", found.Head.Selecting.ToString());
    }

    [Fact]
    public void A_small_copy_in_memory_is_found_without_a_wait()
    {
        using StoreWorld world = new();
        world.Put("/a", StoreWorld.Bytes(1000));
        world.WaitUntilListed();
        Assert.True(world.Store.TryFind(StoreWorld.Key("/a"), out CopySet copies));
        Assert.True(copies.Copies[0].TryMemory(10, 20, out ReadOnlyMemory<byte> bytes));
        Assert.Equal(StoreWorld.Bytes(1000)[10..30], bytes.ToArray());
        Assert.True(world.Store.TryFind(StoreWorld.Key("/none"), out copies));
        Assert.Equal(0, copies.Copies.Length);
    }

    [Fact]
    public void Variants_live_side_by_side_and_a_new_one_replaces_its_like()
    {
        using StoreWorld world = new();
        world.Put("/a", [1], StoreWorld.Head(selecting: "accept-encoding: gzip\r\n"));
        world.Put("/a", [2], StoreWorld.Head(selecting: "accept-encoding: br\r\n"));
        world.Put("/a", [3], StoreWorld.Head(selecting: "accept-encoding: gzip\r\n"));
        CopySet copies = world.All("/a");
        Assert.Equal([3, 2], copies.Copies.ToArray().Select(copy => StoreWorld.Body(copy)[0]));
        Assert.Equal(2, world.Files.Length);
        world.Kill();
        copies = world.All("/a");
        Assert.Equal([3, 2], copies.Copies.ToArray().Select(copy => StoreWorld.Body(copy)[0]));
    }

    [Fact]
    public void Of_a_key_with_endless_variants_the_oldest_leaves()
    {
        using StoreWorld world = new();
        for (int n = 0; n < 70; n++) world.Put("/a", [(byte)n], StoreWorld.Head(selecting: $"cookie: {n}\r\n"));
        Assert.Equal(64, world.All("/a").Copies.Length);
        Assert.Equal(69, StoreWorld.Body(world.Find("/a")!)[0]);
        Assert.Equal(64, world.Files.Length);
    }

    [Fact]
    public void A_newer_head_is_kept_over_a_kill()
    {
        using StoreWorld world = new();
        world.Put("/a", [1, 2, 3], StoreWorld.Head("ETag: \"1\"\r\n"));
        for (int n = 2; n < 2000; n++)
        {
            Copy copy = world.Find("/a")!;
            Assert.True(world.Store.Update(copy, StoreWorld.Head($"ETag: \"{n}\"\r\n"), world.Store.Mark()));
        }
        Assert.True(new FileInfo(world.Files[0]).Length < 100_000, "heads that were replaced pile up");
        world.Kill();
        Copy found = world.Find("/a")!;
        Assert.Equal("ETag: \"1999\"\r\n", found.Head.Fields.ToString());
        Assert.Equal([1, 2, 3], StoreWorld.Body(found));
    }

    [Fact]
    public void An_invalidated_key_is_gone_and_what_was_being_fetched_for_it_is_not_stored()
    {
        using StoreWorld world = new();
        world.Put("/a", [1]);
        using GrowingCopy growing = world.Store.Begin(StoreWorld.Key("/a"), StoreWorld.Head(), 1, world.Store.Mark());
        world.Store.Invalidate(StoreWorld.Key("/a"));
        Assert.Null(world.Find("/a"));
        StoreWorld.Write(growing, new byte[] { 2 });
        Assert.Null(growing.Complete());
        Assert.Null(world.Find("/a"));
        Assert.NotNull(world.Put("/a", [3]));
        world.Kill();
        Assert.Equal([3], StoreWorld.Body(world.Find("/a")!));
    }

    [Fact]
    public void An_evicted_file_is_read_to_its_end_by_who_holds_it()
    {
        using StoreWorld world = new();
        byte[] body = StoreWorld.Bytes(400_000);
        Copy copy = world.Put("/a", body)!;
        var file = copy.Open()!;
        world.Store.Remove(copy);
        SpinWait.SpinUntil(() => world.Files.Length == 0, TimeSpan.FromSeconds(10));
        byte[] read = new byte[body.Length];
        Assert.Equal(read.Length, file.Read(read, copy.BodyOffset));
        Assert.Equal(body, read);
        file.Release();
        Assert.False(file.TryHold());
        Assert.Null(copy.Open());
    }

    [Fact]
    public void A_second_store_on_the_same_folder_is_refused_in_one_sentence()
    {
        using StoreWorld world = new();
        IOException refused = Assert.ThrowsAny<IOException>(() => world.Open());
        Assert.Equal($"another process uses the cache folder '{world.Folder}': end it, or choose another folder "
            + "with --cache", refused.Message);
    }

    [Fact]
    public void What_is_not_the_caches_is_left_alone_and_named_once()
    {
        using StoreWorld world = new();
        world.Put("/a", [1]);
        string shelf = Path.GetDirectoryName(world.Files[0])!;
        File.WriteAllText(Path.Combine(world.Folder, "notes.txt"), "mine");
        File.WriteAllText(Path.Combine(shelf, "holiday.jpg"), "mine");
        File.WriteAllText(Path.Combine(world.Folder, "parts", "77"), "left by a kill");
        world.Kill();
        world.WaitUntilListed();
        Assert.True(File.Exists(Path.Combine(world.Folder, "notes.txt")));
        Assert.True(File.Exists(Path.Combine(shelf, "holiday.jpg")));
        Assert.Empty(world.Parts);
        Assert.Single(world.Log.Lines, line => line.Contains("notes.txt"));
        Assert.Single(world.Log.Lines, line => line.Contains("holiday.jpg"));
    }

    [Fact]
    public void Without_a_folder_copies_live_in_memory()
    {
        using StoreWorld world = new(hasDisk: false);
        byte[] body = StoreWorld.Bytes(2_000_000);
        Assert.NotNull(world.Put("/a", body));
        Assert.True(world.Store.TryFind(StoreWorld.Key("/a"), out CopySet copies));
        Assert.Equal(body, StoreWorld.Body(copies.Copies[0]));
        Assert.Null(copies.Copies[0].Open());
    }
}
