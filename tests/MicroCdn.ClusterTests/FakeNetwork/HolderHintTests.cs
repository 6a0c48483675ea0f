using System.Text;
using MicroCdn.Client;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Records;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>docs/reliability.md, What an index remembers: after a restart what is published is found before anybody has
/// registered.</summary>
public sealed class HolderHintTests
{
    [Fact]
    public Task A_restarted_index_offers_the_last_known_holders_until_they_register() => Run(async cluster =>
    {
        Silence(cluster);
        await RestartAsync(cluster);
        await UntilLocated(cluster, "CS1 unknown, CS2 unknown", TimeSpan.Zero);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(30));
        await UntilLocated(cluster, "CS1 unknown, CS2 unknown", TimeSpan.Zero);
        string? route = await cluster.RouteAsync("a");
        Assert.True(route is "CS1" or "CS2", route);

        // Who has told is asked before who is only remembered.
        cluster.Network.Heal("cs1", "index");
        await UntilLocated(cluster, "CS1 alive, CS2 unknown", TimeSpan.FromSeconds(60));
        for (int time = 0; time < 10; time++) Assert.Equal("CS1", await cluster.RouteAsync("a"));
        cluster.Network.Heal("cs2", "index");
        await UntilLocated(cluster, "CS1 alive, CS2 alive", TimeSpan.FromSeconds(60));
    });

    [Fact]
    public Task A_server_that_does_not_come_back_is_given_up() => Run(async cluster =>
    {
        cluster.Kill("CS1");
        cluster.Kill("CS2");
        await RestartAsync(cluster);
        await cluster.UntilState("index", "CS1", "dead", TimeSpan.FromSeconds(30));
        await cluster.UntilState("index", "CS2", "dead", TimeSpan.FromSeconds(30));
        Assert.Null(await cluster.RouteAsync("a"));
    });

    [Fact]
    public Task One_that_answers_and_never_registers_is_given_up_after_ten_minutes() => Run(async cluster =>
    {
        cluster.Kill("monitor");
        Silence(cluster);
        await RestartAsync(cluster);
        await cluster.World.AdvanceAsync(TimeSpan.FromMinutes(9));
        await UntilLocated(cluster, "CS1 unknown, CS2 unknown", TimeSpan.Zero);
        await cluster.UntilState("index", "CS1", "dead", TimeSpan.FromMinutes(2));
        Assert.Null(await cluster.RouteAsync("a"));
    });

    [Fact]
    public Task What_was_removed_or_replaced_since_is_not_offered_by_what_is_remembered() => Run(async cluster =>
    {
        byte[] old = await File.ReadAllBytesAsync(HintOf(cluster));
        await PutAsync(cluster, "a", "newer");
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(5));
        Silence(cluster);
        await KillIndexAsync(cluster);
        // Older than the book.
        await File.WriteAllBytesAsync(HintOf(cluster), old);
        cluster.StartIndex();
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(1));
        Assert.Null(await cluster.RouteAsync("a"));
        Assert.NotNull(await cluster.RouteAsync("b"));
    });

    [Fact]
    public Task A_damaged_one_is_ignored_and_said() => Run(async cluster =>
    {
        byte[] bytes = await File.ReadAllBytesAsync(HintOf(cluster));
        Silence(cluster);
        foreach (int at in new[] { 0, 5, 20, bytes.Length / 2, bytes.Length - 1 })
        {
            byte[] damaged = [.. bytes];
            damaged[at] ^= 4;
            await KillIndexAsync(cluster);
            await File.WriteAllBytesAsync(HintOf(cluster), damaged);
            cluster.StartIndex();
            await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(1));
            Assert.Null(await cluster.StateAsync("index", "CS1"));
            Assert.Null(await cluster.RouteAsync("a"));
        }
        await KillIndexAsync(cluster);
        await File.WriteAllBytesAsync(HintOf(cluster), bytes[..(bytes.Length / 2)]);
        cluster.StartIndex();
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(1));
        Assert.Null(await cluster.RouteAsync("a"));
        Assert.Equal(6, cluster.World.Log.Lines.Count(line => line.Text.Contains("is ignored", StringComparison.Ordinal)));
    });

    [Fact]
    public Task A_client_that_comes_before_a_server_has_told_anything_waits_for_one() => Run(async cluster =>
    {
        Silence(cluster);
        await KillIndexAsync(cluster);
        File.Delete(HintOf(cluster));
        cluster.StartIndex();
        Task<DownloadResult> download = cluster.Download("a", "got");
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(1));
        cluster.Network.Heal("cs1", "index");
        await cluster.World.UntilAsync(() => download.IsCompleted, "it has ended", TimeSpan.FromSeconds(10));
        await download;
        Assert.Equal("Hello", await File.ReadAllTextAsync(cluster.World.Folder["got"]));
    });

    private static string HintOf(FakeCluster cluster) => Path.Combine(cluster.IndexState!, "holders-5050");

    private static Task Run(Func<FakeCluster, Task> body) => FakeCluster.RunAsync(1, async cluster =>
    {
        MemoryRecordStore rows = new();
        cluster.TakesOrders = true;
        cluster.IndexState = cluster.World.Folder["state of the index"];
        cluster.RecordsOfIndex = () => new SurvivingStore(rows);
        await cluster.StartAsync("CS1", "CS2");
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(2));
        await PutAsync(cluster, "a", "Hello");
        await PutAsync(cluster, "b", "World");
        await cluster.World.UntilAsync(() => File.Exists(HintOf(cluster)), "it is written", TimeSpan.FromSeconds(60));
        await body(cluster);
    });

    // They answer whoever dials them, and cannot reach the index.
    private static void Silence(FakeCluster cluster)
    {
        foreach (string id in new[] { "cs1", "cs2" }) cluster.Network.LinkOf(id, "index").Refuses = true;
    }

    // The servers of "a" that LOCATE tells, by their ids.
    private static async Task UntilLocated(FakeCluster cluster, string expected, TimeSpan within)
    {
        string actual = "";
        await cluster.World.UntilAsync(async () => (actual = await LocateAsync(cluster)) == expected,
            $"the index tells {expected}", within, () => $"it tells {actual}");
    }

    private static async Task<string> LocateAsync(FakeCluster cluster)
    {
        await using LineConnection connection = await cluster.Network.Host("client").Dialer
            .DialAsync("index", FakeCluster.IndexPort, CancellationToken.None);
        await connection.SendAsync("HELLO 2\nLOCATE a\n"u8.ToArray(), CancellationToken.None);
        SortedSet<string> servers = [];
        while (true)
        {
            string? line = await cluster.World.ResultAsync(ReadAsync(connection), "a line");
            if (line?.Split(' ') is ["SERVER", _, _, var id, _, var state, ..]) servers.Add($"{id} {state[6..]}");
            else if (line is null or "END" || line.StartsWith("ERROR", StringComparison.Ordinal)) break;
        }
        return string.Join(", ", servers);
    }

    private static async Task<string?> ReadAsync(LineConnection connection) =>
        await connection.ReadLineAsync(CancellationToken.None) is { } line ? Encoding.UTF8.GetString(line.Span) : null;

    private static async Task RestartAsync(FakeCluster cluster)
    {
        await KillIndexAsync(cluster);
        cluster.StartIndex();
        await cluster.World.AdvanceAsync(TimeSpan.FromMilliseconds(200));
    }

    // To its end: here it writes once more as it ends.
    private static async Task KillIndexAsync(FakeCluster cluster)
    {
        cluster.Kill("index");
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(1));
    }

    private static async Task PutAsync(FakeCluster cluster, string name, string text)
    {
        FakeHost machine = cluster.Network.Host("client");
        Publisher publisher = new(new ClientOptions { IndexHost = "index" }, null, machine.Dialer, machine.Time);
        Assert.True(FileName.TryCreate(name, out FileName file));
        Task put = Task.Run(() => publisher.PutAsync(file, new MemoryStream(Encoding.UTF8.GetBytes(text)),
            new PutOptions { Replicas = 2 }, null, CancellationToken.None));
        await cluster.World.UntilAsync(() => put.IsCompleted, "it is published", TimeSpan.FromSeconds(30));
        await put;
    }
}
