using MicroCdn.Client;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>A large download that was interrupted is gone on with, and never with bytes that were not verified.</summary>
[Collection(FakeNetworkTests.Name)]
public sealed class ResumeTests
{
    private const int MiB = ChunkPeers.Mebibyte;
    private const int HeadBytes = 88;
    private const string Part = "got/file.bin.part";
    private const string Journal = "got/file.bin.part.marks";

    [Fact]
    public Task What_an_interrupted_download_had_is_not_fetched_again() => Run(async peers =>
    {
        await InterruptAsync(peers, 10, after: 6);
        int[] missing = [.. Enumerable.Range(0, 10).Except(Kept(peers))];
        Assert.InRange(missing.Length, 3, 6);
        ChunkServer server = Restart(peers);
        DownloadResult result = await peers.DownloadAsync();
        peers.CheckSaved();
        Assert.Equal(missing, server.Ranges);
        Assert.Equal((10 - missing.Length) * MiB, result.Resumed);
        Assert.Contains(peers.Notices, notice => notice.StartsWith("going on with", StringComparison.Ordinal));
    });

    [Fact]
    public Task Bytes_that_somebody_changed_in_the_part_are_fetched_again() => Run(async peers =>
    {
        await InterruptAsync(peers, 10, after: 6);
        byte[] part = peers.World.Folder.Read(Part)!;
        part[(2 * MiB) + 5] ^= 1;
        peers.World.Folder.Write(Part, part);
        ChunkServer server = Restart(peers);
        await peers.DownloadAsync();
        peers.CheckSaved();
        Assert.Contains(2, server.Ranges);
    });

    [Fact]
    public Task A_part_of_another_version_is_started_over_and_that_is_said() => Run(async peers =>
    {
        await InterruptAsync(peers, 10, after: 6);
        ChunkServer server = Restart(peers);
        peers.File = peers.Noise(10 * MiB);
        DownloadResult result = await peers.DownloadAsync();
        peers.CheckSaved();
        Assert.Equal((10, 0L), (server.Ranges.Length, result.Resumed));
        Assert.Contains(peers.Notices, notice => notice.Contains("another version", StringComparison.Ordinal));
    });

    [Theory]
    [InlineData(Part, 0)]
    [InlineData(Part, 1)]
    [InlineData(Part, (3 * MiB) + 5)]
    [InlineData(Journal, 0)]
    [InlineData(Journal, 1)]
    [InlineData(Journal, HeadBytes)]
    [InlineData(Journal, HeadBytes + 3)]
    public Task A_part_that_is_cut_anywhere_costs_a_new_start_at_most(string cut, int length) => Run(async peers =>
    {
        await InterruptAsync(peers, 10, after: 6);
        byte[] whole = peers.World.Folder.Read(cut)!;
        // The room for all of it was taken.
        Assert.Equal(cut == Part ? 10 * MiB : HeadBytes + 6, whole.Length);
        peers.World.Folder.Write(cut, whole[..length]);
        Restart(peers);
        await peers.DownloadAsync();
        peers.CheckSaved();
    });

    [Fact]
    public Task A_second_download_to_the_same_target_says_so_and_harms_nothing() => Run(async peers =>
    {
        peers.File = peers.Noise(10 * MiB);
        peers.Servers["CS1"].StallsAfter = 3 * MiB;
        Task<DownloadResult> first = peers.Begin();
        await peers.World.AdvanceAsync(TimeSpan.FromMilliseconds(100));
        Task<DownloadResult> second = peers.Begin();
        await peers.World.UntilAsync(() => second.IsCompleted, "the second one ends", TimeSpan.Zero);
        TargetException busy = await Assert.ThrowsAsync<TargetException>(() => second);
        Assert.Contains("another download is writing", busy.Message, StringComparison.Ordinal);
        peers.Servers["CS1"].StallsAfter = null;
        await peers.World.ResultAsync(first, "the first one goes on");
        peers.CheckSaved();
    });

    [Fact]
    public Task A_small_file_leaves_nothing_when_it_is_interrupted() => Run(async peers =>
    {
        peers.File = peers.Noise(5 * MiB);
        peers.Servers["CS1"].StallsAfter = 3 * MiB;
        using CancellationTokenSource controlC = new();
        Task<DownloadResult> download = peers.Begin(null, null, controlC.Token);
        await peers.World.AdvanceAsync(TimeSpan.FromMilliseconds(100));
        Assert.Single(peers.Saved());
        await controlC.CancelAsync();
        await peers.World.UntilAsync(() => download.IsCompleted, "it ends", TimeSpan.Zero);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => download);
        Assert.Empty(peers.Saved());
    });

    [Fact]
    public Task When_the_servers_stay_away_the_part_is_kept_for_another_day() => Run(async peers =>
    {
        peers.File = peers.Noise(10 * MiB);
        Task<DownloadResult> download = peers.Begin(null, progress =>
        {
            if (progress.Done > 4.5 * MiB) peers.Cluster.Kill("CS1");
        });
        await peers.World.UntilAsync(() => download.IsCompleted, "it gives up", TimeSpan.FromSeconds(16));
        Assert.Equal(CdnFailure.Unreachable, (await Assert.ThrowsAsync<CdnException>(() => download)).Failure);
        Assert.Equal([Part, Journal], peers.Saved());
        peers.Start("CS1");
        Assert.True((await peers.DownloadAsync()).Resumed >= 4 * MiB);
        peers.CheckSaved();
    });

    [Fact]
    public Task A_part_that_could_not_be_looked_at_is_kept_when_the_servers_are_away() => Run(async peers =>
    {
        await InterruptAsync(peers, 10, after: 6);
        // The digests of the chunks are not remembered, and nobody is there to tell them.
        Directory.Delete(peers.World.Folder["cache"], recursive: true);
        peers.Cluster.Kill("CS1");
        Assert.Equal(CdnFailure.Unreachable, await peers.FailAsync());
        Assert.Equal([Part, Journal], peers.Saved());
        // Nor when somebody is who does not know them, until the whole file has come from there.
        peers.Start("CS1");
        peers.Servers["CS1"].KnowsNoDigests = true;
        await peers.DownloadAsync();
        peers.CheckSaved();
    });

    private static async Task InterruptAsync(ChunkPeers peers, int size, int after)
    {
        peers.File = peers.Noise(size * MiB);
        peers.Servers["CS1"].StallsAfter = after * MiB;
        using CancellationTokenSource controlC = new();
        Task<DownloadResult> download = peers.Begin(null, null, controlC.Token);
        await peers.World.AdvanceAsync(TimeSpan.FromMilliseconds(100));
        await controlC.CancelAsync();
        await peers.World.UntilAsync(() => download.IsCompleted, "it ends", TimeSpan.Zero);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => download);
        Assert.Equal([Part, Journal], peers.Saved());
    }

    // The marks behind the head of the journal.
    private static int[] Kept(ChunkPeers peers)
    {
        byte[] marks = peers.World.Folder.Read(Journal)![HeadBytes..];
        return [.. Enumerable.Range(0, marks.Length).Where(chunk => marks[chunk] == 1)];
    }

    private static ChunkServer Restart(ChunkPeers peers)
    {
        peers.Cluster.Kill("CS1");
        peers.Start("CS1");
        return peers.Servers["CS1"];
    }

    private static Task Run(Func<ChunkPeers, Task> test) =>
        FakeCluster.RunAsync(1, cluster => test(new ChunkPeers(cluster, "CS1")));
}
