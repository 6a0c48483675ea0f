using MicroCdn.Records;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>docs/publishing.md, Replicas that heal: real indexes and content servers, and time that the test
/// moves.</summary>
[Collection(FakeNetworkTests.Name)]
public sealed class HealTests
{
    private const int Files = 12;
    private static readonly string[] Three = ["CS1", "CS2", "CS3"];

    [Fact]
    public Task Five_minutes_after_a_server_died_all_files_have_their_copies_again_and_its_own_are_too_many_later() =>
        Run(Three, async play =>
        {
            await play.PutAllAsync();
            int had = await play.CopiesAtAsync("CS1");
            Assert.NotEqual(0, had);
            play.Cluster.Kill("CS1");
            await play.Cluster.World.AdvanceAsync(TimeSpan.FromMinutes(4));
            // Until then it may only be started anew.
            Assert.Equal(0, await play.NumberAsync("missing"));
            Assert.Equal(2 * Files - had, await play.CopiesAtAsync("CS2") + await play.CopiesAtAsync("CS3"));
            await play.UntilAsync(async () => await play.CopiesAtAsync("CS2") == Files
                && await play.CopiesAtAsync("CS3") == Files, "both have all", TimeSpan.FromMinutes(2));
            await play.UntilHealthyAsync(TimeSpan.FromSeconds(5));
            foreach (string name in play.Names)
            {
                Assert.Equal(HealPlay.BytesOf(name), await play.GetAsync("CS2", name));
                Assert.Equal(HealPlay.BytesOf(name), await play.GetAsync("CS3", name));
            }

            play.Cluster.StartContent("CS1");
            await play.Cluster.UntilAllAlive(Three);
            await play.UntilAsync(async () =>
            {
                int[] copies = [await play.CopiesAtAsync("CS1"), await play.CopiesAtAsync("CS2"), await play.CopiesAtAsync("CS3")];
                Assert.True(copies.Sum() >= 2 * Files, $"{string.Join(' ', copies)} copies are too few");
                return copies.Sum() == 2 * Files && copies[0] == had;
            }, "each file has two copies where it belongs", TimeSpan.FromMinutes(1));
        });

    [Fact]
    public Task A_server_is_retired_when_its_files_are_safe_elsewhere_and_gets_none_until_it_is_resumed() =>
        Run(Three, async play =>
        {
            await play.PutAllAsync();
            int had = await play.CopiesAtAsync("CS2");
            Assert.Equal(["ERROR UNKNOWN_SERVER"], await play.SayAsync("RETIRE CS9"));
            Assert.StartsWith("RETIRED ", (await play.SayAsync("RETIRE CS2"))[0], StringComparison.Ordinal);
            await play.UntilAsync(async () => await play.OfServerAsync("CS2", "left") == "0", "it may go",
                TimeSpan.FromSeconds(30));
            Assert.Equal(Files, await play.CopiesAtAsync("CS1"));
            Assert.Equal(Files, await play.CopiesAtAsync("CS3"));
            // What it has is a gift until it is switched off; but nobody is sent there.
            Assert.Equal(had, await play.CopiesAtAsync("CS2"));
            foreach (string name in play.Names) Assert.NotEqual("CS2", await play.Cluster.RouteAsync(name));
            await play.PutAsync("later");
            Assert.Null(await play.GetAsync("CS2", "later"));

            play.Cluster.Kill("CS2");
            play.Cluster.StartContent("CS2");
            await play.Cluster.UntilAllAlive(Three);
            Assert.Equal("1", await play.OfServerAsync("CS2", "retired"));
            Assert.StartsWith("RESUMED ", (await play.SayAsync("RESUME CS2"))[0], StringComparison.Ordinal);
            await play.UntilAsync(async () => await play.OfServerAsync("CS2", "retired") == "" &&
                await play.SumAsync() == 2 * (Files + 1), "it has its share again", TimeSpan.FromMinutes(1));
        });

