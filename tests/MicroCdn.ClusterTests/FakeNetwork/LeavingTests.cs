using System.Text;
using MicroCdn.Content;
using MicroCdn.Network;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>A content server leaves in order.</summary>
[Collection(FakeNetworkTests.Name)]
public sealed class LeavingTests
{
    public static TheoryData<int> Seeds => FakeNetworkTests.Seeds;

    [Theory, MemberData(nameof(Seeds))]
    public Task Who_leaves_tells_the_index_and_the_monitor_and_beats_no_more(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        ScriptedMonitor monitor = new(cluster, ScriptedMonitor.Version2);
        ForeignIndex index = new(cluster, "index", Index2);
        ContentRole role = ScriptedMonitor.StartContent(cluster);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(2));
        TimeSpan leftAt = cluster.World.Now;
        await LeaveAsync(cluster, role);
        Assert.InRange(cluster.World.Now - leftAt, TimeSpan.FromSeconds(0.25), TimeSpan.FromSeconds(0.4));
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(20));
        Assert.Equal("DRAIN CS1", index.Lines[^1].Line);
        Assert.Equal("BYE CS1", monitor.Lines[^1].Line);
        Assert.All(monitor.Datagrams, one => Assert.True(one.At <= leftAt + TimeSpan.FromMilliseconds(10)));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task Who_leaves_while_its_tether_is_being_made_says_so_once_it_holds(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        ContentRole? role = null;
        Task? leaving = null;
        ScriptedMonitor monitor = new(cluster, heard =>
        {
            if (heard.Verb == "TETHER") leaving ??= role!.LeaveAsync(CancellationToken.None);
            return ScriptedMonitor.Version2(heard);
        });
        _ = new ForeignIndex(cluster, "index", Index2);
        role = ScriptedMonitor.StartContent(cluster);
        await cluster.World.UntilAsync(() => leaving?.IsCompleted == true, "it has left", TimeSpan.FromSeconds(5));
        Assert.Equal("BYE CS1", monitor.Lines[^1].Line);
        Assert.Empty(monitor.Datagrams);
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task Nothing_is_refused_while_the_news_travels_and_nothing_new_begins_after_it(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        ContentRole role = ScriptedMonitor.StartContent(cluster);
        _ = new ForeignIndex(cluster, "index", Index2);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(2));
        Task leaving = role.LeaveAsync(CancellationToken.None);
        await cluster.World.AdvanceAsync(TimeSpan.FromMilliseconds(200));
        Assert.Equal("OK 1", await GetAsync(cluster));
        await cluster.World.UntilAsync(() => leaving.IsCompleted, "it has left", TimeSpan.FromSeconds(1));
        Assert.Equal("ERROR UNAVAILABLE", await GetAsync(cluster));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task An_index_of_version_1_is_told_by_an_empty_list(int seed) => FakeCluster.RunAsync(seed, async cluster =>
    {
        ForeignIndex index = new(cluster, "index", ForeignIndex.Usual);
        ContentRole role = ScriptedMonitor.StartContent(cluster);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(3));
        int before = index.Lines.Count;
        await LeaveAsync(cluster, role);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(["REGISTER CS1 7001 7002", "DONE_FILES"], index.Lines.Skip(before).Select(heard => heard.Line));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task Who_answers_nothing_is_not_waited_for_longer_than_a_second(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        _ = new ScriptedMonitor(cluster, heard =>
            heard.Verb == "BYE" ? new Reply(null) : ScriptedMonitor.Version2(heard));
        _ = new ForeignIndex(cluster, "index", heard => heard.Verb == "DRAIN" ? new Reply(null) : Index2(heard));
        ContentRole role = ScriptedMonitor.StartContent(cluster);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(2));
        TimeSpan leftAt = cluster.World.Now;
        await LeaveAsync(cluster, role);
        Assert.InRange(cluster.World.Now - leftAt, TimeSpan.FromSeconds(1.25), TimeSpan.FromSeconds(1.4));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task Who_reaches_nobody_leaves_all_the_same_and_does_not_register_again(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        ContentRole role = ScriptedMonitor.StartContent(cluster);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(2));
        await LeaveAsync(cluster, role);
        ForeignIndex index = new(cluster, "index", Index2);
        ScriptedMonitor monitor = new(cluster, ScriptedMonitor.Version2);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(60));
        Assert.Empty(index.Lines);
        Assert.DoesNotContain(monitor.Lines, heard => heard.Verb == "TETHER");
        Assert.Empty(monitor.Datagrams);
    });

    private static Reply Index2(Heard heard) => heard.Verb switch
    {
        "HELLO" => new Reply("WELCOME MICRO-CDN 2"),
        "DRAIN" => new Reply("OK DRAINING"),
        _ => ForeignIndex.Usual(heard),
    };

    private static Task LeaveAsync(FakeCluster cluster, ContentRole role)
    {
        Task leaving = role.LeaveAsync(CancellationToken.None);
        return cluster.World.UntilAsync(() => leaving.IsCompleted, "it has left", TimeSpan.FromSeconds(5));
    }

    private static async Task<string> GetAsync(FakeCluster cluster)
    {
        await using LineConnection connection =
            await cluster.Network.Host("client").Dialer.DialAsync("cs1", 7001, CancellationToken.None);
        await connection.SendAsync("GET hello.txt\n"u8.ToArray(), CancellationToken.None);
        ValueTask<ReadOnlyMemory<byte>?> answer = connection.ReadLineAsync(CancellationToken.None);
        await cluster.World.SettleAsync();
        return Encoding.UTF8.GetString((await answer)!.Value.Span);
    }
}
