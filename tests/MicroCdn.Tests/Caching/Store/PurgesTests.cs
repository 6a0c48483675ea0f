using MicroCdn.Caching.Store;
using MicroCdn.Protocol;

namespace MicroCdn.Tests.Caching.Store;

// A purge reaches every copy that is older than it, and no other.
public sealed class PurgesTests
{
    private static readonly (string Path, string Fields)[] Copies =
    [
        ("/a", "Surrogate-Key: red  blue\r\n"),
        ("/a?b=1", "Cache-Tag: green, red\r\n"),
        ("/ab", ""),
        ("/img/1", "Cache-Tag: Red\r\nSurrogate-Key: big\r\n"),
    ];

    [Theory]
    [InlineData(PurgeScope.Url, "http://origin.example:80/a", "/a")]
    [InlineData(PurgeScope.Prefix, "http://origin.example:80/a", "/a /a?b=1 /ab")]
    [InlineData(PurgeScope.Prefix, "http://origin.example:80/img/", "/img/1")]
    [InlineData(PurgeScope.Tag, "red", "/a /a?b=1")]
    [InlineData(PurgeScope.Tag, "big", "/img/1")]
    [InlineData(PurgeScope.Tag, "re", "")]
    [InlineData(PurgeScope.All, "", "/a /a?b=1 /ab /img/1")]
    public void A_purge_reaches_what_it_names_also_after_a_restart(PurgeScope scope, string text, string reached)
    {
        foreach (bool isSoft in (bool[])[false, true])
        {
            using StoreWorld world = new();
            foreach ((string path, string fields) in Copies) world.Put(path, [1], StoreWorld.Head(fields));
            Assert.Null(world.Store.Purge(new PurgeOrder(scope, text, isSoft)).Trouble);
            Assert.Equal(reached, Reached(world, isSoft));
            world.Kill();
            Assert.Equal(reached, Reached(world, isSoft));
            world.Store.Sweep();
            Assert.Equal(reached, Reached(world, isSoft));
            int gone = isSoft ? 0 : reached.Count(letter => letter == '/') - (reached.Contains("img") ? 1 : 0);
            Assert.Equal(Copies.Length - gone, world.Files.Length);
            foreach ((string path, string fields) in Copies) world.Put(path, [2], StoreWorld.Head(fields));
            Assert.Equal("", Reached(world, isSoft));
        }
    }

    [Fact]
    public void All_variants_of_a_url_are_purged()
    {
        using StoreWorld world = new();
        world.Put("/a", [1], StoreWorld.Head(selecting: "accept-encoding: gzip\r\n"));
        world.Put("/a", [2], StoreWorld.Head(selecting: "accept-encoding: br\r\n"));
        world.Store.Purge(new PurgeOrder(PurgeScope.Url, StoreWorld.Key("/a").Text, IsSoft: false));
        foreach (Copy copy in world.All("/a").Copies) Assert.Equal(PurgeState.Gone, copy.PurgeState);
    }

    [Fact]
    public void A_soft_purge_ends_with_the_validation_that_began_after_it()
    {
        using StoreWorld world = new();
        Copy copy = world.Put("/a", [1])!;
        long before = world.Store.Mark();
        world.Store.Purge(new PurgeOrder(PurgeScope.All, "", IsSoft: true));
        Assert.True(world.Store.Update(copy, StoreWorld.Head(), before));
        Assert.Equal(PurgeState.Soft, copy.PurgeState);
        Assert.True(world.Store.Update(copy, StoreWorld.Head(), world.Store.Mark()));
        Assert.Equal(PurgeState.Valid, copy.PurgeState);
        world.Kill();
        Assert.Equal(PurgeState.Valid, world.Find("/a")!.PurgeState);
    }

    [Fact]
    public void A_hard_purge_ends_with_no_validation()
    {
        using StoreWorld world = new();
        Copy copy = world.Put("/a", [1])!;
        world.Store.Purge(new PurgeOrder(PurgeScope.All, "", IsSoft: false));
        Assert.False(world.Store.Update(copy, StoreWorld.Head(), world.Store.Mark()));
        Assert.Equal(PurgeState.Gone, copy.PurgeState);
    }

