using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>A writer that cannot reach the log, while another one takes its place: it knows nothing of that, and may
/// still be asked.</summary>
[Collection(FakeNetworkTests.Name)]
public sealed class CutOffWriterTests
{
    private static readonly string[] Both = ["index", "index2"];

    private readonly SharedLog _log = new();

    public static TheoryData<int> Seeds => FakeNetworkTests.Seeds;

    [Theory, MemberData(nameof(Seeds))]
    public Task It_goes_on_finding_what_the_next_one_replaces(int seed) => RunAsync(seed, async cluster =>
    {
        await PutAsync(cluster, "index2", "a", 1);
        await CutOffAsync(cluster);
        Task put = Put(cluster, "index2", "a", 2);
        await cluster.World.UntilAsync(async () =>
        {
            int? seen = await SizeAsync(cluster, "a");
            Assert.True(seen is 1 or 2, $"{seen} at the one that is cut off");
            return put.IsCompleted && seen == 2;
        }, "it believes the servers", TimeSpan.FromSeconds(12));
        await put;
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task Whoever_publishes_is_not_held_up_by_it(int seed) => RunAsync(seed, async cluster =>
    {
        await PutAsync(cluster, "index", "a", 1);
        await CutOffAsync(cluster);
        await PutAsync(cluster, "index index2", "a", 2, within: TimeSpan.FromSeconds(3));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task When_it_has_the_log_again_it_waits_for_servers_that_are_slow_to_tell_it(int seed) =>
        RunAsync(seed, async cluster =>
    {
        await PutAsync(cluster, "index", "a", 1);
        await CutOffAsync(cluster);
        foreach (string server in new[] { "cs1", "cs2" }) cluster.Network.LinkOf(server, "index").Stalls = true;
        await PutAsync(cluster, "index2", "a", 2);
        _log.Cut("index", isAway: false);
        for (int n = 0; n < 8; n++)
        {
            await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(0.5));
            Assert.Equal(1, await SizeAsync(cluster, "a"));
        }
        foreach (string server in new[] { "cs1", "cs2" }) cluster.Network.Heal(server, "index");
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(0.5));
        Assert.Equal(2, await SizeAsync(cluster, "a"));
    });

    // The lease ends by itself after 5 s, and the other one looks for it once a second.
    private async Task CutOffAsync(FakeCluster cluster)
    {
        _log.Cut("index", isAway: true);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(7));
        Assert.StartsWith("index2:", _log.Writer, StringComparison.Ordinal);
    }

    private Task RunAsync(int seed, Func<FakeCluster, Task> body) => FakeCluster.RunAsync(seed, async cluster =>
    {
        (cluster.TakesOrders, cluster.KnownIndexes) = (true, Both);
        foreach (string host in Both)
        {
            cluster.RecordsOfIndex = () => _log.Open(cluster.Network.Host(host));
            cluster.StartIndex(host);
            await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(0.1));
        }
        cluster.StartMonitor(Both);
        foreach (string id in new[] { "CS1", "CS2" }) cluster.StartContent(id);
        foreach (string host in Both)
        {
            foreach (string id in new[] { "CS1", "CS2" })
            {
                await cluster.UntilState(host, id, "alive", TimeSpan.FromSeconds(10));
            }
        }
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(1));
        await body(cluster);
    });

    private static async Task PutAsync(
        FakeCluster cluster, string indexes, string name, int size, TimeSpan? within = null)
    {
        Task put = Put(cluster, indexes, name, size);
        await cluster.World.UntilAsync(() => put.IsCompleted, $"{name} is published", within);
        await put;
    }

    private static Task Put(FakeCluster cluster, string indexes, string name, int size) =>
        new PlayedClients(cluster, indexes.Split(' '))
            .PutAsync(name, new byte[size], isNew: false, CancellationToken.None);

    private static async Task<int?> SizeAsync(FakeCluster cluster, string name) =>
        await cluster.AskAsync("index", $"GET {name}") is { } answer
        && answer.StartsWith("SERVER", StringComparison.Ordinal) ? int.Parse(answer.Split(' ')[4]) : null;
}
