using MicroCdn.Client;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

[Collection(FakeNetworkTests.Name)]
public sealed class DeathTests
{
    // 8 s timeout, 1 s between two looks, and up to 3 s since the last heartbeat: MonitorOptions and ContentOptions.
    private static readonly TimeSpan Latest = TimeSpan.FromSeconds(12);
    private static readonly TimeSpan Earliest = TimeSpan.FromSeconds(8 - 3);
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(3);

    public static TheoryData<int> Seeds => FakeNetworkTests.Seeds;

    [Theory, MemberData(nameof(Seeds))]
    public Task A_killed_server_is_marked_dead_and_the_index_stops_naming_it(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        cluster.Give("CS1", "only-on-1.txt", [1]);
        foreach (string id in new[] { "CS1", "CS2" }) cluster.Give(id, "shared.txt", [1, 2]);
        await cluster.StartAsync("CS1", "CS2");
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(cluster.World.Chance.NextDouble() * 5));

        cluster.World.Phase("CS1 is killed");
        TimeSpan killedAt = cluster.World.Now;
        cluster.Kill("CS1");
        await cluster.UntilState("monitor", "CS1", "dead", Latest);
        cluster.World.Check(cluster.World.Now - killedAt >= Earliest, "not dead before its silence is long enough",
            $"dead after {cluster.World.Now - killedAt}");
        // The monitor tells at once; an index that only asked would need up to a second.
        await cluster.UntilState("index", "CS1", "dead", TimeSpan.FromMilliseconds(50));

        Assert.Null(await cluster.RouteAsync("only-on-1.txt"));
        Assert.Equal("ERROR FILE_NOT_FOUND", await cluster.AskAsync("index", "GET only-on-1.txt"));
        for (int asked = 0; asked < 10; asked++) Assert.Equal("CS2", await cluster.RouteAsync("shared.txt"));
        DownloadResult result = await cluster.DownloadAsync("shared.txt", "got.txt");
        Assert.Equal("CS2", result.Server);
        Assert.Equal("alive", await cluster.StateAsync("monitor", "CS2"));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task A_download_begun_before_the_death_is_noticed_goes_to_the_other_server(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        foreach (string id in new[] { "CS1", "CS2" }) cluster.Give(id, "shared.txt", [1, 2]);
        await cluster.StartAsync("CS1", "CS2");
        cluster.World.Phase("CS1 is killed, and nobody knows yet");
        cluster.Kill("CS1");
        foreach (string target in new[] { "a", "b", "c", "d" })
        {
            DownloadResult result = await cluster.DownloadAsync("shared.txt", target, within: TimeSpan.FromSeconds(1));
            Assert.Equal("CS2", result.Server);
        }
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task A_monitor_that_was_paused_for_twenty_seconds_blames_nobody(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        cluster.Give("CS1", "hello.txt", [1]);
        await cluster.StartAsync("CS1", "CS2", "CS3");
        foreach (bool timersFirst in new[] { true, false })
        {
            cluster.World.Phase($"the monitor sleeps, and then runs its timers {(timersFirst ? "first" : "last")}");
            cluster.Network.Host("monitor").Pause();
            await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(20));
            cluster.Network.Host("monitor").Resume(timersFirst);
            await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(10));
            Assert.DoesNotContain(cluster.World.Log.Lines,
                line => line.Text.Contains("is dead", StringComparison.Ordinal));
        }

        cluster.World.Phase("a server dies while the monitor sleeps");
        cluster.Network.Host("monitor").Pause();
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(5));
        cluster.Kill("CS3");
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(15));
        cluster.Network.Host("monitor").Resume(timersFirst: true);
        await cluster.UntilState("index", "CS3", "dead", Latest);
        await cluster.UntilAllAlive("CS1", "CS2");
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task Lost_and_doubled_heartbeats_do_not_break_routing(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        string[] ids = ["CS1", "CS2", "CS3"];
        foreach (string id in ids) cluster.Give(id, "shared.txt", [1]);
        await cluster.StartAsync(ids);

        cluster.World.Phase("30 % of the heartbeats are lost, 30 % of the others come twice");
        foreach (string id in ids)
        {
            Link link = cluster.Network.LinkOf(id.ToLowerInvariant(), "monitor");
            (link.Loss, link.Doubling) = (0.3, 0.3);
        }
        int asked = 0;
        int named = 0;
        for (; asked < 240; asked++)
        {
            if (await cluster.RouteAsync("shared.txt") is not null) named++;
            await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(0.5));
        }
        // Rarely all three are given up wrongly at the same time, until the next beat of one of them.
        Assert.InRange(named, asked - 6, asked);
        Assert.Contains(cluster.World.Log.Lines, line => line.Text.EndsWith("for 8 s", StringComparison.Ordinal));

        cluster.World.Phase("the network is well again");
        foreach (string id in ids) cluster.Network.Heal(id.ToLowerInvariant(), "monitor");
        await cluster.World.AdvanceAsync(Beat + TimeSpan.FromSeconds(0.5));
        foreach (string id in ids) Assert.Equal("alive", await cluster.StateAsync("index", id));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task A_burst_between_two_heartbeats_spreads_over_both_servers(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        foreach (string id in new[] { "CS1", "CS2" }) cluster.Give(id, "shared.txt", [1]);
        await cluster.StartAsync("CS1", "CS2");
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(cluster.World.Chance.NextDouble() * 5));
        cluster.World.Phase("200 clients ask at one moment");
        Dictionary<string, int> named = new() { ["CS1"] = 0, ["CS2"] = 0 };
        for (int asked = 0; asked < 200; asked++) named[(await cluster.RouteAsync("shared.txt"))!]++;
        Assert.InRange(named["CS1"], 90, 110);
        Assert.InRange(named["CS2"], 90, 110);
    });
}