    [Fact]
    public Task A_retired_server_that_alone_has_a_file_is_asked_for_it() => Run(["CS1"], async play =>
    {
        await play.PutAsync("a", replicas: 1);
        await play.SayAsync("RETIRE CS1");
        await play.Cluster.World.AdvanceAsync(TimeSpan.FromSeconds(3));
        Assert.Equal("CS1", await play.Cluster.RouteAsync("a"));
        Assert.Equal("1", await play.OfServerAsync("CS1", "left"));
        Assert.Equal(1, await play.NumberAsync("stuck"));
    });

    [Fact]
    public Task A_new_server_takes_its_share_and_no_copy_goes_before_another_is_there() => Run(["CS1", "CS2"], async play =>
    {
        await play.PutAllAsync();
        play.Cluster.StartContent("CS3");
        await play.Cluster.UntilAllAlive(Three);
        await play.UntilAsync(async () =>
        {
            int copies = await play.CopiesAtAsync("CS1") + await play.CopiesAtAsync("CS2");
            int there = await play.CopiesAtAsync("CS3");
            Assert.True(copies + there >= 2 * Files, $"{copies} and {there} copies are too few");
            return copies + there == 2 * Files && there is > 2 and < Files;
        }, "it has its share", TimeSpan.FromMinutes(1));
        Assert.Equal(0, await play.NumberAsync("missing"));
    });

    [Fact]
    public Task A_full_server_is_passed_over_and_says_so()
    {
        Dictionary<string, long> room = new() { ["CS1"] = 1 << 20, ["CS2"] = 1 << 20, ["CS3"] = 10 };
        return Run(Three, async play =>
        {
            await play.PutAllAsync();
            Assert.Equal(0, await play.CopiesAtAsync("CS3"));
            play.Cluster.Kill("CS2");
            await play.UntilAsync(async () => await play.NumberAsync("missing") == Files, "it is given up",
                TimeSpan.FromMinutes(7));
            Assert.Equal(Files, await play.NumberAsync("stuck"));
            Assert.Equal("1", await play.OfServerAsync("CS3", "full"));
            Assert.Equal("", await play.OfServerAsync("CS1", "full"));
        }, room);
    }

    [Fact]
    public Task More_copies_are_made_when_a_policy_asks_for_them_and_taken_away_when_it_does_not() =>
        Run(Three, async play =>
        {
            await play.PutAllAsync();
            Assert.StartsWith("SET ", (await play.SayAsync("POLICY / replicas=3 spread=1"))[0], StringComparison.Ordinal);
            Assert.Equal(["POLICY / replicas=3 spread=1", "END"], await play.SayAsync("POLICIES"));
            await play.UntilAsync(async () => await play.SumAsync() == 3 * Files, "three of each", TimeSpan.FromMinutes(1));
            await play.SayAsync("POLICY f1 replicas=1 server=CS3");
            await play.UntilAsync(async () => await play.CopiesAtAsync("CS1", "f1") == 0
                && await play.CopiesAtAsync("CS2", "f1") == 0 && await play.CopiesAtAsync("CS3", "f1") > 0,
                "these are on CS3 alone", TimeSpan.FromMinutes(1));
            await play.SayAsync("POLICY f1");
            Assert.Equal(["ERROR UNKNOWN_POLICY"], await play.SayAsync("POLICY f1"));
        });

