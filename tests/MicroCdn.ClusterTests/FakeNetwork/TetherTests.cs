using System.Globalization;
using System.Net;
using MicroCdn.Content;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>A content server and its monitors: tether, heartbeats, probes.</summary>
[Collection(FakeNetworkTests.Name)]
public sealed class TetherTests
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);

    public static TheoryData<int> Seeds => FakeNetworkTests.Seeds;

    [Theory, MemberData(nameof(Seeds))]
    public Task A_monitor_of_version_1_hears_exactly_its_line_every_three_seconds(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        ScriptedMonitor monitor = new(cluster, ScriptedMonitor.Version1);
        ScriptedMonitor.StartContent(cluster);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(13));
        string line = $"HEARTBEAT CS1 {cluster.Network.Host("cs1").Address} 7001 0 1";
        Assert.Equal([line, line, line, line, line], monitor.Datagrams.Select(one => one.Text));
        Assert.InRange(monitor.Datagrams[0].At, TimeSpan.Zero, TimeSpan.FromSeconds(0.3));
        Assert.All(Gaps(monitor), gap => Assert.InRange(gap, TimeSpan.FromSeconds(2.9), TimeSpan.FromSeconds(3.1)));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task A_monitor_that_is_silent_at_HELLO_2_hears_of_version_1_after_two_seconds(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        ScriptedMonitor monitor = new(cluster, _ => new Reply(null));
        ScriptedMonitor.StartContent(cluster);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(6));
        Assert.Equal(2, monitor.Datagrams.Length);
        Assert.InRange(monitor.Datagrams[0].At, TimeSpan.FromSeconds(1.9), TimeSpan.FromSeconds(2.4));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task A_monitor_that_twice_spoke_version_1_is_asked_again_after_ten_minutes(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        ScriptedMonitor monitor = new(cluster, ScriptedMonitor.Version1);
        _ = new ForeignIndex(cluster, "index", ForeignIndex.Usual);
        ScriptedMonitor.StartContent(
            cluster, options => options with { HeartbeatInterval = TimeSpan.FromSeconds(3) });
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(590));
        Assert.Equal(["HELLO 2", "HELLO 2"], Hellos());
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(["HELLO 2", "HELLO 2", "HELLO 2"], Hellos());

        IEnumerable<string> Hellos() => monitor.Lines.Where(heard => heard.Verb == "HELLO").Select(heard => heard.Line);
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task A_tethered_monitor_hears_a_numbered_beat_every_100_ms(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        ScriptedMonitor monitor = new(cluster, ScriptedMonitor.Version2);
        ScriptedMonitor.StartContent(cluster);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(20));
        string tether = Assert.Single(monitor.Lines, heard => heard.Verb == "TETHER").Line;
        long incarnation = long.Parse(Key(tether, "inc"), CultureInfo.InvariantCulture);
        Assert.Equal($"TETHER CS1 7001 7002 inc={incarnation} beat=100", tether);

        string[] beats = [.. monitor.Datagrams.Select(one => one.Text).Where(text => text.Contains("inc="))];
        Assert.InRange(beats.Length, 198, 201);
        int first = int.Parse(Key(beats[0], "seq"), CultureInfo.InvariantCulture);
        string begin = $"HEARTBEAT CS1 {cluster.Network.Host("cs1").Address} 7001 0 1 inc={incarnation}";
        Assert.Equal(beats.Skip(5), Enumerable.Range(first, beats.Length).Select(seq => $"{begin} seq={seq} gap=100")
            .Skip(5));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task A_paused_server_says_so_in_its_first_beat(int seed) => FakeCluster.RunAsync(seed, async cluster =>
    {
        ScriptedMonitor monitor = new(cluster, ScriptedMonitor.Version2);
        ScriptedMonitor.StartContent(cluster);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(2));
        cluster.Network.Host("cs1").Pause();
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(1.5));
        cluster.Network.Host("cs1").Resume(timersFirst: true);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(1));
        Assert.Contains(monitor.Datagrams, one =>
            one.Text.Contains("gap=") && int.Parse(Key(one.Text, "gap"), CultureInfo.InvariantCulture) >= 1400);
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task Every_start_has_a_larger_incarnation_also_when_the_clock_stood_still(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        ScriptedMonitor monitor = new(cluster, ScriptedMonitor.Version2);
        for (int start = 0; start < 3; start++)
        {
            ScriptedMonitor.StartContent(cluster);
            await cluster.World.SettleAsync();
            cluster.Kill("CS1");
        }
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(1));
        long[] starts = [.. monitor.Lines.Where(heard => heard.Verb == "TETHER")
            .Select(heard => long.Parse(Key(heard.Line, "inc"), CultureInfo.InvariantCulture))];
        Assert.Equal([starts[0], starts[0] + 1, starts[0] + 2], starts);
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task A_lost_tether_is_made_again_at_once_and_beats_go_on_meanwhile(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        ScriptedMonitor monitor = new(cluster, heard => heard.Verb == "TETHER"
            ? new Reply("OK TETHERED", TimeSpan.FromSeconds(5)) : ScriptedMonitor.Version2(heard));
        ScriptedMonitor.StartContent(cluster);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(16));
        TimeSpan[] tethers = [.. monitor.Lines.Where(heard => heard.Verb == "TETHER").Select(heard => heard.At)];
        Assert.Equal(4, tethers.Length);
        Assert.All(tethers.Zip(tethers.Skip(1)),
            pair => Assert.InRange((pair.Second - pair.First).TotalSeconds, 5, 5.3));
        Assert.All(monitor.Datagrams, one => Assert.Contains("inc=", one.Text, StringComparison.Ordinal));
        Assert.All(Gaps(monitor), gap => Assert.InRange(gap, TimeSpan.Zero, 1.2 * Tick));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task A_monitor_that_is_gone_is_dialed_after_growing_pauses_and_gets_lines_of_version_1(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        _ = new ScriptedMonitor(cluster, ScriptedMonitor.Version2);
        ScriptedMonitor.StartContent(cluster);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(5));
        cluster.Kill("monitor");
        TimeSpan goneAt = cluster.World.Now;
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(30));
        Dial[] dials = [.. cluster.Network.Dials.Where(d => d.Port == FakeCluster.MonitorPort && d.At > goneAt)];
        TimeSpan[] pauses = [.. dials.Zip(dials.Skip(1)).Select(pair => pair.Second.At - pair.First.At)];
        Assert.All(pauses.Take(3), pause => Assert.InRange(pause.TotalSeconds, 0.04, 1));
        Assert.All(pauses.Skip(6), pause => Assert.InRange(pause.TotalSeconds, 0.9, 2.1));

        cluster.World.Phase("another monitor, of version 1, takes its place");
        ScriptedMonitor old = new(cluster, ScriptedMonitor.Version1);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(10));
        Assert.InRange(old.Datagrams.Length, 3, 4);
        Assert.DoesNotContain(old.Datagrams, one => one.Text.Contains('='));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task A_twin_is_told_loudly_beats_no_more_and_takes_over_when_the_other_is_gone(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        bool isHeld = true;
        ScriptedMonitor monitor = new(cluster, heard => heard.Verb == "TETHER" && isHeld
            ? new Reply("ERROR TWIN") : ScriptedMonitor.Version2(heard));
        ScriptedMonitor.StartContent(cluster);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(19));
        Assert.Equal(4, monitor.Lines.Count(heard => heard.Verb == "TETHER"));
        Assert.Empty(monitor.Datagrams);
        Assert.Single(cluster.World.Log.Lines, line => line.Text.Contains("another process already goes by CS1"));

        isHeld = false;
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(6));
        Assert.True(monitor.Datagrams.Length > 5);
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task Each_of_several_monitors_is_spoken_to_in_its_own_version(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        ScriptedMonitor first = new(cluster, ScriptedMonitor.Version1);
        ScriptedMonitor second = new(cluster, ScriptedMonitor.Version2, "monitor2");
        ScriptedMonitor.StartContent(
            cluster, options => options with { MoreMonitors = [new MonitorAddress("monitor2", 6001, 6000)] });
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(4, first.Datagrams.Length);
        Assert.DoesNotContain(first.Datagrams, one => one.Text.Contains('='));
        Assert.InRange(second.Datagrams.Length, 95, 102);
        Assert.All(second.Datagrams, one => Assert.Contains("inc=", one.Text, StringComparison.Ordinal));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task A_monitors_PING_is_answered_and_a_strangers_is_not(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        ScriptedMonitor monitor = new(cluster, ScriptedMonitor.Version2);
        ScriptedMonitor stranger = new(cluster, ScriptedMonitor.Version2, "stranger");
        ScriptedMonitor.StartContent(cluster);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(1));
        IPAddress server = cluster.Network.Host("cs1").Address;
        monitor.Ask(server, "PING CS1 nonce=00ff00ff00ff00ff");
        stranger.Ask(server, "PING CS1 nonce=00ff00ff00ff00ff");
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(1));
        string inc = Key(Assert.Single(monitor.Lines, heard => heard.Verb == "TETHER").Line, "inc");
        Assert.Equal([$"PONG CS1 nonce=00ff00ff00ff00ff inc={inc}"], monitor.Answers);
        Assert.Empty(stranger.Datagrams);
    });

    private static IEnumerable<TimeSpan> Gaps(ScriptedMonitor monitor)
    {
        (TimeSpan At, string Text)[] heard = monitor.Datagrams;
        return heard.Zip(heard.Skip(1)).Select(pair => pair.Second.At - pair.First.At);
    }

    private static string Key(string line, string key) =>
        line.Split(' ').Single(word => word.StartsWith(key + "=", StringComparison.Ordinal)).Split('=')[1];
}
