using System.Security.Cryptography;
using System.Text;
using MicroCdn.Content;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>Content servers that know several indexes: none of these holds up another.</summary>
[Collection(FakeNetworkTests.Name)]
public sealed class SeveralIndexesTests
{
    private static readonly string[] Both = ["index", "index2"];

    public static TheoryData<int> Seeds => FakeNetworkTests.Seeds;

    [Theory, MemberData(nameof(Seeds))]
    public Task An_index_that_is_dead_at_the_start_holds_up_nobody_and_is_told_when_it_comes(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        cluster.KnownIndexes = Both;
        // One refuses, one is there and says nothing.
        cluster.KnownIndexes = ["index3", .. Both];
        cluster.Network.LinkOf("index", "cs1").Stalls = true;
        cluster.Give("CS1", "a.txt", [1, 2, 3]);
        StartBoth(cluster);
        cluster.StartContent("CS1");
        await UntilKnownAsync(cluster, "index2", TimeSpan.FromSeconds(1));
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(2));
        Assert.Equal("ERROR FILE_NOT_FOUND", await cluster.AskAsync("index", "GET a.txt"));

        cluster.Network.LinkOf("index", "cs1").Stalls = false;
        cluster.StartIndex("index3");
        await UntilKnownAsync(cluster, "index3", TimeSpan.FromSeconds(1));
        await UntilKnownAsync(cluster, "index", TimeSpan.FromSeconds(12));
        cluster.World.Phase("index2 dies and comes back");
        cluster.Kill("index2");
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(5));
        await UntilKnownAsync(cluster, "index", TimeSpan.Zero);
        cluster.StartIndex("index2");
        await UntilKnownAsync(cluster, "index2", TimeSpan.FromSeconds(2));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task A_server_that_leaves_says_so_to_all_that_can_hear_it(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        cluster.KnownIndexes = ["index", "nowhere", "index2"];
        cluster.Give("CS1", "a.txt", [1]);
        foreach (string host in Both) cluster.StartIndex(host);
        ContentRole role = cluster.StartContent("CS1");
        foreach (string host in Both) await UntilKnownAsync(cluster, host, TimeSpan.FromSeconds(2));
        Task leaving = role.LeaveAsync(CancellationToken.None);
        await cluster.World.UntilAsync(() => leaving.IsCompleted, "it has left", TimeSpan.FromSeconds(2));
        foreach (string host in Both) await cluster.UntilState(host, "CS1", "dead", TimeSpan.Zero);
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task Orders_of_each_are_carried_out_and_answered_to_whoever_gave_them(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        byte[] bytes = "Hello"u8.ToArray();
        string sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes));
        string stored = $"STORED CS1 p sha256={sha256} size=5 chunks={HexOfRoot(bytes)}";
        cluster.TakesOrders = true;
        cluster.KnownIndexes = Both;
        OrderingIndex one = new(cluster), two = new(cluster, "index2", listens: false);
        cluster.StartContent("CS1");
        cluster.StartContent("CS2");
        await UntilAsksAsync(cluster, one, "CS1", "CS2");

        // The other one is away: it hears later what was brought meanwhile.
        Assert.Equal("OK STORED", await StoreAsync(cluster, "cs1", bytes));
        await one.UntilAsync(stored);
        one.Order("CS2", $"FETCH 7 5 sha256={sha256} from=cs1:7001");
        await one.UntilAsync("DONE CS2 7");
        two.Listen();
        await UntilAsksAsync(cluster, two, "CS1", "CS2");
        await two.UntilAsync(stored);
        Assert.DoesNotContain(two.Heard, line => line.StartsWith("DONE CS", StringComparison.Ordinal));

        // The same word means something else at each, and the same order is done once.
        one.Order("CS2", $"SHOW 8 a sha256={sha256} revision=1 time=7");
        two.Order("CS2", $"SHOW 8 a sha256={sha256} revision=1 time=7", $"FORGET 9 sha256={sha256}");
        foreach (OrderingIndex index in new[] { one, two })
        {
            await index.UntilAsync("DONE CS2 8");
            await index.UntilAsync($"ADD_FILE CS2 a 5 sha256={sha256} time=7 rev=1");
        }
        await two.UntilAsync("FAILED CS2 9 IN_USE why=a%20name%20shows%20it");
        Assert.DoesNotContain(one.Heard, line => line.StartsWith("FAILED", StringComparison.Ordinal));

        cluster.World.Phase("the first dies and comes back");
        cluster.Kill("index");
        two.Order("CS2", "DROP 10 a revision=2");
        await two.UntilAsync("DONE CS2 10");
        one.Order("CS1", $"SHOW 11 b sha256={sha256} revision=3 time=7");
        one.Listen();
        await one.UntilAsync("DONE CS1 11");
        await two.UntilAsync($"ADD_FILE CS1 b 5 sha256={sha256} time=7 rev=3");
        Assert.Single(two.Heard, "DONE CS2 10");
        Assert.DoesNotContain(two.Heard, line => line.Contains(" 11", StringComparison.Ordinal)
            && line.StartsWith("DONE CS", StringComparison.Ordinal));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task What_is_purged_at_each_is_applied_once_also_after_a_restart(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        PurgedCopies copies = new();
        cluster.CopiesOf = _ => copies;
        cluster.KnownIndexes = Both;
        StartBoth(cluster);
        cluster.StartContent("CS1");
        await cluster.World.UntilAsync(() => copies.Heard.Count > 0, "it caught up", TimeSpan.FromSeconds(1.5));
        Assert.Contains("RECEIPT CS1", await PurgeAsync(cluster, "index", "PURGE hard tag one"), StringComparison.Ordinal);
        for (int n = 0; n < 2; n++) await PurgeAsync(cluster, "index2", $"PURGE hard tag two-{n}");
        Assert.Equal(["caught up", "tag one", "tag two-0", "tag two-1"], copies.Heard);

        cluster.Kill("CS1");
        await cluster.UntilState("index", "CS1", "dead", TimeSpan.FromSeconds(20));
        await PurgeAsync(cluster, "index2", "PURGE hard tag away");
        cluster.Kill("index");
        copies = new();
        cluster.StartContent("CS1");
        // With one of them away copies wait as long as they would wait for it alone.
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(1.9));
        Assert.Equal(["tag away"], copies.Heard);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(0.2));
        Assert.Equal(["tag away", "caught up"], copies.Heard);
    });

    private static void StartBoth(FakeCluster cluster)
    {
        for (int at = 0; at < Both.Length; at++)
        {
            cluster.IndexSeed = at + 1;
            cluster.StartIndex(Both[at]);
        }
    }

    private static Task UntilKnownAsync(FakeCluster cluster, string host, TimeSpan within) => cluster.World.UntilAsync(
        async () => (await cluster.AskAsync(host, "GET a.txt"))?.StartsWith("SERVER", StringComparison.Ordinal) == true,
        $"{host} knows a.txt", within);

    private static async Task UntilAsksAsync(FakeCluster cluster, OrderingIndex index, params string[] ids)
    {
        foreach (string id in ids)
        {
            await cluster.World.UntilAsync(() => index.Heard.Any(line => line.StartsWith($"ORDERS {id} ",
                StringComparison.Ordinal)), $"{id} asks", TimeSpan.FromSeconds(10));
        }
    }

    private static string HexOfRoot(byte[] bytes) =>
        Convert.ToHexStringLower(SHA256.HashData(SHA256.HashData(bytes)));

    private static async Task<string> StoreAsync(FakeCluster cluster, string host, byte[] bytes)
    {
        string question = $"STORE {bytes.Length} sha256={Convert.ToHexStringLower(SHA256.HashData(bytes))} put=p\n";
        string[] lines = await TalkAsync(cluster, host, 7001, [.. Encoding.UTF8.GetBytes(question), .. bytes],
            line => line.StartsWith("OK", StringComparison.Ordinal));
        return lines[^1];
    }

    private static async Task<string> PurgeAsync(FakeCluster cluster, string host, string line) =>
        string.Join('\n', await TalkAsync(cluster, host, FakeCluster.IndexPort, Encoding.UTF8.GetBytes(line + "\n"),
            answer => answer == "END"));

    private static async Task<string[]> TalkAsync(
        FakeCluster cluster, string host, int port, byte[] said, Func<string, bool> isLast)
    {
        List<string> lines = [];
        Task asking = AskAsync();
        await cluster.World.UntilAsync(() => asking.IsCompleted, $"{host} answers", TimeSpan.FromSeconds(8),
            () => string.Join("; ", lines));
        await asking;
        return [.. lines];

        async Task AskAsync()
        {
            FakeHost client = cluster.Network.Host("client");
            await using LineConnection? connection = await Speaking2.TryDialAsync(
                client.Dialer, host, port, client.Time, null, CancellationToken.None);
            await connection!.SendAsync(said, CancellationToken.None);
            while (await connection.ReadLineAsync(CancellationToken.None) is { } answer)
            {
                lines.Add(Encoding.UTF8.GetString(answer.Span));
                if (isLast(lines[^1])) return;
            }
        }
    }

    private sealed class PurgedCopies : IPurgeTarget
    {
        private readonly Lock _lock = new();
        private readonly List<string> _heard = [];

        public PurgeProgress Progress { get; } = new();

        public IReadOnlyList<string> Heard
        {
            get
            {
                lock (_lock) return [.. _heard];
            }
        }

        public bool Apply(IReadOnlyList<Purge> purges)
        {
            lock (_lock) _heard.AddRange(purges.Select(one => one.ToString()));
            return true;
        }

        public void CatchUp()
        {
            lock (_lock) _heard.Add("caught up");
        }
    }
}
