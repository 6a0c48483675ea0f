using System.Net;
using MicroCdn.Client;
using MicroCdn.Network;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

[Collection(FakeNetworkTests.Name)]
public sealed class DeathTests
{
    // Issue 4, Proof: what crashed is known in 50 ms, what hangs is suspect in half a second and dead within one.
    private static readonly TimeSpan Crashed = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan HalfASecond = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan Hung = TimeSpan.FromSeconds(1);

    // Version 1: 8 s timeout, 1 s between two looks, and up to 3 s since the last heartbeat.
    private static readonly TimeSpan Silent = TimeSpan.FromSeconds(12);

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
        cluster.Kill("CS1");
        await cluster.UntilState("monitor", "CS1", "dead", Crashed);
        // The monitor tells at once; an index that only asked would need up to a second.
        await cluster.UntilState("index", "CS1", "dead", Crashed);

        Assert.Null(await cluster.RouteAsync("only-on-1.txt"));
        Assert.Equal("ERROR FILE_NOT_FOUND", await cluster.AskAsync("index", "GET only-on-1.txt"));
        for (int asked = 0; asked < 10; asked++) Assert.Equal("CS2", await cluster.RouteAsync("shared.txt"));
        DownloadResult result = await cluster.DownloadAsync("shared.txt", "got.txt");
        Assert.Equal("CS2", result.Server);
        Assert.Equal("alive", await cluster.StateAsync("monitor", "CS2"));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task A_server_that_hangs_is_asked_last_and_soon_not_at_all_and_is_back_when_it_goes_on(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        foreach (string id in new[] { "CS1", "CS2" }) cluster.Give(id, "shared.txt", [1, 2]);
        await cluster.StartAsync("CS1", "CS2");
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(1 + (cluster.World.Chance.NextDouble() * 5)));

        cluster.World.Phase("CS1 hangs");
        cluster.Network.Host("cs1").Pause();
        await cluster.World.UntilAsync(() => cluster.World.Log.Lines.Any(line => line.Host == "monitor"
            && line.Text.StartsWith("CS1 is suspect", StringComparison.Ordinal)), "CS1 is suspect", HalfASecond);
        Assert.Equal("alive", await cluster.StateAsync("index", "CS1"));
        for (int asked = 0; asked < 10; asked++) Assert.Equal("CS2", await cluster.RouteAsync("shared.txt"));
        await cluster.UntilState("index", "CS1", "dead", HalfASecond);

        cluster.World.Phase("CS1 goes on");
        cluster.Network.Host("cs1").Resume(timersFirst: seed == 1);
        await cluster.UntilState("index", "CS1", "alive", HalfASecond);
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task The_index_knows_within_a_second_how_long_ago_each_heartbeat_was_heard(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        await cluster.StartAsync("CS1", "CS2");
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(2 + cluster.World.Chance.NextDouble()));
        Assert.InRange(Age("CS1")!.Value.TotalSeconds, 0, 1.2);

        cluster.World.Phase("CS1 is cut off from the monitor");
        cluster.Kill("CS1");
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(7));
        Assert.InRange(Age("CS1")!.Value.TotalSeconds, 7, 7.2);
        Assert.InRange(Age("CS2")!.Value.TotalSeconds, 0, 1.2);

        cluster.World.Phase("nobody is left who hears");
        cluster.Kill("monitor");
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(17));
        Assert.Null(Age("CS1"));

        TimeSpan? Age(string id) => cluster.Index!.Directory.HeartbeatAges().Where(one => one.Key.Value == id)
            .Select(one => (TimeSpan?)one.Value).SingleOrDefault();
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task A_server_of_version_1_is_dead_after_eight_seconds_of_silence(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        cluster.StartMonitor("index");
        using IDatagramPort foreign = cluster.Network.Host("cs1").Datagrams.Bind(new IPEndPoint(IPAddress.Any, 7002));
        IPEndPoint monitor = new((await cluster.Network.Host("cs1").Datagrams
            .ResolveAsync("monitor", TestContext.Current.CancellationToken))[0], 6000);
        foreign.Send("HEARTBEAT CS1 10.0.0.4 7001 0 1"u8, monitor);
        await cluster.UntilState("monitor", "CS1", "alive", HalfASecond);
        TimeSpan heardAt = cluster.World.Now;
        await cluster.UntilState("monitor", "CS1", "dead", Silent);
        Assert.InRange(cluster.World.Now - heardAt, TimeSpan.FromSeconds(7.9), TimeSpan.FromSeconds(9.1));
        foreign.Send("HEARTBEAT CS1 10.0.0.4 7001 0 1"u8, monitor);
        await cluster.UntilState("monitor", "CS1", "alive", HalfASecond);
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
        await cluster.UntilState("index", "CS3", "dead", Hung);
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
        Assert.Equal(asked, named);
        Assert.Contains(cluster.World.Log.Lines,
            line => line.Text.Contains("is suspect: it is silent", StringComparison.Ordinal));
        Assert.DoesNotContain(cluster.World.Log.Lines, line => line.Text.Contains("is dead", StringComparison.Ordinal));

        cluster.World.Phase("the network is well again");
        foreach (string id in ids) cluster.Network.Heal(id.ToLowerInvariant(), "monitor");
        await cluster.World.AdvanceAsync(HalfASecond);
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
