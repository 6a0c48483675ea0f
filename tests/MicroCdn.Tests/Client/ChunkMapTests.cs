using CsCheck;
using MicroCdn.Client;

namespace MicroCdn.Tests.Client;

public sealed class ChunkMapTests
{
    private static readonly Func<int, bool> Nobody = _ => false;

    [Fact]
    public void The_first_free_chunk_is_taken_and_no_chunk_twice()
    {
        ChunkMap map = new(3);
        Assert.Equal([0, 1, 2, -1], Enumerable.Range(0, 4).Select(n => map.Take(n, "a", Nobody)));
        map.Release(1);
        Assert.Equal([1, -1], Enumerable.Range(5, 2).Select(n => map.Take(n, "a", Nobody)));
    }

    [Fact]
    public void A_chunk_whose_taker_is_stuck_may_be_taken_by_one_more_and_the_first_to_deliver_wins()
    {
        ChunkMap map = new(2);
        Assert.Equal(0, map.Take(1, "a", Nobody));
        Assert.Equal(0, map.Take(2, "b", courier => courier == 1));
        Assert.Equal(1, map.Take(3, "c", courier => courier == 1));
        Assert.False(map.IsWorthBeginning(1, 0));
        Assert.True(map.IsWorthBeginning(2, 0));
        Assert.True(map.TryDeliver(0));
        Assert.False(map.TryDeliver(0));
    }

    [Fact]
    public void Two_who_are_stuck_do_not_keep_a_chunk_from_a_third()
    {
        ChunkMap map = new(1);
        map.Take(1, "a", Nobody);
        Assert.Equal(0, map.Take(2, "b", courier => courier == 1));
        Assert.Equal(-1, map.Take(3, "c", courier => courier == 1));
        Assert.Equal(0, map.Take(3, "c", courier => courier <= 2));
        Assert.False(map.IsWorthBeginning(2, 0));
        Assert.True(map.IsWorthBeginning(3, 0));
        map.Release(3);
        Assert.True(map.IsWorthBeginning(2, 0));
    }

    [Fact]
    public void A_server_that_brought_a_chunk_wrong_is_not_asked_for_it_again()
    {
        ChunkMap map = new(2);
        map.Take(1, "a", Nobody);
        map.Refuse(1, "a", 0);
        Assert.Equal(1, map.Take(1, "a", Nobody));
        Assert.Equal(0, map.Take(2, "b", Nobody));
        Assert.False(map.IsHopeless(["a", "b"]));
        map.Refuse(2, "b", 0);
        Assert.True(map.IsHopeless(["a", "b"]));
        Assert.False(map.IsHopeless(["a", "b", "c"]));
        Assert.False(map.HasWorkFor("a", Nobody));
        Assert.True(map.HasWorkFor("c", Nobody));
    }

    private sealed record Step(int Courier, int What);

    // Couriers come, deliver, bring wrong bytes, get stuck and leave in any order, each with its own server; in the end
    // an honest one finishes. Whatever happened, every chunk was written exactly once, and none was open with nobody to
    // ask.
    [Fact]
    public void Whatever_couriers_do_every_chunk_is_written_exactly_once() =>
        Gen.Select(Gen.Int[0, 12],
            Gen.Select(Gen.Int[0, 4], Gen.Int[0, 9], (who, what) => new Step(who, what)).List[0, 80])
            .Sample((count, steps) =>
            {
                ChunkMap map = new(count);
                int[] written = new int[count];
                List<int>[] holds = [.. Enumerable.Range(0, 5).Select(_ => new List<int>())];
                HashSet<int> stuck = [];
                foreach ((int who, int what) in steps.Select(step => (step.Courier, step.What)))
                {
                    string server = $"s{who}";
                    if (what <= 3 && map.Take(who, server, stuck.Contains) is >= 0 and int taken)
                    {
                        Assert.DoesNotContain(taken, holds[who]);
                        Assert.All(Enumerable.Range(0, 5).Where(one => holds[one].Contains(taken)),
                            one => Assert.Contains(one, stuck));
                        holds[who].Add(taken);
                    }
                    else if (what <= 6 && holds[who] is [int first, ..])
                    {
                        holds[who].RemoveAt(0);
                        if (what == 6) map.Refuse(who, server, first);
                        else if (map.TryDeliver(first))
                        {
                            written[first]++;
                            map.CountWritten();
                            foreach (List<int> other in holds) other.Remove(first);
                        }
                    }
                    else if (what == 7) stuck.Add(who);
                    else if (what == 8) stuck.Remove(who);
                    else if (what == 9)
                    {
                        map.Release(who);
                        holds[who].Clear();
                    }
                }
                foreach (int who in Enumerable.Range(0, 5)) map.Release(who);
                while (map.Take(9, "honest", Nobody) is >= 0 and int chunk)
                {
                    Assert.True(map.TryDeliver(chunk));
                    written[chunk]++;
                    map.CountWritten();
                }
                Assert.True(map.IsWhole);
                Assert.All(written, times => Assert.Equal(1, times));
                Assert.Equal(0, map.Open);
            });
}
