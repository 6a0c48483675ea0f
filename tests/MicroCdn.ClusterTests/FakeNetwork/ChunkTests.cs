using MicroCdn.Client;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>Our client against an index and servers that know chunks: integrity and failover.</summary>
[Collection(FakeNetworkTests.Name)]
public sealed class ChunkTests
{
    private const int MiB = ChunkPeers.Mebibyte;

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(MiB)]
    [InlineData(3 * MiB + 17)]
    public Task A_file_is_fetched_chunk_by_chunk_from_the_first_server_and_verified(int size) =>
        Run(["CS1", "CS2"], async peers =>
    {
        peers.File = peers.Noise(size);
        DownloadResult result = await peers.DownloadAsync();
        Assert.Equal((size, "CS1", true, 0L), (result.Size, result.Server, result.IsVerified, result.Repeated));
        peers.CheckSaved();
        Assert.Null(peers.Dialed("cs2"));
        // A file of one chunk has the digest of its chunk, so nobody need be asked for it.
        string[] heard = peers.Servers["CS1"].Heard;
        string meant = $" sha256={Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(peers.File))}";
        Assert.Equal(size > MiB, heard.Contains("CHUNKS big%20file.bin" + meant));
        // Which bytes it means it says each time.
        Assert.All(heard.Where(line => line.StartsWith("RANGE ", StringComparison.Ordinal)),
            line => Assert.EndsWith(meant, line, StringComparison.Ordinal));
        Assert.Equal(Enumerable.Range(0, (size + MiB - 1) / MiB), peers.Servers["CS1"].Ranges);
        Assert.Empty(peers.Heard("REPORT"));
    });

    [Fact]
    public Task A_server_that_is_silent_for_700_ms_is_hedged_from_its_chunk_on() => Run(["CS1", "CS2"], async peers =>
    {
        peers.File = peers.Noise(6 * MiB);
        peers.Servers["CS1"].StallsAfter = 2 * MiB + 300_000;
        Task<DownloadResult> download = peers.Begin();
        await peers.World.AdvanceAsync(TimeSpan.FromMilliseconds(650));
        Assert.Null(peers.Dialed("cs2"));
        await peers.World.AdvanceAsync(TimeSpan.FromMilliseconds(100));
        Assert.NotNull(peers.Dialed("cs2"));
        DownloadResult result = await peers.World.ResultAsync(download, "the other one delivers", TimeSpan.Zero);
        peers.CheckSaved();
        Assert.Equal("CS2, CS1", result.Server);
        Assert.InRange(result.Repeated, 1, MiB);
        Assert.Equal([2, 3, 4, 5], peers.Servers["CS2"].Ranges);
    });

    [Fact]
    public Task The_first_to_bring_the_right_bytes_wins_also_when_it_is_the_silent_one() =>
        Run(["CS1", "CS2"], async peers =>
    {
        peers.File = peers.Noise(4 * MiB);
        peers.Servers["CS1"].StallsAfter = MiB + 300_000;
        peers.Servers["CS2"].StallsAfter = 100_000;
        Task<DownloadResult> download = peers.Begin();
        await peers.World.AdvanceAsync(TimeSpan.FromMilliseconds(800));
        Assert.False(download.IsCompleted);
        peers.Servers["CS1"].StallsAfter = null;
        DownloadResult result =
            await peers.World.ResultAsync(download, "CS1 goes on", TimeSpan.FromSeconds(2));
        peers.CheckSaved();
        Assert.Equal("CS1", result.Server);
        Assert.InRange(result.Repeated, 1, MiB);
    });

    [Fact]
    public Task Two_servers_that_fall_silent_do_not_keep_a_third_one_waiting() =>
        Run(["CS1", "CS2", "CS3"], async peers =>
    {
        peers.File = peers.Noise(2 * MiB);
        peers.Servers["CS1"].StallsAfter = 100_000;
        peers.Servers["CS2"].StallsAfter = 100_000;
        DownloadResult result = await peers.World.ResultAsync(
            peers.Begin(), "the third one delivers", TimeSpan.FromSeconds(2));
        Assert.Equal("CS3", result.Server);
        peers.CheckSaved();
    });

    [Fact]
    public Task A_server_that_does_not_answer_within_300_ms_is_not_waited_for() => Run(["CS1", "CS2"], async peers =>
    {
        peers.File = peers.Noise(2 * MiB);
        peers.Servers["CS1"].IsMute = true;
        Task<DownloadResult> download = peers.Begin();
        await peers.World.AdvanceAsync(TimeSpan.FromMilliseconds(250));
        Assert.Null(peers.Dialed("cs2"));
        await peers.World.AdvanceAsync(TimeSpan.FromMilliseconds(50));
        Assert.Equal("CS2", (await peers.World.ResultAsync(download, "the next one delivers", TimeSpan.Zero)).Server);
        peers.CheckSaved();
    });

    [Fact]
    public Task A_server_that_dies_in_mid_file_costs_at_most_one_chunk() => Run(["CS1", "CS2", "CS3"], async peers =>
    {
        peers.File = peers.Noise(8 * MiB);
        TimeSpan began = peers.World.Now;
        DownloadResult result = await peers.DownloadAsync(null, progress =>
        {
            if (progress.Done > 3.5 * MiB) peers.Cluster.Kill("CS1");
        });
        peers.CheckSaved();
        Assert.Equal(TimeSpan.Zero, peers.World.Now - began);
        Assert.Equal("CS2, CS1", result.Server);
        Assert.InRange(result.Repeated, 0, MiB);
        Assert.Equal(3, peers.Servers["CS2"].Ranges[0]);
        Assert.Equal(["REPORT big%20file.bin CS1 stall"], peers.Heard("REPORT"));
    });

    [Fact]
    public Task A_wrong_chunk_comes_from_another_server_and_the_wrong_one_is_reported() =>
        Run(["CS1", "CS2"], async peers =>
    {
        peers.File = peers.Noise(4 * MiB);
        peers.Servers["CS1"].Rotten.Add(1);
        DownloadResult result = await peers.DownloadAsync();
        peers.CheckSaved();
        Assert.Equal("CS2, CS1", result.Server);
        Assert.Equal([1, 2, 3], peers.Servers["CS2"].Ranges);
        Assert.Equal(["REPORT big%20file.bin CS1 wrong"], peers.Heard("REPORT"));
        Assert.Contains(peers.Notices, notice => notice.Contains("CS1", StringComparison.Ordinal)
            && notice.Contains("wrong bytes", StringComparison.Ordinal));
    });

    [Fact]
    public Task Two_copies_that_are_rotten_in_different_places_make_one_whole_file() =>
        Run(["CS1", "CS2"], async peers =>
    {
        peers.File = peers.Noise(9 * MiB);
        peers.Servers["CS1"].Rotten.Add(1);
        peers.Servers["CS2"].Rotten.Add(6);
        await peers.DownloadAsync();
        peers.CheckSaved();
    });

    [Fact]
    public Task Copies_with_three_rotten_chunks_each_make_one_whole_file_too() => Run(["CS1", "CS2"], async peers =>
    {
        peers.File = peers.Noise(9 * MiB);
        peers.Servers["CS1"].Rotten.UnionWith([1, 4, 7]);
        peers.Servers["CS2"].Rotten.UnionWith([2, 5, 8]);
        await peers.DownloadAsync();
        peers.CheckSaved();
    });

    [Theory]
    [InlineData(3)]
    [InlineData(12)]
    public Task When_no_server_has_the_right_bytes_nothing_is_saved(int size) => Run(["CS1", "CS2"], async peers =>
    {
        peers.File = peers.Noise(size * MiB);
        peers.World.Folder.Write("got/file.bin", [1, 2, 3]);
        foreach (ChunkServer server in peers.Servers.Values) server.Rotten.Add(2);
        TimeSpan began = peers.World.Now;
        Assert.Equal(CdnFailure.WrongBytes, await peers.FailAsync());
        Assert.InRange(peers.World.Now - began, TimeSpan.Zero, TimeSpan.FromSeconds(6));
        Assert.Equal([1, 2, 3], peers.World.Folder.Read("got/file.bin"));
        Assert.Equal(["got/file.bin"], peers.Saved());
    });

    [Fact]
    public Task Another_version_of_the_file_is_never_mixed_in() => Run(["CS1", "CS2"], async peers =>
    {
        peers.File = peers.Noise(4 * MiB);
        byte[] newer = [.. peers.File.AsSpan(0, MiB), .. peers.Noise(3 * MiB)];
        peers.Servers["CS1"].StallsAfter = 2 * MiB + 1000;
        peers.Servers["CS2"].Bytes = newer;
        Task<DownloadResult> download = peers.Begin();
        await peers.World.AdvanceAsync(TimeSpan.FromMilliseconds(500));
        // Meanwhile the newer one is what the index takes for the file.
        peers.File = newer;
        peers.Servers["CS1"].StallsAfter = null;
        await peers.World.ResultAsync(download, "the newer one is fetched");
        peers.CheckSaved();
        Assert.Contains(peers.Notices, notice => notice.Contains("starting over", StringComparison.Ordinal));
    });

    [Fact]
    public Task A_server_of_version_1_delivers_what_others_have_begun() => Run(["CS1", "CS2"], async peers =>
    {
        peers.File = peers.Noise(4 * MiB);
        peers.Servers["CS2"].IsOld = true;
        DownloadResult result = await peers.DownloadAsync(null, progress =>
        {
            if (progress.Done > 1.5 * MiB) peers.Cluster.Kill("CS1");
        });
        peers.CheckSaved();
        Assert.Equal("CS2, CS1", result.Server);
        Assert.True(result.IsVerified);
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public Task While_nobody_knows_the_chunks_the_file_is_verified_as_a_whole(bool rotten) =>
        Run(["CS1", "CS2"], async peers =>
    {
        peers.File = peers.Noise(3 * MiB);
        foreach (ChunkServer server in peers.Servers.Values) server.KnowsNoDigests = true;
        peers.Servers["CS1"].Rotten.Add(1);
        if (rotten) peers.Servers["CS2"].Rotten.Add(2);
        if (rotten)
        {
            Assert.Equal(CdnFailure.WrongBytes, await peers.FailAsync());
            Assert.Empty(peers.Saved());
            return;
        }
        Assert.True((await peers.DownloadAsync()).IsVerified);
        peers.CheckSaved();
    });

    [Theory]
    [InlineData("CS1")]
    [InlineData("CS1", "CS2")]
    public Task A_server_whose_list_of_chunks_rotted_is_not_taken_for_one_with_wrong_bytes(params string[] servers) =>
        Run(servers, async peers =>
    {
        peers.File = peers.Noise(4 * MiB);
        peers.Servers["CS1"].TellsRottenDigests = true;
        DownloadResult result = await peers.DownloadAsync(null, progress =>
        {
            // It is needed for the rest.
            if (servers.Length > 1 && progress.Done > 1.5 * MiB) peers.Cluster.Kill("CS2");
        });
        peers.CheckSaved();
        Assert.True(result.IsVerified);
        Assert.Contains("CS1", result.Server, StringComparison.Ordinal);
    });

    [Fact]
    public Task A_large_file_comes_from_four_servers_at_once() => Run(["CS1", "CS2", "CS3", "CS4", "CS5"], async peers =>
    {
        peers.File = peers.Noise(64 * MiB);
        // Each pauses after 8 MiB, for less than a stall is: so that nobody does it all in no time.
        foreach (ChunkServer server in peers.Servers.Values) server.StallsAfter = 2 * MiB;
        Task<DownloadResult> download = peers.Begin();
        await peers.World.AdvanceAsync(TimeSpan.FromMilliseconds(350));
        Assert.NotNull(peers.Dialed("cs2"));
        Assert.Null(peers.Dialed("cs3"));
        foreach (int more in Enumerable.Range(1, 40))
        {
            foreach (ChunkServer server in peers.Servers.Values) server.StallsAfter = (2 + more) * MiB;
            await peers.World.AdvanceAsync(TimeSpan.FromMilliseconds(100));
        }
        DownloadResult result = await peers.World.ResultAsync(download, "the download ends");
        peers.CheckSaved();
        Assert.Equal(4, result.Server.Split(", ").Length);
        Assert.Null(peers.Dialed("cs5"));
        Assert.Equal(0, result.Repeated);
    });

    private static Task Run(string[] servers, Func<ChunkPeers, Task> test) =>
        FakeCluster.RunAsync(1, cluster => test(new ChunkPeers(cluster, servers)));
}
