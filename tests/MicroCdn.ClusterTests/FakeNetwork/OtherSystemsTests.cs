using MicroCdn.Client;
using MicroCdn.Storage;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>The client's way on Windows and macOS, where there is no libc for it: with the framework's calls
/// alone.</summary>
[Collection(FakeNetworkTests.Name)]
public sealed class OtherSystemsTests
{
    private const int MiB = ChunkPeers.Mebibyte;
    private const string Part = "got/file.bin.part";

    [Theory]
    [InlineData("Windows", 5)]
    [InlineData("Windows", 10 * MiB)]
    [InlineData("MacOS", 5)]
    [InlineData("MacOS", 10 * MiB)]
    public Task A_file_is_downloaded_and_replaces_the_one_before(string system, int size) => Run(system, async peers =>
    {
        peers.World.Folder.Write("got/file.bin", [1, 2, 3]);
        peers.File = peers.Noise(size);
        await peers.DownloadAsync();
        peers.CheckSaved();
    });

    [Theory]
    [InlineData("Windows")]
    [InlineData("MacOS")]
    public Task A_file_without_a_digest_replaces_the_one_before(string system) => Run(system, async peers =>
    {
        (peers.TellsDigest, peers.TellsRoot) = (false, false);
        peers.World.Folder.Write("got/file.bin", [1, 2, 3]);
        peers.File = peers.Noise(3 * MiB);
        await peers.DownloadAsync();
        peers.CheckSaved();
    });

    [Theory]
    [InlineData("Windows")]
    [InlineData("MacOS")]
    public Task An_interrupted_download_is_gone_on_with(string system) => Run(system, async peers =>
    {
        await InterruptAsync(peers);
        peers.Cluster.Kill("CS1");
        peers.Start("CS1");
        DownloadResult result = await peers.DownloadAsync();
        Assert.InRange(result.Resumed, 4 * MiB, 6 * MiB);
        peers.CheckSaved();
    });

    [Theory]
    [InlineData("Windows")]
    [InlineData("MacOS")]
    public Task Wrong_bytes_leave_nothing_and_two_downloads_do_not_mix(string system) => Run(system, async peers =>
    {
        peers.File = peers.Noise(10 * MiB);
        peers.Servers["CS1"].StallsAfter = 3 * MiB;
        Task<DownloadResult> first = peers.Begin();
        await peers.World.AdvanceAsync(TimeSpan.FromMilliseconds(100));
        Task<DownloadResult> second = peers.Begin();
        await peers.World.UntilAsync(() => second.IsCompleted, "the second one ends", TimeSpan.Zero);
        await Assert.ThrowsAsync<TargetException>(() => second);
        peers.Servers["CS1"].StallsAfter = null;
        await peers.World.ResultAsync(first, "the first one goes on");
        peers.CheckSaved();
        Directory.Delete(peers.World.Folder["got"], recursive: true);
        peers.Servers["CS1"].Bytes = peers.Noise(10 * MiB);
        Assert.Equal(CdnFailure.WrongBytes, await peers.FailAsync());
        Assert.Empty(peers.Saved());
    });

    [Fact]
    public Task A_name_that_Windows_takes_for_something_else_is_refused() => Run("Windows", async peers =>
    {
        peers.File = peers.Noise(100);
        foreach (string name in (string[])["NUL", "con.txt", "a.txt:b", "a.txt."])
        {
            Task<DownloadResult> download = peers.Client().DownloadAsync(
                ChunkPeers.Name, peers.World.Folder[$"got/{name}"], null, TestContext.Current.CancellationToken);
            await peers.World.UntilAsync(() => download.IsCompleted, "it ends");
            await Assert.ThrowsAsync<TargetException>(() => download);
        }
        Assert.Empty(peers.Saved());
    });

    private static async Task InterruptAsync(ChunkPeers peers)
    {
        peers.File = peers.Noise(10 * MiB);
        peers.Servers["CS1"].StallsAfter = 6 * MiB;
        using CancellationTokenSource controlC = new();
        Task<DownloadResult> download = peers.Begin(null, null, controlC.Token);
        await peers.World.AdvanceAsync(TimeSpan.FromMilliseconds(100));
        await controlC.CancelAsync();
        await peers.World.UntilAsync(() => download.IsCompleted, "it ends", TimeSpan.Zero);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => download);
        Assert.Equal([Part, Part + ".marks"], peers.Saved());
    }

    private static Task Run(string system, Func<ChunkPeers, Task> test) => FakeCluster.RunAsync(1, cluster =>
    {
        Ways.Play(Enum.Parse<OtherSystem>(system));
        return test(new ChunkPeers(cluster, "CS1"));
    });
}
