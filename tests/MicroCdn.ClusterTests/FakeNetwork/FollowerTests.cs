using MicroCdn.Client;
using MicroCdn.Protocol;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>An index that follows the writer: a name that is replaced is old or new there too, never neither.</summary>
[Collection(FakeNetworkTests.Name)]
public sealed class FollowerTests
{
    private static readonly string[] Both = ["index", "index2"];

    private readonly SharedLog _log = new();

    public static TheoryData<int> Seeds => FakeNetworkTests.Seeds;

    [Theory, MemberData(nameof(Seeds))]
    public Task A_name_that_is_replaced_again_and_again_is_always_found_there(int seed) => RunAsync(seed, async cluster =>
    {
        await PutAsync(cluster, "a", 1);
        await UntilSizeAsync(cluster, "index2", "a", 1, TimeSpan.FromSeconds(2));
        for (int size = 2; size < 8; size++)
        {
            Task put = Put(cluster, "a", size);
            int turn = size;
            await cluster.World.UntilAsync(async () =>
            {
                int? seen = await SizeAsync(cluster, "index2", "a");
                Assert.True(seen == turn || seen == turn - 1, $"{seen} instead of {turn}");
                return put.IsCompleted && seen == turn;
            }, $"revision {size} is there", TimeSpan.FromSeconds(10));
            await put;
        }
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task Servers_that_are_slow_to_tell_it_are_waited_for(int seed) => RunAsync(seed, async cluster =>
    {
        await PutAsync(cluster, "a", 1);
        await UntilSizeAsync(cluster, "index2", "a", 1, TimeSpan.FromSeconds(2));
        foreach (string server in new[] { "cs1", "cs2" }) cluster.Network.LinkOf(server, "index2").Stalls = true;
        Task put = Put(cluster, "a", 2);
        await cluster.World.UntilAsync(() => put.IsCompleted, "it is published", TimeSpan.FromSeconds(8));
        await UntilSizeAsync(cluster, "index", "a", 2, TimeSpan.Zero);
        for (int n = 0; n < 8; n++)
        {
            Assert.Equal(1, await SizeAsync(cluster, "index2", "a"));
            await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(0.5));
        }
        foreach (string server in new[] { "cs1", "cs2" }) cluster.Network.Heal(server, "index2");
        await UntilSizeAsync(cluster, "index2", "a", 2, TimeSpan.FromSeconds(0.5));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task With_the_log_away_the_servers_are_believed(int seed) => RunAsync(seed, async cluster =>
    {
        await PutAsync(cluster, "a", 1);
        await UntilSizeAsync(cluster, "index2", "a", 1, TimeSpan.FromSeconds(2));
        _log.Cut("index2", isAway: true);
        await PutAsync(cluster, "a", 2);
        Assert.Equal(1, await SizeAsync(cluster, "index2", "a"));
        await cluster.World.UntilAsync(async () =>
        {
            int? seen = await SizeAsync(cluster, "index2", "a");
            Assert.NotNull(seen);
            return seen == 2;
        }, "the servers are believed", TimeSpan.FromSeconds(6));
        _log.Cut("index2", isAway: false);
        await PutAsync(cluster, "a", 3);
        await UntilSizeAsync(cluster, "index2", "a", 3, TimeSpan.FromSeconds(2));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task When_the_writer_dies_the_follower_writes_and_lost_nothing(int seed) => RunAsync(seed, async cluster =>
    {
        for (int size = 1; size < 4; size++) await PutAsync(cluster, $"file-{size}", size);
        cluster.Kill("index");
        Task put = Put(cluster, "file-1", 9);
        await cluster.World.UntilAsync(async () =>
        {
            Assert.NotNull(await SizeAsync(cluster, "index2", "file-2"));
            return put.IsCompleted;
        }, "the other one publishes", TimeSpan.FromSeconds(10));
        await put;
        foreach ((string name, int size) in new[] { ("file-1", 9), ("file-2", 2), ("file-3", 3) })
        {
            Assert.Equal(size, await SizeAsync(cluster, "index2", name));
        }
        cluster.RecordsOfIndex = () => _log.Open(cluster.Network.Host("index"));
        cluster.StartIndex("index");
        await UntilSizeAsync(cluster, "index", "file-1", 9, TimeSpan.FromSeconds(3));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task What_servers_were_believed_about_is_not_taken_back_by_older_changes(int seed) =>
        RunAsync(seed, async cluster =>
    {
        PlayedClients clients = new(cluster, Both);
        await PutAsync(cluster, "a", 1);
        await UntilSizeAsync(cluster, "index2", "a", 1, TimeSpan.FromSeconds(2));
        _log.Cut("index2", isAway: true);
        Task remove = clients.RemoveAsync("a", CancellationToken.None);
        await cluster.World.UntilAsync(() => remove.IsCompleted, "it is removed");
        await PutAsync(cluster, "a", 3);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(12));
        await UntilSizeAsync(cluster, "index2", "a", 3, TimeSpan.Zero);
        _log.Cut("index2", isAway: false);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(1));
        await UntilSizeAsync(cluster, "index2", "a", 3, TimeSpan.Zero);
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task What_the_writer_removed_and_never_told_the_next_one_tells(int seed) => RunAsync(seed, async cluster =>
    {
        PlayedClients clients = new(cluster, Both);
        await PutAsync(cluster, "a", 1);
        await UntilSizeAsync(cluster, "index2", "a", 1, TimeSpan.FromSeconds(2));
        _log.Traps.Trap = StoreTrap.AfterIt;
        Task remove = clients.RemoveAsync("a", CancellationToken.None);
        await cluster.World.UntilAsync(() => _log.Traps.IsStopped, "it is written");
        cluster.Kill("index");
        _log.Traps.Release();
        await cluster.World.UntilAsync(() => remove.IsCompleted, "whoever asked gives up", TimeSpan.FromSeconds(20));
        await Assert.ThrowsAsync<CdnException>(() => remove);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(10));
        foreach (string server in new[] { "CS1", "CS2" }) Assert.Null(await clients.FetchAsync(server, "a"));
    });

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

    private static async Task PutAsync(FakeCluster cluster, string name, int size)
    {
        Task put = Put(cluster, name, size);
        await cluster.World.UntilAsync(() => put.IsCompleted, $"{name} is published", TimeSpan.FromSeconds(15));
        await put;
    }

    private static Task<Publication> Put(FakeCluster cluster, string name, int size)
    {
        FakeHost machine = cluster.Network.Host("client");
        FileName.TryCreate(name, out FileName file);
        Publisher publisher = new(new ClientOptions
        {
            Indexes = [.. Both.Select(host => new IndexEndPoint(host, FakeCluster.IndexPort))],
        }, null, machine.Dialer, machine.Time);
        return publisher.PutAsync(file, new MemoryStream(new byte[size]), new PutOptions { Replicas = 2 }, null,
            CancellationToken.None);
    }

    private static async Task<int?> SizeAsync(FakeCluster cluster, string host, string name) =>
        await cluster.AskAsync(host, $"GET {name}") is { } answer
        && answer.StartsWith("SERVER", StringComparison.Ordinal) ? int.Parse(answer.Split(' ')[4]) : null;

    private static async Task UntilSizeAsync(
        FakeCluster cluster, string host, string name, int size, TimeSpan within)
    {
        int? seen = null;
        await cluster.World.UntilAsync(async () => (seen = await SizeAsync(cluster, host, name)) == size,
            $"{host} has {name} with {size} bytes", within, () => $"it has {seen}");
    }
}
