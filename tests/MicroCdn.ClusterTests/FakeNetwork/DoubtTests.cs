using MicroCdn.Client;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>The index says that there is no such file, and our client remembers who had it a moment ago.</summary>
[Collection(FakeNetworkTests.Name)]
public sealed class DoubtTests
{
    private const int MiB = ChunkPeers.Mebibyte;

    [Theory]
    [InlineData(100)]
    [InlineData(3 * MiB)]
    public Task A_known_file_is_downloaded_though_a_restarted_index_does_not_know_its_servers_yet(int size) =>
        Run(async (peers, index) =>
    {
        peers.File = peers.Noise(size);
        await peers.DownloadAsync(index.Client);
        index.IsEmpty = true;
        await peers.World.ResultAsync(peers.Begin(index.Client), "its server has it", TimeSpan.Zero);
        peers.CheckSaved();
        Assert.Contains(peers.Notices, notice => notice.Contains("does not know", StringComparison.Ordinal));
    });

    [Fact]
    public Task A_file_that_was_removed_is_not_found_at_once() => Run(async (peers, index) =>
    {
        peers.File = peers.Noise(3 * MiB);
        await peers.DownloadAsync(index.Client);
        Directory.Delete(peers.World.Folder["got"], recursive: true);
        index.IsEmpty = true;
        foreach (ChunkServer server in peers.Servers.Values) server.IsEmpty = true;
        Task<DownloadResult> download = peers.Begin(index.Client);
        await peers.World.UntilAsync(() => download.IsCompleted, "it ends", TimeSpan.FromSeconds(0.1));
        Assert.Equal(CdnFailure.NotFound, (await Assert.ThrowsAsync<CdnException>(() => download)).Failure);
        Assert.Empty(peers.Saved());
    });

    [Fact]
    public Task A_file_that_is_another_one_by_now_is_not_what_is_saved() => Run(async (peers, index) =>
    {
        peers.File = peers.Noise(3 * MiB);
        await peers.DownloadAsync(index.Client);
        Directory.Delete(peers.World.Folder["got"], recursive: true);
        index.IsEmpty = true;
        foreach (ChunkServer server in peers.Servers.Values) server.Bytes = peers.Noise(3 * MiB);
        Assert.Equal(CdnFailure.WrongBytes, await peers.FailAsync(index.Client));
        Assert.Empty(peers.Saved());
    });

    [Fact]
    public Task What_nothing_is_known_to_verify_by_is_not_found_when_the_index_says_so() => Run(async (peers, index) =>
    {
        peers.File = peers.Noise(100);
        (peers.TellsDigest, peers.TellsRoot) = (false, false);
        await peers.DownloadAsync(index.Client);
        index.IsEmpty = true;
        Assert.Equal(CdnFailure.NotFound, await peers.FailAsync(index.Client));
    });

    [Fact]
    public Task When_its_servers_are_away_too_it_is_not_found_after_three_seconds() => Run(async (peers, index) =>
    {
        peers.File = peers.Noise(3 * MiB);
        await peers.DownloadAsync(index.Client);
        index.IsEmpty = true;
        peers.Cluster.Kill("CS1");
        peers.Servers["CS2"].IsEmpty = true;
        TimeSpan began = peers.World.Now;
        Assert.Equal(CdnFailure.NotFound, await peers.FailAsync(index.Client));
        Assert.InRange(peers.World.Now - began, TimeSpan.FromSeconds(2.9), TimeSpan.FromSeconds(3.2));
    });

    [Fact]
    public Task A_server_that_registers_within_three_seconds_is_asked() => Run(async (peers, index) =>
    {
        peers.File = peers.Noise(3 * MiB);
        await peers.DownloadAsync(index.Client);
        index.IsEmpty = true;
        peers.Cluster.Kill("CS1");
        peers.Cluster.Kill("CS2");
        Task<DownloadResult> download = peers.Begin(index.Client);
        await peers.World.AdvanceAsync(TimeSpan.FromSeconds(2));
        peers.Start("CS3");
        index.IsEmpty = false;
        await peers.World.ResultAsync(download, "the third one delivers", TimeSpan.FromSeconds(1));
        peers.CheckSaved();
    });

    private static Task Run(Func<ChunkPeers, Restarted, Task> test) => FakeCluster.RunAsync(1, async cluster =>
    {
        ChunkPeers peers = new(cluster, "CS1", "CS2");
        await test(peers, new Restarted(peers));
    });

    /// <summary>An index that may know nothing, and a client of it.</summary>
    private sealed class Restarted
    {
        public Restarted(ChunkPeers peers)
        {
            peers.Index("index2", heard =>
                heard.Verb == "LOCATE" && IsEmpty ? new Reply("ERROR FILE_NOT_FOUND") : null);
            Client = peers.Client("index2");
        }

        public bool IsEmpty { get; set; }

        public CdnClient Client { get; }
    }
}
