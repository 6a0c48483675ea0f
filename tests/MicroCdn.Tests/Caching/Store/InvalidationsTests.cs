using MicroCdn.Caching.Store;

namespace MicroCdn.Tests.Caching.Store;

// Every change at an origin makes copies invalid (RFC 9111, section 4.4), however many there are, and costs the
// operator's purges nothing.
public sealed class InvalidationsTests
{
    [Fact]
    public void Changes_at_the_origin_take_no_place_of_a_purge_and_touch_no_other_copy()
    {
        using StoreWorld world = new();
        Copy other = world.Put("/other", [1])!;
        Invalidate(world, Purges.Most + 1);
        Assert.Equal(0, world.Store.Purges.Count);
        Assert.Null(world.Store.Purge(new PurgeOrder(PurgeScope.Tag, "x", IsSoft: false)).Trouble);
        Assert.Equal(PurgeState.Valid, other.PurgeState);
        Assert.NotNull(world.Find("/other"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(600_000)]
    public void What_is_being_fetched_is_not_stored_after_any_number_of_changes(int length)
    {
        using StoreWorld world = new();
        using GrowingCopy growing =
            world.Store.Begin(StoreWorld.Key("/a"), StoreWorld.Head(), length, world.Store.Mark());
        Invalidate(world, Purges.Most + 1);
        world.Store.Invalidate(StoreWorld.Key("/a"));
        Assert.True(growing.IsPurged);
        StoreWorld.Write(growing, new byte[length]);
        Assert.Null(growing.Complete());
        Assert.Null(world.Find("/a"));
        Assert.NotNull(world.Put("/a", [2]));
    }

    [Fact]
    public void Who_holds_an_invalidated_copy_sees_that_it_is_gone()
    {
        using StoreWorld world = new();
        Copy copy = world.Put("/a", [1])!;
        world.Store.Invalidate(StoreWorld.Key("/a"));
        Assert.Equal(PurgeState.Gone, copy.PurgeState);
        Assert.False(world.Store.Update(copy, StoreWorld.Head(), world.Store.Mark()));
    }

    [Fact]
    public void What_an_earlier_start_left_is_invalidated_before_it_is_listed()
    {
        using StoreWorld world = new();
        world.Put("/a", [1]);
        for (int n = 0; n < 20; n++)
        {
            world.Put("/a", [1]);
            world.Restart();
            world.Store.Invalidate(StoreWorld.Key("/a"));
            Assert.Null(world.Find("/a"));
            world.WaitUntilListed();
            Assert.Null(world.Find("/a"));
        }
        Assert.True(SpinWait.SpinUntil(() => world.Files.Length == 0, TimeSpan.FromSeconds(10)));
    }

    private static void Invalidate(StoreWorld world, int times)
    {
        for (int n = 0; n < times; n++) world.Store.Invalidate(StoreWorld.Key($"/{n}"));
    }
}