    [Fact]
    public Task A_server_that_gives_other_bytes_is_named_and_its_copy_does_not_count_until_it_tells_of_it_anew() =>
        Run(Three, async play =>
        {
            await play.PutAllAsync();
            string name = await play.FirstAtAsync("CS1", "CS2");
            play.Spoil("CS1", name);
            play.Cluster.Kill("CS2");
            await play.UntilAsync(async () => await play.OfServerAsync("CS1", "wrong") == "1", "it is found out",
                TimeSpan.FromMinutes(7));
            Assert.Contains(play.Cluster.World.Log.Lines, line => line.Text.Contains(
                $"CS1 says that it has '{name}', and gave CS3 other bytes", StringComparison.Ordinal));
            await play.Cluster.World.AdvanceAsync(TimeSpan.FromSeconds(3));
            Assert.Equal(1, await play.NumberAsync("lost"));
            Assert.Contains($"LOST {name}", await play.SayAsync("STATUS"));
            // It is not asked again and again.
            int failed = play.FailuresOf(name);
            await play.Cluster.World.AdvanceAsync(TimeSpan.FromMinutes(2));
            Assert.InRange(play.FailuresOf(name) - failed, 1, 6);

            // One that has the right bytes is back: from there it is copied, and the wrong copy goes.
            play.Cluster.StartContent("CS2");
            await play.UntilAsync(async () => await play.NumberAsync("missing") == 0
                && await play.GetAsync("CS1", name) is null, "the wrong copy is gone", TimeSpan.FromMinutes(7));
            Assert.Equal(HealPlay.BytesOf(name), await play.GetAsync("CS2", name));
            Assert.Equal(HealPlay.BytesOf(name), await play.GetAsync("CS3", name));
        });

    [Fact]
    public Task What_is_staged_is_kept_when_a_server_that_has_it_goes() => Run(Three, async play =>
    {
        await play.PutAsync("a", release: "r1");
        string[] has = await play.StagedAtAsync("a");
        Assert.Equal(2, has.Length);
        await play.SayAsync($"RETIRE {has[0]}");
        await play.UntilAsync(async () => await play.OfServerAsync(has[0], "left") == "0", "it may go",
            TimeSpan.FromMinutes(1));
        Assert.Equal(Three.Except([has[0]]), (await play.StagedAtAsync("a")).Except([has[0]]).Order());
    });

    [Fact]
    public Task A_restart_of_the_index_moves_nothing()
    {
        MemoryRecordStore rows = new();
        return Run(Three, async play =>
        {
            await play.PutAllAsync();
            int one = await play.CopiesAtAsync("CS1"), two = await play.CopiesAtAsync("CS2");
            play.Cluster.Kill("index");
            await play.Cluster.World.AdvanceAsync(TimeSpan.FromSeconds(10));
            play.Cluster.StartIndex();
            await play.Cluster.World.AdvanceAsync(TimeSpan.FromMinutes(3));
            Assert.Equal((one, two), (await play.CopiesAtAsync("CS1"), await play.CopiesAtAsync("CS2")));
            Assert.Equal(2 * Files, one + two + await play.CopiesAtAsync("CS3"));
            Assert.Equal((0, 0), (await play.NumberAsync("missing"), await play.NumberAsync("left")));
            Assert.DoesNotContain(play.Cluster.World.Log.Lines, line => line.Text.Contains("are missing", StringComparison.Ordinal));
        }, records: rows);
    }

    [Fact]
    public Task A_copy_that_nobody_was_told_of_is_shown_again() => Run(["CS1"], async play =>
    {
        await play.PutAsync("a", replicas: 1);
        // It forgets its names, as when their list is damaged; the bytes are there.
        play.Cluster.Kill("CS1");
        File.Delete(Path.Combine(play.Cluster.World.Folder["state of CS1"], "published", "names"));
        play.Cluster.StartContent("CS1");
        await play.UntilAsync(async () => await play.GetAsync("CS1", "a") is not null, "it shows it",
            TimeSpan.FromMinutes(2));
    });

    private static Task Run(string[] ids, Func<HealPlay, Task> body, Dictionary<string, long>? room = null,
        MemoryRecordStore? records = null) =>
        FakeCluster.RunAsync(1, async cluster =>
        {
            cluster.Network.FragmentBytes = 64 * 1024;
            cluster.TakesOrders = true;
            if (room is not null) cluster.RoomOf = id => room[id];
            if (records is not null) cluster.RecordsOfIndex = () => new SurvivingStore(records);
            await cluster.StartAsync(ids);
            // As long as the index waits for who is still to come.
            await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(61));
            await body(new HealPlay(cluster, Files));
        });
}
