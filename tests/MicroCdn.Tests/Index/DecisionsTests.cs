using MicroCdn.Index;

namespace MicroCdn.Tests.Index;

/// <summary>What is counted of the choice of a server.</summary>
public sealed class DecisionsTests
{
    [Fact]
    public void Each_answer_counts_by_the_policy_that_left_one_server_alone()
    {
        IndexWorld world = new();
        world.Register("CS1", "10.0.0.1", "a 1");
        world.Ask("GET a\n");
        Assert.Equal(1, Of(world, Decision.Only));
        world.Register("CS2", "10.0.0.2", "a 1");
        world.Ask("GET a\nGET a\n");
        Assert.Equal(2, Of(world, Decision.Load));
        world.Ask("SERVER_DOWN CS2 1\n", "10.0.0.9");
        world.Ask("GET a\n");
        Assert.Equal(2, Of(world, Decision.Only));
        world.Ask("SERVER_DOWN CS1 1\n", "10.0.0.9");
        world.Ask("GET a\nGET nothing\n");
        Assert.Equal(1, Of(world, Decision.None));
    }

    [Fact]
    public void Threads_count_apart_also_when_they_work_for_several_indexes_in_turn()
    {
        const int threads = 4, each = 1_000;
        Decisions one = new(), other = new();
        Thread[] running = [.. Enumerable.Range(0, threads).Select(_ => new Thread(() =>
        {
            for (int number = 0; number < each; number++)
            {
                one.Count(Decision.Load);
                if (number % 10 == 0) other.Count(Decision.Place);
            }
        }))];
        foreach (Thread thread in running) thread.Start();
        foreach (Thread thread in running) thread.Join();
        Assert.Equal(threads * each, one.Snapshot()[(int)Decision.Load]);
        Assert.Equal(threads * each / 10, other.Snapshot()[(int)Decision.Place]);
        Assert.Equal(0, other.Snapshot()[(int)Decision.Load]);
    }

    private static long Of(IndexWorld world, Decision decision) => world.Router.Decisions.Snapshot()[(int)decision];
}
