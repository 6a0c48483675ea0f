using System.Net;
using MicroCdn.Index;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

[Collection(FakeNetworkTests.Name)]
public sealed class NoticeTests
{
    private static readonly TimeSpan Dead = TimeSpan.FromSeconds(12);
    private static readonly TimeSpan Exactly = TimeSpan.FromMilliseconds(100);

    public static TheoryData<int> Seeds => FakeNetworkTests.Seeds;

    [Theory, MemberData(nameof(Seeds))]
    public Task SERVER_DOWN_is_repeated_after_1_2_and_4_seconds_until_the_server_is_heard_again(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        await StartWithForeignIndex(cluster, ForeignIndex.Usual);
        cluster.World.Phase("the index is gone, and CS1 dies");
        cluster.Kill("index");
        cluster.Kill("CS1");
        await cluster.UntilState("monitor", "CS1", "dead", Dead);
        TimeSpan diedAt = cluster.World.Now;
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(80));
        AssertTimes(diedAt, [0, 1, 3, 7, 15, 31, 61], Tries(cluster, diedAt));

        cluster.World.Phase("CS1 is heard again");
        cluster.StartContent("CS1");
        await cluster.UntilState("monitor", "CS1", "alive", TimeSpan.FromSeconds(1));
        TimeSpan heardAt = cluster.World.Now;
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(70));
        Assert.Empty(Tries(cluster, heardAt));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task SERVER_DOWN_reaches_an_index_that_comes_back_and_is_then_not_repeated(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        await StartWithForeignIndex(cluster, ForeignIndex.Usual);
        cluster.Kill("index");
        cluster.Kill("CS1");
        await cluster.UntilState("monitor", "CS1", "dead", Dead);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(5));
        cluster.World.Phase("the index is back");
        ForeignIndex back = new(cluster, "index", ForeignIndex.Usual);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(70));
        Heard told = Assert.Single(back.Lines, heard => heard.Verb == "SERVER_DOWN");
        Assert.Matches("^SERVER_DOWN CS1 [0-9]+$", told.Line);
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task SERVER_DOWN_is_said_three_times_to_an_index_that_closes_without_an_answer(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        ForeignIndex index = await StartWithForeignIndex(cluster, heard =>
            heard.Verb == "SERVER_DOWN" ? new Reply(null, TimeSpan.Zero) : ForeignIndex.Usual(heard));
        cluster.Kill("CS1");
        await cluster.UntilState("monitor", "CS1", "dead", Dead);
        TimeSpan diedAt = cluster.World.Now;
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(100));
        AssertTimes(diedAt, [0, 1, 3], index.TimesOf("SERVER_DOWN"));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task SERVER_DOWN_is_repeated_to_an_index_that_is_silent_for_five_seconds(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        ForeignIndex index = await StartWithForeignIndex(cluster, heard =>
            heard.Verb == "SERVER_DOWN" ? new Reply(null) : ForeignIndex.Usual(heard));
        cluster.Kill("CS1");
        await cluster.UntilState("monitor", "CS1", "dead", Dead);
        TimeSpan diedAt = cluster.World.Now;
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(20));
        AssertTimes(diedAt, [0, 5 + 1, 5 + 1 + 5 + 2], index.TimesOf("SERVER_DOWN"));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task A_pause_of_the_monitor_does_not_make_it_forget_whom_to_tell(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        await StartWithForeignIndex(cluster, ForeignIndex.Usual);
        cluster.Kill("index");
        cluster.Kill("CS1");
        await cluster.UntilState("monitor", "CS1", "dead", Dead);
        cluster.World.Phase("the monitor sleeps while the index is unreachable");
        cluster.Network.Host("monitor").Pause();
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(5));
        cluster.Network.Host("monitor").Resume(timersFirst: true);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(1.5));
        cluster.World.Phase("the index is back");
        ForeignIndex back = new(cluster, "index", ForeignIndex.Usual);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(31));
        Assert.Single(back.TimesOf("SERVER_DOWN"));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task Two_indexes_are_both_told_the_one_of_the_flag_and_the_one_that_subscribed(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        ForeignIndex second = new(cluster, "cs3", ForeignIndex.Usual);
        await cluster.StartAsync("CS1", "CS2");
        Assert.Equal("OK INDEX_REGISTERED", await cluster.AskAsync("monitor", "REGISTER_INDEX cs3 5050"));
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(1));

        cluster.World.Phase("CS1 is killed");
        cluster.Kill("CS1");
        await cluster.UntilState("monitor", "CS1", "dead", Dead);
        await cluster.UntilState("index", "CS1", "dead", TimeSpan.FromMilliseconds(50));
        Assert.Single(second.TimesOf("SERVER_DOWN"));
        // Told, not asked: the monitor's own word is what the first index went by.
        Assert.Contains(cluster.World.Log.Lines, line => line.Host == "index"
            && line.Text.StartsWith("CS1 is dead: monitor monitor says that it is dead", StringComparison.Ordinal));

        cluster.World.Phase("CS2 is killed");
        cluster.Kill("CS2");
        await cluster.UntilState("index", "CS2", "dead", Dead + TimeSpan.FromSeconds(1));
        Assert.Equal(2, second.TimesOf("SERVER_DOWN").Length);
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task An_index_on_another_machine_that_calls_itself_localhost_is_told_there(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        ForeignIndex elsewhere = new(cluster, "client", ForeignIndex.Usual);
        cluster.StartMonitor();
        Assert.Equal("OK INDEX_REGISTERED", await cluster.AskAsync("monitor", "REGISTER_INDEX localhost 5050"));
        await cluster.World.UntilAsync(() => elsewhere.TimesOf("LIST_SERVERS").Length == 1,
            "the monitor asks the index where it is", TimeSpan.FromSeconds(1));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task An_index_bound_to_one_address_subscribes_with_it(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        ForeignIndex monitor = new(cluster, "monitor", ForeignIndex.Usual, FakeCluster.MonitorPort);
        FakeHost host = cluster.Network.Host("index");
        IndexOptions options = new() { Bind = IPAddress.Parse("10.9.9.9"), MonitorHost = "monitor" };
        host.Attach(new IndexRole(options, host.Dialer, host.Time, new Random(seed), host.Loggers));
        await cluster.World.UntilAsync(
            () => monitor.Lines.Any(heard => heard.Line == "REGISTER_INDEX 10.9.9.9 5050"), "the index subscribes",
            TimeSpan.FromSeconds(1), () => string.Join(", ", monitor.Lines.Select(heard => heard.Line)));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task An_index_that_does_not_take_the_monitors_key_any_more_is_told_on_a_new_connection(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        ForeignIndex index = new(cluster, "index", heard => heard.Verb switch
        {
            "HELLO" => new Reply("WELCOME MICRO-CDN 2"),
            "MONITOR" => new Reply("OK MONITOR"),
            "STATES" or "STATE" => new Reply(null),
            "END_STATES" => new Reply(heard.Connection == 1 ? "ERROR NOT_AUTHENTICATED" : "OK STATES"),
            _ => ForeignIndex.Usual(heard),
        });
        cluster.StartMonitor("index");
        await cluster.World.UntilAsync(() => index.Lines.Any(heard => heard is { Verb: "END_STATES", Connection: > 1 }),
            "it is told again on another connection", TimeSpan.FromSeconds(5));
        int connections = index.Lines.Max(heard => heard.Connection);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(12));
        Assert.Equal(connections, index.Lines.Max(heard => heard.Connection));
    });

    // The monitor asks its index once for the servers to expect; only then is the index's fate the test's own.
    private static async Task<ForeignIndex> StartWithForeignIndex(FakeCluster cluster, Func<Heard, Reply> reply)
    {
        ForeignIndex index = new(cluster, "index", reply);
        cluster.StartMonitor("index");
        cluster.StartContent("CS1");
        await cluster.UntilState("monitor", "CS1", "alive", TimeSpan.FromSeconds(1));
        await cluster.World.UntilAsync(
            () => index.TimesOf("LIST_SERVERS").Length == 1, "the monitor asked for the servers");
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(cluster.World.Chance.NextDouble() * 5));
        return index;
    }

    private static TimeSpan[] Tries(FakeCluster cluster, TimeSpan since) =>
        [.. cluster.Network.Dials.Where(d => d.From == "monitor" && d.To == "index" && d.At >= since)
            .Select(d => d.At)];

    private static void AssertTimes(TimeSpan from, int[] seconds, TimeSpan[] times)
    {
        Assert.Equal(seconds.Length, times.Length);
        foreach ((int second, TimeSpan time) in seconds.Zip(times)) AssertAt(TimeSpan.FromSeconds(second), time - from);
    }

    private static void AssertAt(TimeSpan expected, TimeSpan time) =>
        Assert.InRange(time, expected - Exactly, expected + Exactly);
}
