using MicroCdn.Client;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>A file of which nobody knows a digest: bytes of two servers are never mixed, and nobody waits ten
/// seconds.</summary>
[Collection(FakeNetworkTests.Name)]
public sealed class WholeFileTests
{
    private const int MiB = ChunkPeers.Mebibyte;

    [Fact]
    public Task A_server_that_does_not_answer_is_joined_after_300_ms() => Run(async peers =>
    {
        peers.Servers["CS1"].IsMute = true;
        Task<DownloadResult> download = peers.Begin();
        await peers.World.AdvanceAsync(TimeSpan.FromMilliseconds(250));
        Assert.Null(peers.Dialed("cs2"));
        DownloadResult result = await peers.World.ResultAsync(download, "it changes", TimeSpan.FromMilliseconds(100));
        Assert.Equal(("CS2", false), (result.Server, result.IsVerified));
        peers.CheckSaved();
        await peers.World.AdvanceAsync(TimeSpan.FromMilliseconds(50));
        Assert.Contains("REPORT big%20file.bin CS1 connect", peers.Heard("REPORT"));
    });

    [Fact]
    public Task A_server_that_stalls_in_mid_file_is_joined_after_700_ms_from_the_first_byte() => Run(async peers =>
    {
        peers.Servers["CS1"].StallsAfter = 2 * MiB;
        // Of the same size, and nobody can tell that it is another file: whole it is right by all that is known.
        peers.Servers["CS1"].Bytes = peers.Noise(3 * MiB);
        Task<DownloadResult> download = peers.Begin();
        await peers.World.AdvanceAsync(TimeSpan.FromMilliseconds(650));
        Assert.Null(peers.Dialed("cs2"));
        DownloadResult result = await peers.World.ResultAsync(download, "it changes", TimeSpan.FromMilliseconds(100));
        Assert.Equal("CS2", result.Server);
        peers.CheckSaved();
        await peers.World.AdvanceAsync(TimeSpan.FromMilliseconds(50));
        Assert.Contains("REPORT big%20file.bin CS1 stall", peers.Heard("REPORT"));
    });

    [Fact]
    public Task A_slow_server_that_goes_on_may_still_be_the_first_to_have_it_whole() => Run(async peers =>
    {
        peers.Servers["CS1"].StallsAfter = 2 * MiB;
        peers.Servers["CS2"].StallsAfter = 1 * MiB;
        long shown = 0;
        Task<DownloadResult> download = peers.Begin(null, progress =>
        {
            Assert.InRange(progress.Done, shown, 3 * MiB);
            shown = progress.Done;
        });
        await peers.World.AdvanceAsync(TimeSpan.FromSeconds(2));
        Assert.NotNull(peers.Dialed("cs2"));
        peers.Servers["CS1"].StallsAfter = null;
        DownloadResult result = await peers.World.ResultAsync(download, "it goes on", TimeSpan.FromMilliseconds(100));
        Assert.Equal("CS1", result.Server);
        peers.CheckSaved();
    });

    [Fact]
    public Task One_with_another_size_is_left_at_once_and_the_silent_one_is_given_its_time() => Run(async peers =>
    {
        peers.Servers["CS1"].StallsAfter = 2 * MiB;
        peers.Servers["CS2"].Bytes = peers.Noise((3 * MiB) + 1);
        Task<DownloadResult> download = peers.Begin();
        await peers.World.AdvanceAsync(TimeSpan.FromSeconds(5));
        Assert.Single(peers.Servers["CS2"].Heard, line => line.StartsWith("GET", StringComparison.Ordinal));
        peers.Servers["CS1"].StallsAfter = null;
        await peers.World.ResultAsync(download, "it goes on", TimeSpan.FromMilliseconds(100));
        peers.CheckSaved();
    });

    [Fact]
    public Task The_only_server_may_be_silent_for_nearly_ten_seconds() => Run(async peers =>
    {
        peers.Named = ["CS1"];
        peers.Servers["CS1"].StallsAfter = 2 * MiB;
        Task<DownloadResult> download = peers.Begin();
        await peers.World.AdvanceAsync(TimeSpan.FromSeconds(9.5));
        peers.Servers["CS1"].StallsAfter = null;
        await peers.World.ResultAsync(download, "it goes on", TimeSpan.FromMilliseconds(100));
        Assert.Single(peers.Servers["CS1"].Heard);
        peers.CheckSaved();
    });

    [Fact]
    public Task While_an_index_of_version_1_names_the_silent_server_another_of_its_list_joins() =>
        FakeCluster.RunAsync(1, async cluster =>
    {
        cluster.Give("CS2", "shared.txt", [1, 2, 3]);
        _ = new ForeignIndex(cluster, "index", heard => heard.Line switch
        {
            "HELLO" => new Reply("WELCOME MICRO-CDN"),
            "GET shared.txt" => new Reply("SERVER 10.0.0.4 7001 CS1 3"),
            "LIST_SERVERS" => new Reply(
                "SERVER CS1 10.0.0.4 7001 0 alive\nSERVER CS2 10.0.0.5 7001 0 alive\nEND"),
            _ => ForeignIndex.Usual(heard),
        });
        cluster.Network.Host("cs1").Listen(
            7001, (_, ended) => Task.Delay(Timeout.InfiniteTimeSpan, cluster.World.Time, ended));
        cluster.StartContent("CS2");
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(1));
        DownloadResult result = await cluster.DownloadAsync("shared.txt", "got.txt", within: TimeSpan.FromSeconds(0.4));
        Assert.Equal("CS2", result.Server);
    });

    private static Task Run(Func<ChunkPeers, Task> test) => FakeCluster.RunAsync(1, cluster =>
    {
        ChunkPeers peers = new(cluster, "CS1", "CS2") { TellsDigest = false, TellsRoot = false };
        peers.File = peers.Noise(3 * MiB);
        return test(peers);
    });
}