    [Fact]
    public void Purges_are_forgotten_when_every_copy_was_judged_and_still_hold()
    {
        using StoreWorld world = new();
        world.WaitUntilListed();
        world.Put("/hard", [1]);
        world.Put("/soft", [1]);
        world.Store.Purge(new PurgeOrder(PurgeScope.Url, StoreWorld.Key("/hard").Text, IsSoft: false));
        world.Store.Purge(new PurgeOrder(PurgeScope.Url, StoreWorld.Key("/soft").Text, IsSoft: true));
        world.Store.Sweep();
        Assert.Equal(2, world.Store.Purges.Count);
        world.Time.Advance(TimeSpan.FromMinutes(16));
        world.Store.Sweep();
        Assert.Equal(0, world.Store.Purges.Count);
        Assert.Equal(0, new FileInfo(Path.Combine(world.Folder, "purges")).Length);
        Assert.Null(world.Find("/hard"));
        Assert.Equal(PurgeState.Soft, world.Find("/soft")!.PurgeState);
        world.Kill();
        Assert.Null(world.Find("/hard"));
        Assert.Equal(PurgeState.Soft, world.Find("/soft")!.PurgeState);
    }

    [Fact]
    public void Copies_are_told_by_their_names_to_be_purged_and_no_file_is_opened_for_it()
    {
        using StoreWorld world = new();
        foreach (string path in (string[])["/a", "/b", "/c"]) world.Put(path, [1]);
        string[] files = world.Files;
        world.Kill(() => Array.ForEach(files, file => File.WriteAllText(file, "there is no copy in this")));
        world.WaitUntilListed();
        world.Store.Purge(new PurgeOrder(PurgeScope.Url, StoreWorld.Key("/b").Text, IsSoft: false));
        world.Store.Sweep();
        Assert.Equal(2, world.Files.Length);
        world.Store.Purge(new PurgeOrder(PurgeScope.All, "", IsSoft: false));
        world.Put("/d", [1]);
        world.Store.Sweep();
        Assert.Single(world.Files);
        Assert.Equal((byte)1, world.ByteOf("/d"));
    }

    [Fact]
    public void A_purge_is_remembered_until_the_files_are_gone_that_it_reaches()
    {
        using StoreWorld world = new();
        world.WaitUntilListed();
        world.Put("/a", [1]);
        string file = world.Files[0];
        // What cannot be deleted.
        File.Delete(file);
        Directory.CreateDirectory(Path.Combine(file, "full"));
        world.Store.Purge(new PurgeOrder(PurgeScope.Url, StoreWorld.Key("/a").Text, IsSoft: false));
        SweepTwice(world);
        Assert.Equal(1, world.Store.Purges.Count);
        Directory.Delete(file, recursive: true);
        world.Time.Advance(TimeSpan.FromSeconds(1));
        SweepTwice(world);
        Assert.Equal(0, world.Store.Purges.Count);
    }

    // A sweep takes its time, and the next process may have the folder before it comes to its end.
    [Fact]
    public async Task A_sweep_that_outlives_its_store_forgets_nothing_of_the_next_start()
    {
        using StoreWorld world = new();
        world.WaitUntilListed();
        world.Put("/a", [1]);
        CacheStore ended = world.Store;
        ended.Purge(new PurgeOrder(PurgeScope.Tag, "x", IsSoft: false));
        ended.Sweep();
        ended.Remove(world.Find("/a")!);
        world.Restart();
        // Old enough for the purge to be forgotten.
        world.Time.Advance(TimeSpan.FromMinutes(16));
        await world.Store.Swept;
        world.Put("/b", [1]);
        world.Store.Purge(new PurgeOrder(PurgeScope.Url, StoreWorld.Key("/b").Text, IsSoft: false));
        ended.Sweep();
        world.Kill();
        Assert.Equal(PurgeState.Gone, world.Find("/b")?.PurgeState ?? PurgeState.Gone);
    }

