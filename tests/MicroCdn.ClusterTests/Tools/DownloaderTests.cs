using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>wget and rclone against a content server.</summary>
[Trait("Needs", "wget")]
public sealed class DownloaderTests
{
    private const int Length = 3_000_000;
    private static readonly byte[] Big = Stage.Noise(Length);

    [Fact]
    public async Task Wget_resumes_where_a_download_was_cut_and_leaves_alone_what_is_whole()
    {
        await using Stage stage = new();
        Edge edge = await StartAsync(stage);
        string path = Path.Combine(stage.Folder, "big.bin");
        await File.WriteAllBytesAsync(path, Big[..1_000_000]);
        ToolRun run = (await WgetAsync(stage, "-c", edge.Url("big.bin"))).Succeeded();
        Assert.Contains("HTTP/1.1 206 Partial Content", run.Errors, StringComparison.Ordinal);
        Assert.Equal(Big, await File.ReadAllBytesAsync(path));

        run = (await WgetAsync(stage, "-c", edge.Url("big.bin"))).Succeeded();
        Assert.Contains("HTTP/1.1 416", run.Errors, StringComparison.Ordinal);
        run = (await WgetAsync(stage, "-N", edge.Url("big.bin"))).Succeeded();
        Assert.Contains("HTTP/1.1 304 Not Modified", run.Errors, StringComparison.Ordinal);
        Assert.Equal(Big, await File.ReadAllBytesAsync(path));
    }

    [Fact]
    public async Task Wget_resumes_over_TLS()
    {
        await using Stage stage = new();
        Edge edge = await StartAsync(stage);
        string path = Path.Combine(stage.Folder, "big.bin");
        await File.WriteAllBytesAsync(path, Big[..1_000_000]);
        (await WgetAsync(stage, "-c", $"--ca-certificate={edge.Certificate}", edge.SecureUrl("big.bin"))).Succeeded();
        Assert.Equal(Big, await File.ReadAllBytesAsync(path));
    }

    [Fact]
    public async Task Rclone_copies_a_file_whole_and_keeps_its_time()
    {
        await using Stage stage = new();
        Edge edge = await StartAsync(stage);
        (await RcloneAsync(stage, "copyurl", edge.Url("big.bin"), "by-url.bin")).Succeeded();
        Assert.Equal(Big, await File.ReadAllBytesAsync(Path.Combine(stage.Folder, "by-url.bin")));

        (await RcloneAsync(stage, "copyto", "--http-url", edge.Url(""), "--multi-thread-cutoff", "1M",
            "--multi-thread-streams", "4", ":http:big.bin", "copy.bin")).Succeeded();
        string copy = Path.Combine(stage.Folder, "copy.bin");
        Assert.Equal(Big, await File.ReadAllBytesAsync(copy));
        Assert.Equal(new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc), File.GetLastWriteTimeUtc(copy));
    }

    private static Task<Edge> StartAsync(Stage stage) =>
        Edge.StartAsync(stage, stage.MakeFiles("one", ("big.bin", Big), ("folder/small.txt", "small"u8.ToArray())));

    private static Task<ToolRun> WgetAsync(Stage stage, params string[] arguments) => ToolRun.OfAsync(stage.Folder, "wget",
        ["--no-config", "--no-verbose", "--server-response", "--tries=2", "--timeout=60", .. arguments]);

    private static Task<ToolRun> RcloneAsync(Stage stage, params string[] arguments) =>
        ToolRun.OfAsync(stage.Folder, "rclone", ["--config", "/dev/null", .. arguments]);
}
