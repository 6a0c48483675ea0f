using CsCheck;
using MicroCdn.Caching.Store;
using MicroCdn.Tests.Caching.Store.Traces;

namespace MicroCdn.Tests.Caching.Store;

// What is wanted stays, what was asked for once goes, and the sums are right.
public sealed class EvictionTests
{
    [Fact]
    public void What_was_asked_for_once_goes_before_what_is_wanted()
    {
        Eviction<Thing> eviction = new(1000);
        Thing wanted = new(1);
        eviction.Add(wanted, 10);
        Eviction<Thing>.Use(wanted);
        for (ulong n = 2; n < 1000; n++)
        {
            eviction.Add(new Thing(n), 10);
            while (eviction.Bytes > 1000) Assert.NotSame(wanted, eviction.Evict());
        }
        Assert.Equal(999 - eviction.Count, eviction.Evicted);
    }

    [Fact]
    public void What_comes_back_soon_is_taken_for_wanted()
    {
        Eviction<Thing> eviction = new(1000);
        eviction.Add(new Thing(1), 10);
        Assert.Equal(1UL, eviction.Evict()!.Hash);
        Assert.True(eviction.IsRemembered(1));
        Thing back = new(1);
        eviction.Add(back, 10);
        Assert.False(eviction.IsRemembered(1));
        Assert.Equal(0, eviction.SmallBytes);
        for (ulong n = 2; n < 200; n++) eviction.Add(new Thing(n), 10);
        for (int n = 0; n < 98; n++) Assert.NotSame(back, eviction.Evict());
    }

    [Fact]
    public void What_left_long_ago_is_forgotten()
    {
        Eviction<Thing> eviction = new(1000);
        eviction.Remember(1, 10);
        for (ulong n = 2; n < 92; n++) eviction.Remember(n, 10);
        Assert.True(eviction.IsRemembered(1));
        eviction.Remember(500, 10);
        Assert.False(eviction.IsRemembered(1));
    }

    [Fact]
    public void Whatever_happens_the_bytes_are_those_of_what_is_in_and_each_thing_leaves_once()
    {
        Gen.Select(Gen.Int[0, 5], Gen.Int[0, 40], Gen.Long[1, 300]).List[0, 400].Sample(steps =>
        {
            Eviction<Thing> eviction = new(2000);
            Dictionary<int, Thing> within = [];
            foreach ((int what, int which, long weight) in steps)
            {
                bool isIn = within.TryGetValue(which, out Thing? thing);
                if (what == 0 && isIn) Eviction<Thing>.Use(thing!);
                else if (what == 1 && isIn) Assert.True(Eviction<Thing>.Remove(within[which]) & within.Remove(which));
                else if (what == 2 && isIn) Eviction<Thing>.Reweigh(thing!, weight);
                else if (!isIn) eviction.Add(within[which] = new Thing((ulong)which), weight, what == 3);
                while (eviction.Bytes > 2000) Assert.True(within.Remove((int)eviction.Evict()!.Hash));
                Assert.Equal(within.Values.Sum(one => one.Weight), eviction.Bytes);
                Assert.Equal(within.Count, eviction.Count);
            }
            while (eviction.Evict() is { } last) Assert.True(within.Remove((int)last.Hash));
            Assert.Empty(within);
            Assert.Equal(0, eviction.Bytes);
        });
    }

    [Fact]
    public void On_a_trace_like_that_of_a_delivery_network_it_beats_the_least_recently_used()
    {
        EvictionTrace trace = new(keys: 20_000, seed: 1);
        (double ours, double lru) = (0, 0);
        Contenders contenders = new(capacity: 200 * EvictionTrace.MeanWeight);
        for (int n = 0; n < 300_000; n++) contenders.Ask(trace.Next());
        (ours, lru) = (contenders.Ours.HitRatio, contenders.LeastRecentlyUsed.HitRatio);
        Assert.True(ours > lru + 0.04, $"{ours:P1} against {lru:P1}");
        Assert.True(contenders.Ours.ByteHitRatio >= contenders.LeastRecentlyUsed.ByteHitRatio);
    }

    private sealed class Thing(ulong hash) : Evictable(hash);
}