    private static void SweepTwice(StoreWorld world)
    {
        world.Store.Sweep();
        world.Time.Advance(TimeSpan.FromMinutes(16));
        world.Store.Sweep();
    }

    [Fact]
    public void A_store_in_memory_forgets_its_purges_too()
    {
        using StoreWorld world = new(hasDisk: false);
        world.Store.Purge(new PurgeOrder(PurgeScope.Tag, "x", IsSoft: false));
        Assert.True(SpinWait.SpinUntil(() =>
        {
            world.Time.Advance(TimeSpan.FromMinutes(1));
            return world.Store.Purges.Count == 0;
        }, TimeSpan.FromSeconds(10)));
    }

    [Theory]
    [InlineData(PurgeScope.Url)]
    [InlineData(PurgeScope.Prefix)]
    [InlineData(PurgeScope.Tag)]
    public void A_long_text_takes_no_more_room_than_a_short_one(PurgeScope scope)
    {
        using StoreWorld world = new();
        string text = StoreWorld.Key($"/{new string('x', 8000)}").Text;
        for (int n = 0; n < 10; n++) world.Store.Purge(new PurgeOrder(scope, $"{text}{n}", IsSoft: false));
        Assert.True(new FileInfo(Path.Combine(world.Folder, "purges")).Length < 1000);
    }

    [Fact]
    public void A_log_that_was_torn_keeps_the_purges_before_it_and_takes_new_ones()
    {
        using StoreWorld world = new();
        world.Put("/a", [1]);
        world.Store.Purge(new PurgeOrder(PurgeScope.Tag, "x", IsSoft: false));
        world.Store.Purge(new PurgeOrder(PurgeScope.All, "", IsSoft: false));
        string log = Path.Combine(world.Folder, "purges");
        byte[] whole = File.ReadAllBytes(log);
        for (int length = whole.Length - 1; length > 0; length--)
        {
            File.WriteAllBytes(log, whole[..length]);
            world.Kill();
            Assert.Equal(PurgeState.Valid, world.Find("/a")!.PurgeState);
        }
        world.Store.Purge(new PurgeOrder(PurgeScope.All, "", IsSoft: false));
        world.Kill();
        Assert.Equal(PurgeState.Gone, world.Find("/a")!.PurgeState);
    }

    [Fact]
    public void More_purges_than_can_be_remembered_are_refused()
    {
        Purges purges = new();
        for (int n = 0; n < Purges.Most; n++) Assert.True(Add(PurgeScope.Tag, $"{n}", n + 1));
        Assert.False(Add(PurgeScope.Tag, "one more", 1_000_000));
        Assert.True(Add(PurgeScope.All, "", 1_000_001));
        purges.Forget(1_000_000);
        Assert.Equal(0, purges.Count);
        Assert.Equal(PurgeState.Gone, purges.Judge(StoreWorld.Key("/x"), [], 1_000_000));

        bool Add(PurgeScope scope, string text, long number) =>
            purges.Add(PurgeRecord.Of(new PurgeOrder(scope, text, IsSoft: false), number));
    }

    [Fact]
    public void Tags_are_split_as_their_fields_say()
    {
        HeaderFields fields = HeaderFields.FromLines(
            "Surrogate-Key: a  b,c \r\nCache-Tag: d e , f,,\r\ncache-tag: g\r\n"u8);
        Assert.Equal(["a", "b,c", "d e", "f", "g"], Tags.Of(fields));
    }

    private static string Reached(StoreWorld world, bool isSoft)
    {
        List<string> reached = [];
        foreach ((string path, _) in Copies)
        {
            Copy? copy = world.Find(path);
            PurgeState wanted = isSoft ? PurgeState.Soft : PurgeState.Gone;
            if (copy?.PurgeState == wanted || (copy is null && !isSoft)) reached.Add(path);
        }
        return string.Join(' ', reached);
    }
}
