using MicroCdn.Caching.Store;
using MicroCdn.Protocol;

namespace MicroCdn.Tests.Caching.Store;

// What a kill or a power cut leaves is either the copy as it was, or no copy.
public sealed class CrashTests
{
    [Fact]
    public void A_file_that_is_cut_anywhere_is_the_copy_with_an_older_head_or_no_copy()
    {
        using StoreWorld world = new();
        byte[] body = StoreWorld.Bytes(300);
        Copy copy = world.Put("/a", body, StoreWorld.Head("ETag: \"1\"\r\n"))!;
        int bodyEnd = copy.BodyOffset + body.Length;
        Assert.True(world.Store.Update(copy, StoreWorld.Head("ETag: \"2\"\r\n"), world.Store.Mark()));
        string path = world.Files[0];
        byte[] whole = File.ReadAllBytes(path);
        for (int length = 0; length <= whole.Length; length++)
        {
            File.WriteAllBytes(path, whole[..length]);
            world.Kill();
            Copy? found = world.Find("/a");
            Assert.Equal(length >= bodyEnd, found is not null);
            if (found is null)
            {
                Assert.Empty(world.Files);
                continue;
            }
            Assert.Equal(body, StoreWorld.Body(found));
            Assert.Equal(length == whole.Length ? "ETag: \"2\"\r\n" : "ETag: \"1\"\r\n", found.Head.Fields.ToString());
        }
    }

    [Fact]
    public void A_small_body_with_a_flipped_bit_is_never_served()
    {
        using StoreWorld world = new();
        Copy copy = world.Put("/a", StoreWorld.Bytes(300))!;
        world.Restart();
        Flip(world.Files[0], copy.BodyOffset + 150);
        Assert.Null(world.Find("/a"));
    }

    [Fact]
    public void A_large_body_that_was_not_synced_is_checked_after_a_kill()
    {
        using StoreWorld world = new();
        Copy copy = world.Put("/a", StoreWorld.Bytes(700_000))!;
        Flip(world.Files[0], copy.BodyOffset + 500_000);
        world.Kill();
        Assert.Null(world.Find("/a"));
    }

    [Fact]
    public void What_was_in_doubt_once_is_in_doubt_in_every_later_start()
    {
        using StoreWorld world = new();
        Copy copy = world.Put("/a", StoreWorld.Bytes(700_000))!;
        Flip(world.Files[0], copy.BodyOffset + 500_000);
        world.Kill();
        world.Put("/b", [1]);
        // A clean end of a start that did not look at it.
        world.Restart();
        world.Restart();
        Assert.Null(world.Find("/a"));
    }

    [Fact]
    public void A_part_of_a_copy_that_was_torn_is_not_there_and_the_rest_is()
    {
        using StoreWorld world = new();
        byte[] body = StoreWorld.Bytes(900_000);
        GrowingCopy first = world.Store.BeginPart(StoreWorld.Key("/a"), StoreWorld.Head(), body.Length,
            new ByteRange(0, 300_000), world.Store.Mark());
        StoreWorld.Write(first, body.AsMemory(0, 300_000));
        Copy copy = first.Complete()!;
        GrowingCopy second = world.Store.Extend(copy, new ByteRange(600_000, 300_000));
        StoreWorld.Write(second, body.AsMemory(600_000, 300_000));
        Assert.NotNull(second.Complete());
        Flip(world.Files[0], copy.BodyOffset + 700_000);
        world.Kill();
        Assert.Equal("0+300000", world.Find("/a")!.Present.ToString());
    }

    [Fact]
    public void A_kill_after_every_copy_loses_none()
    {
        using StoreWorld world = new();
        for (int n = 0; n < 40; n++)
        {
            world.Put($"/{n}", [(byte)n]);
            world.Kill();
        }
        for (int n = 0; n < 40; n++) Assert.Equal((byte)n, world.ByteOf($"/{n}"));
    }

    [Fact]
    public void A_lost_or_damaged_state_makes_everything_doubtful_and_nothing_wrong()
    {
        using StoreWorld world = new();
        Copy copy = world.Put("/a", StoreWorld.Bytes(700_000))!;
        world.Put("/b", [1]);
        world.Store.Dispose();
        Flip(world.Files.First(file => new FileInfo(file).Length > 600_000), copy.BodyOffset + 5);
        File.WriteAllText(Path.Combine(world.Folder, "state"), "nonsense");
        // With the state lost, the clock alone tells later numbers from earlier ones.
        world.Time.Advance(TimeSpan.FromSeconds(1));
        world.Restart();
        Assert.Null(world.Find("/a"));
        Assert.Equal((byte)1, world.ByteOf("/b"));
        world.Put("/b", [2]);
        Assert.Equal((byte)2, world.ByteOf("/b"));
        world.Kill();
        Assert.Equal((byte)2, world.ByteOf("/b"));
    }

    [Fact]
    public void A_synced_copy_is_trusted_and_one_that_came_later_is_not()
    {
        Numbers first = Numbers.Start([], DateTimeOffset.UnixEpoch);
        long synced = first.BeginWrite();
        first.EndWrite(synced);
        byte[] state = first.State(first.Horizon(), used: 5);
        long late = first.BeginWrite();
        Numbers second = Numbers.Start(state, DateTimeOffset.UnixEpoch);
        Assert.False(second.IsDoubtful(synced));
        Assert.True(second.IsDoubtful(late));
        Assert.False(second.IsDoubtful(second.Next()));
        Assert.Equal(5, second.UsedBefore);
        Numbers third = Numbers.Start(second.State(second.Born + Numbers.Block, 0), DateTimeOffset.UnixEpoch);
        Assert.True(third.IsDoubtful(late));
        Assert.False(third.IsDoubtful(second.Last));
    }

    [Fact]
    public void What_is_still_being_written_counts_as_not_synced()
    {
        Numbers numbers = Numbers.Start([], DateTimeOffset.UnixEpoch);
        long slow = numbers.BeginWrite();
        numbers.EndWrite(numbers.BeginWrite());
        Assert.True(numbers.Horizon() < slow);
        numbers.EndWrite(slow);
        Assert.True(numbers.Horizon() > slow);
    }

    [Fact]
    public void Any_number_of_bad_ends_is_remembered_or_too_much_doubted()
    {
        byte[] state = [];
        List<long> unsynced = [];
        for (int start = 0; start < 200; start++)
        {
            Numbers numbers = Numbers.Start(state, DateTimeOffset.UnixEpoch);
            Assert.All(unsynced, number => Assert.True(numbers.IsDoubtful(number)));
            state = numbers.State(numbers.Next(), 0);
            unsynced.Add(numbers.Next());
        }
        Assert.True(state.Length < 2000);
    }

    private static void Flip(string path, int at)
    {
        byte[] bytes = File.ReadAllBytes(path);
        bytes[at] ^= 1;
        File.WriteAllBytes(path, bytes);
    }
}
