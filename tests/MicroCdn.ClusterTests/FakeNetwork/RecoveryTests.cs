using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

[Collection(FakeNetworkTests.Name)]
public sealed class RecoveryTests
{
    // With room for monitors of version 1: 8 s timeout, 1 s between two looks, up to 3 s since the last heartbeat.
    private static readonly TimeSpan Dead = TimeSpan.FromSeconds(12);
    private static readonly TimeSpan OneSecond = TimeSpan.FromSeconds(1);

    public static TheoryData<int> Seeds => FakeNetworkTests.Seeds;

    public static TheoryData<string> Orders =>
        [.. Permutations(["index", "monitor", "CS1", "CS2"]).Select(order => string.Join(' ', order))];

    [Theory, MemberData(nameof(Seeds))]
    public Task A_killed_server_that_returns_is_routed_to_within_a_second_of_its_registration(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        cluster.Give("CS1", "only-on-1.txt", [1]);
        await cluster.StartAsync("CS1", "CS2");
        cluster.Kill("CS1");
        await cluster.UntilState("index", "CS1", "dead", Dead);
        await Wait(cluster, 10);

        cluster.World.Phase("CS1 returns");
        cluster.StartContent("CS1");
        await cluster.World.UntilAsync(() => LoggedTwice(cluster, "cs1", "CS1 registered"), "CS1 registers", OneSecond);
        await cluster.UntilRoute("only-on-1.txt", "CS1", OneSecond);

        cluster.World.Phase("it stays");
        for (int asked = 0; asked < 60; asked++)
        {
            Assert.Equal("CS1", await cluster.RouteAsync("only-on-1.txt"));
            await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(0.25));
        }
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task A_registration_outweighs_for_ten_seconds_a_monitor_that_has_not_heard_the_server(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        // A monitor of version 1.
        _ = new ForeignIndex(cluster, "monitor", heard => heard.Verb == "LIST_SERVERS"
            ? new Reply("SERVER CS1 10.0.0.4 7001 0 dead\nEND") : ForeignIndex.Usual(heard), FakeCluster.MonitorPort);
        cluster.Give("CS1", "only-on-1.txt", [1]);
        cluster.StartIndex();
        cluster.StartContent("CS1");
        await cluster.UntilRoute("only-on-1.txt", "CS1", OneSecond);
        for (int asked = 0; asked < 36; asked++)
        {
            Assert.Equal("CS1", await cluster.RouteAsync("only-on-1.txt"));
            await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(0.25));
        }
        cluster.World.Phase("then the monitor is believed");
        await cluster.UntilState("index", "CS1", "dead", TimeSpan.FromSeconds(2));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task A_server_whose_datagrams_are_all_lost_stays_as_long_as_its_port_answers(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        cluster.Give("CS1", "only-on-1.txt", [1]);
        await cluster.StartAsync("CS1", "CS2");
        cluster.Network.LinkOf("cs1", "monitor").Loss = 1;
        for (int asked = 0; asked < 40; asked++)
        {
            Assert.Equal("CS1", await cluster.RouteAsync("only-on-1.txt"));
            await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(0.25));
        }
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task A_server_that_was_cut_off_is_routed_to_within_a_second_of_the_first_heartbeat(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        cluster.Give("CS1", "only-on-1.txt", [1]);
        await cluster.StartAsync("CS1", "CS2");
        await cluster.World.AdvanceAsync(OneSecond);
        foreach ((string from, string to) in new[] { ("cs1", "monitor"), ("monitor", "cs1") })
        {
            Link link = cluster.Network.LinkOf(from, to);
            (link.Loss, link.Stalls) = (1, true);
        }
        await cluster.UntilState("index", "CS1", "dead", OneSecond);
        await Wait(cluster, 10);
        Assert.Null(await cluster.RouteAsync("only-on-1.txt"));

        cluster.World.Phase("heartbeats get through again");
        cluster.Network.Heal("cs1", "monitor");
        cluster.Network.Heal("monitor", "cs1");
        await cluster.UntilState("monitor", "CS1", "alive", OneSecond);
        await cluster.UntilRoute("only-on-1.txt", "CS1", OneSecond);
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task An_index_that_restarts_knows_all_files_again_within_two_seconds(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        string[] ids = ["CS1", "CS2", "CS3"];
        foreach (string id in ids)
        {
            for (int n = 0; n < 300; n++) cluster.Give(id, $"folder {n % 7}/{id}-{n}.bin", [(byte)n]);
        }
        await cluster.StartAsync(ids);
        await Wait(cluster, 20);
        IReadOnlyList<string> before = await cluster.ListAsync("index", "LIST_FILES");
        Assert.Equal(901, before.Count);

        cluster.World.Phase("the index is gone");
        await Wait(cluster, 5, least: 2);
        cluster.Kill("index");
        await Wait(cluster, 20);
        cluster.World.Phase("the index is back");
        cluster.StartIndex();
        await cluster.World.UntilAsync(async () =>
            (await cluster.ListAsync("index", "LIST_FILES")).Order().SequenceEqual(before.Order()),
            "the index lists all files", TimeSpan.FromSeconds(2));
        await cluster.DownloadAsync("folder 0/CS2-0.bin", "got.bin", within: OneSecond);

        cluster.World.Phase("a death is noticed by the new index too");
        cluster.Kill("CS3");
        await cluster.UntilState("index", "CS3", "dead", Dead);
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task A_monitor_that_restarts_reports_who_died_meanwhile(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        cluster.Give("CS1", "only-on-1.txt", [1]);
        await cluster.StartAsync("CS1", "CS2");
        cluster.World.Phase("the monitor is gone, and CS1 dies");
        cluster.Kill("monitor");
        await Wait(cluster, 20);
        cluster.Kill("CS1");
        await Wait(cluster, 20);

        cluster.World.Phase("the monitor is back, and only the index remembers CS1");
        cluster.StartMonitor("index");
        await cluster.UntilState("index", "CS1", "dead", TimeSpan.FromSeconds(10));
        Assert.Equal("dead", await cluster.StateAsync("monitor", "CS1"));
        Assert.Null(await cluster.RouteAsync("only-on-1.txt"));
        await cluster.UntilAllAlive("CS2");
    });

    [Theory]
    [InlineData(0.125)]
    [InlineData(0.75)]
    [InlineData(5.0)]
    public Task A_monitor_that_restarts_without_flags_hears_from_its_index_whom_to_expect(double goneSeconds) =>
        FakeCluster.RunAsync(1, async cluster =>
    {
        cluster.World.Phase("the index subscribes by itself");
        cluster.StartIndex();
        cluster.StartMonitor();
        foreach (string id in new[] { "CS1", "CS2" }) cluster.StartContent(id);
        await cluster.UntilAllAlive("CS1", "CS2");
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(3.5));

        cluster.World.Phase("the monitor is gone for a moment, and CS1 dies");
        cluster.Kill("monitor");
        cluster.Kill("CS1");
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(goneSeconds));
        cluster.StartMonitor();
        cluster.World.Phase("the monitor is back, and only the index remembers CS1");
        await cluster.UntilState("index", "CS1", "dead", TimeSpan.FromSeconds(12));
    });

    [Fact]
    public Task A_monitor_that_leaves_REGISTER_INDEX_unanswered_is_asked_on_and_not_told_again() =>
        FakeCluster.RunAsync(1, async cluster =>
    {
        ForeignIndex monitor = new(cluster, "monitor", heard => heard.Verb == "LIST_SERVERS"
            ? new Reply("SERVER CS1 10.0.0.4 7001 0 alive\nEND") : new Reply(null), FakeCluster.MonitorPort);
        cluster.StartIndex();
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(30));
        Assert.Single(monitor.TimesOf("REGISTER_INDEX"));
        Assert.InRange(monitor.TimesOf("LIST_SERVERS").Length, 29, 31);
        Assert.DoesNotContain(cluster.World.Log.Lines,
            line => line.Text.Contains("is not reached", StringComparison.Ordinal));
    });

    [Theory, MemberData(nameof(Orders))]
    public Task Every_start_order_ends_in_a_working_cluster(string order) =>
        FakeCluster.RunAsync(order.Length, async cluster =>
    {
        foreach (string id in new[] { "CS1", "CS2" })
        {
            cluster.Give(id, "shared.txt", [1, 2, 3]);
            cluster.Give(id, $"only-on-{id}.txt", [4]);
        }
        foreach (string role in order.Split(' '))
        {
            cluster.World.Phase($"{role} starts");
            if (role == "index") cluster.StartIndex();
            else if (role == "monitor") cluster.StartMonitor("index");
            else cluster.StartContent(role);
            await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(7.3));
        }

        cluster.World.Phase("the cluster works");
        await cluster.UntilAllAlive("CS1", "CS2");
        foreach (string file in new[] { "shared.txt", "only-on-CS1.txt", "only-on-CS2.txt" })
        {
            await cluster.DownloadAsync(file, $"got/{file}", within: OneSecond);
        }
        cluster.World.Phase("a death is noticed");
        cluster.Kill("CS2");
        await cluster.UntilState("monitor", "CS2", "dead", Dead);
        await cluster.UntilState("index", "CS2", "dead", TimeSpan.FromMilliseconds(50));
        cluster.World.Phase("so is a return");
        cluster.StartContent("CS2");
        await cluster.UntilRoute("only-on-CS2.txt", "CS2", OneSecond);
    });

    private static Task Wait(FakeCluster cluster, double most, double least = 0) =>
        cluster.World.AdvanceAsync(TimeSpan.FromSeconds(least + (cluster.World.Chance.NextDouble() * (most - least))));

    private static bool LoggedTwice(FakeCluster cluster, string host, string start) =>
        cluster.World.Log.Lines.Count(l => l.Host == host && l.Text.StartsWith(start, StringComparison.Ordinal)) == 2;

    private static IEnumerable<IReadOnlyList<string>> Permutations(IReadOnlyList<string> words) => words.Count == 0
        ? [[]] : words.SelectMany(word => Permutations([.. words.Where(w => w != word)])
            .Select(rest => (IReadOnlyList<string>)[word, .. rest]));
}
