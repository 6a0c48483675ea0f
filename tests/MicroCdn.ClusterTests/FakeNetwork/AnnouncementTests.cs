using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

[Collection(FakeNetworkTests.Name)]
public sealed class AnnouncementTests
{
    private static readonly TimeSpan Exactly = TimeSpan.FromMilliseconds(100);

    public static TheoryData<int> Seeds => FakeNetworkTests.Seeds;

    [Theory, MemberData(nameof(Seeds))]
    public Task An_index_that_closes_after_its_answer_is_told_again_every_thirty_seconds(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        ForeignIndex index = Start(cluster, closesAfter: TimeSpan.Zero);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(100));
        AssertTimes([0, 30, 60, 90], index.TimesOf("REGISTER"));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task An_index_that_kept_the_connection_open_is_told_again_at_once_when_it_closes(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        ForeignIndex index = Start(cluster, closesAfter: TimeSpan.FromSeconds(5));
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(18));
        AssertTimes([0, 5, 10, 15], index.TimesOf("REGISTER"));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task Every_registration_is_the_whole_list_on_one_connection(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        cluster.Give("CS1", "a name with spaces.txt", [1, 2, 3]);
        ForeignIndex index = Start(cluster, closesAfter: TimeSpan.FromSeconds(5));
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(12));
        // Once it was asked for version 2, and said no.
        Assert.Equal([(1, "HELLO 2")],
            index.Lines.Where(heard => heard.Verb == "HELLO").Select(heard => (heard.Connection, heard.Line)));
        for (int connection = 2; connection <= 4; connection++)
        {
            Assert.Equal(
                [
                    "REGISTER CS1 7001 7002", "ADD_FILE CS1 a%20name%20with%20spaces.txt 3", "ADD_FILE CS1 hello.txt 1",
                    "DONE_FILES",
                ],
                index.Lines.Where(heard => heard.Connection == connection).Select(heard => heard.Line)
                    .OrderBy(line => line[0] switch { 'R' => 0, 'A' => 1, _ => 2 })
                    .ThenBy(line => line, StringComparer.Ordinal));
        }
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task An_index_that_does_not_listen_yet_is_tried_at_least_every_half_second(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        cluster.Give("CS1", "hello.txt", [1]);
        cluster.StartContent("CS1");
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(20));
        TimeSpan[] tries = [.. cluster.Network.Dials.Where(d => d.From == "cs1" && d.To == "index").Select(d => d.At)];
        Assert.InRange(tries.Length, 38, 44);
        Assert.All(tries.Zip(tries.Skip(1)), pair => Assert.InRange(
            pair.Second - pair.First, TimeSpan.FromSeconds(0.05), TimeSpan.FromSeconds(0.55)));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task A_registration_that_is_cut_before_its_end_changes_nothing_at_the_index(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        for (int n = 0; n < 200; n++) cluster.Give("CS1", $"{n}.bin", [1]);
        await cluster.StartAsync("CS1");
        IReadOnlyList<string> before = await cluster.ListAsync("index", "LIST_FILES");
        Assert.Equal(201, before.Count);

        cluster.World.Phase("CS1 returns with other files, and its registration is cut again and again");
        cluster.Kill("CS1");
        for (int n = 0; n < 100; n++) cluster.Give("CS1", $"new-{n}.bin", [1, 2]);
        cluster.StartContent("CS1");
        for (int cuts = 0; cuts < 10; cuts++)
        {
            cluster.Network.LinkOf("cs1", "index").CutsAfter = cluster.World.Chance.Next(1, 4000);
            await cluster.World.UntilAsync(
                () => cluster.Network.LinkOf("cs1", "index").CutsAfter is null, "the connection is cut");
            Assert.Equal(before, await cluster.ListAsync("index", "LIST_FILES"));
        }
        cluster.World.Phase("one gets through");
        await cluster.World.UntilAsync(async () => (await cluster.ListAsync("index", "LIST_FILES")).Count == 301,
            "all files are listed", TimeSpan.FromSeconds(2));
    });

    [Fact]
    public Task Whoever_had_just_registered_is_back_soon_after_an_index_of_ours_was_killed() => FakeCluster.RunAsync(1, async cluster =>
    {
        cluster.StartIndex();
        cluster.StartContent("CS1");
        await cluster.UntilState("index", "CS1", "alive", TimeSpan.FromSeconds(2));
        cluster.Kill("index");
        await cluster.World.AdvanceAsync(TimeSpan.FromMilliseconds(100));
        cluster.StartIndex();
        await cluster.UntilState("index", "CS1", "alive", TimeSpan.FromSeconds(2));
    });

    private static ForeignIndex Start(FakeCluster cluster, TimeSpan closesAfter)
    {
        ForeignIndex index = new(cluster, "index", heard =>
            heard.Verb == "DONE_FILES" ? new Reply("OK FILES_ADDED", closesAfter) : ForeignIndex.Usual(heard));
        cluster.Give("CS1", "hello.txt", [1]);
        cluster.StartContent("CS1");
        return index;
    }

    private static void AssertTimes(int[] seconds, TimeSpan[] times)
    {
        Assert.Equal(seconds.Length, times.Length);
        foreach ((int second, TimeSpan time) in seconds.Zip(times)) AssertAt(TimeSpan.FromSeconds(second), time);
    }

    private static void AssertAt(TimeSpan expected, TimeSpan time) =>
        Assert.InRange(time, expected - Exactly, expected + Exactly);
}
