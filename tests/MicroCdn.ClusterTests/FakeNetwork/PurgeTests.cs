using System.Text;
using MicroCdn.Content;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>Purges on their way from an operator to every content server.</summary>
[Collection(FakeNetworkTests.Name)]
public sealed class PurgeTests
{
    private readonly Dictionary<string, Copies> _copies = new()
    {
        ["CS1"] = new Copies(), ["CS2"] = new Copies(),
    };

    public static TheoryData<int> Seeds => FakeNetworkTests.Seeds;

    [Theory, MemberData(nameof(Seeds))]
    public Task A_purge_reaches_every_server_at_once_and_each_gives_a_receipt(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        await StartAsync(cluster);
        TimeSpan began = cluster.World.Now;
        string[] lines = await PurgeAsync(cluster, "PURGE hard tag news");
        Assert.Equal(["RECEIPT CS1", "RECEIPT CS2"], Servers(lines));
        WatchedHistogram times = Assert.Single(cluster.Index!.Histograms());
        Assert.Equal(("microcdn.purge.duration", 2), (times.Name, times.Series[0].Buckets.Sum()));
        Assert.Equal("PURGED 1", lines[0]);
        Assert.InRange(cluster.World.Now - began, TimeSpan.Zero, TimeSpan.FromSeconds(0.5));
        Assert.All(_copies.Values, copies => Assert.Equal("hard tag news", copies.Heard[^1]));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task A_server_that_was_away_applies_it_before_it_serves(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        await StartAsync(cluster);
        await PurgeAsync(cluster, "PURGE hard tag before");
        cluster.World.Phase("CS2 is away");
        cluster.Kill("CS2");
        await cluster.UntilState("index", "CS2", "dead", TimeSpan.FromSeconds(10));
        string[] lines = await PurgeAsync(cluster, "PURGE hard prefix /img/");
        Assert.Equal(["AWAY CS2", "RECEIPT CS1"], Servers(lines));
        cluster.World.Phase("CS2 is back");
        _copies["CS2"] = new Copies();
        cluster.StartContent("CS2");
        await cluster.World.UntilAsync(() => _copies["CS2"].Heard.Count == 2, "it caught up", TimeSpan.FromSeconds(2));
        Assert.Equal(["hard prefix /img/", "caught up"], _copies["CS2"].Heard);
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task An_index_that_was_restarted_knows_whom_to_wait_for_and_what_to_tell(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        cluster.IndexState = cluster.World.Folder["state of the index"];
        await StartAsync(cluster);
        await PurgeAsync(cluster, "PURGE hard tag one");
        cluster.Kill("index");
        cluster.StartIndex();
        string[] lines = await PurgeAsync(cluster, "PURGE soft tag two");
        Assert.Equal("PURGED 2", lines[0]);
        Assert.Equal(["RECEIPT CS1", "RECEIPT CS2"], Servers(lines));
        // What they had applied by then they are not told again.
        Assert.All(_copies.Values, copies =>
            Assert.Equal(["caught up", "hard tag one", "soft tag two"], copies.Heard));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task An_index_that_lost_its_log_is_not_taken_for_the_one_before(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        await StartAsync(cluster);
        for (int n = 0; n < 3; n++) await PurgeAsync(cluster, "PURGE hard tag old");
        cluster.Kill("index");
        cluster.IndexSeed = 2;
        cluster.StartIndex();
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(3));
        // Its number 1 is lower than the 3 that they have applied.
        Assert.Equal("PURGED 1", (await PurgeAsync(cluster, "PURGE hard tag new"))[0]);
        Assert.All(_copies.Values, copies => Assert.Equal("hard tag new", copies.Heard[^1]));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task Without_any_index_copies_are_used_after_two_seconds(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        cluster.CopiesOf = id => _copies[id];
        cluster.StartContent("CS1");
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(1.9));
        Assert.Empty(_copies["CS1"].Heard);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(0.2));
        Assert.Equal(["caught up"], _copies["CS1"].Heard);
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task With_a_key_an_operator_purges_and_nobody_else(int seed) => FakeCluster.RunAsync(seed, async cluster =>
    {
        cluster.KeysOf = _ => TestKeys.Counting(AuthMode.Required, TestKeys.Usual);
        await StartAsync(cluster);
        ServerId.TryCreate("CS1", out ServerId id);
        Identity server = cluster.KeysOf("cs1").As(PeerRole.Content, id);
        Identity somebody = cluster.KeysOf("client").As(PeerRole.Operator, id);
        Assert.Equal(["ERROR NOT_AUTHENTICATED"], await PurgeAsync(cluster, "PURGE hard all"));
        Assert.Equal(["ERROR NOT_AUTHENTICATED"], await PurgeAsync(cluster, "PURGE hard all", server));
        Assert.Equal(["ERROR NOT_AUTHENTICATED"], await PurgeAsync(cluster, "PURGES CS1 0000000000000000 0", somebody));
        Assert.Equal(["RECEIPT CS1", "RECEIPT CS2"], Servers(await PurgeAsync(cluster, "PURGE hard all", somebody)));
    });

    private async Task StartAsync(FakeCluster cluster)
    {
        cluster.CopiesOf = id => _copies[id];
        await cluster.StartAsync("CS1", "CS2");
        await cluster.World.UntilAsync(
            () => _copies.Values.All(copies => copies.Heard.Count > 0), "both caught up", TimeSpan.FromSeconds(5));
    }

    private static string[] Servers(string[] lines) =>
        [.. lines[1..^1].Select(line => string.Join(' ', line.Split(' ')[..2])).Order(StringComparer.Ordinal)];

    private static async Task<string[]> PurgeAsync(FakeCluster cluster, string line, Identity? self = null)
    {
        List<string> lines = [];
        Task asking = AskAsync(cluster, line, lines, self);
        await cluster.World.UntilAsync(() => asking.IsCompleted, $"'{line}' is answered", TimeSpan.FromSeconds(8),
            () => string.Join("; ", lines));
        await asking;
        return [.. lines];
    }

    private static async Task AskAsync(FakeCluster cluster, string line, List<string> lines, Identity? self)
    {
        FakeHost host = cluster.Network.Host("client");
        await using LineConnection? connection = await Speaking2.TryDialAsync(
            host.Dialer, "index", FakeCluster.IndexPort, host.Time, self, CancellationToken.None);
        await connection!.SendAsync(Encoding.UTF8.GetBytes(line + "\n"), CancellationToken.None);
        while (await connection.ReadLineAsync(CancellationToken.None) is { } answer)
        {
            lines.Add(Encoding.UTF8.GetString(answer.Span));
            if (lines[^1] == "END" || lines[^1].StartsWith("ERROR", StringComparison.Ordinal)) return;
        }
    }

    private sealed class Copies : IPurgeTarget
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
            lock (_lock) _heard.AddRange(purges.Select(one => $"{(one.IsSoft ? "soft" : "hard")} {one}"));
            return true;
        }

        public void CatchUp()
        {
            lock (_lock)
            {
                if (!_heard.Contains("caught up")) _heard.Add("caught up");
            }
        }
    }
}
