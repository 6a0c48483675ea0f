using System.Globalization;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>Files beyond 4 GiB and beyond 100 GB, and files that change while they are sent.</summary>
[Trait("Needs", "curl")]
public sealed class LargeFileTests
{
    private const long FiveGiB = 5L << 30;
    private const long Huge = 110_000_000_000;

    [Fact]
    public async Task Files_beyond_4_GiB_and_100_GB_are_served_from_anywhere_in_them()
    {
        await using Stage stage = new();
        string files = stage.MakeFolder("large");
        MakeSparse(Path.Combine(files, "five"), FiveGiB, (uint.MaxValue - 4L, "around"u8.ToArray()));
        MakeSparse(Path.Combine(files, "huge"), Huge, (Huge - 5, "end!\n"u8.ToArray()));
        Edge edge = await Edge.StartAsync(stage, files);

        ToolRun run = await CurlAsync(stage, edge, "-I", edge.Url("huge"));
        Assert.Contains($"\r\nContent-Length: {Huge}\r\n", run.Succeeded().Text, StringComparison.Ordinal);
        foreach (string url in new[] { edge.Url("huge"), edge.SecureUrl("huge") })
        {
            Assert.Equal("end!\n", (await CurlAsync(stage, edge, "-r", "-5", url)).Succeeded().Text);
            Assert.Equal("end!", (await CurlAsync(stage, edge, "-r", $"{Huge - 5}-{Huge - 2}", url)).Succeeded().Text);
        }
        run = await CurlAsync(stage, edge, "-r", $"{uint.MaxValue - 4L}-{uint.MaxValue + 1L}", edge.Url("five"));
        Assert.Equal("around", run.Succeeded().Text);
        run = await CurlAsync(stage, edge, "-o", "/dev/null", "-w", "%{size_download}", edge.Url("five"));
        Assert.Equal(FiveGiB, long.Parse(run.Succeeded().Text, CultureInfo.InvariantCulture));
    }

    [Theory]
    [InlineData("http", "--http1.1", true)]
    [InlineData("https", "--http1.1", true)]
    [InlineData("https", "--http2", true)]
    [InlineData("http", "--http1.1", false)]
    [InlineData("https", "--http1.1", false)]
    [InlineData("https", "--http2", false)]
    public async Task A_file_that_changes_while_it_is_sent_is_cut_and_never_completed(string scheme, string version, bool shrinks)
    {
        const int length = 64 << 20;
        await using Stage stage = new();
        string files = stage.MakeFolder("one");
        string path = Path.Combine(files, "big.bin");
        MakeSparse(path, length, (0, Stage.Noise(1 << 20)));
        Edge edge = await Edge.StartAsync(stage, files);
        string got = Path.Combine(stage.Folder, "got.bin");

        Task<ToolRun> downloading = CurlAsync(stage, edge, version, "--limit-rate", "20M", "-o", got,
            scheme == "http" ? edge.Url("big.bin") : edge.SecureUrl("big.bin"));
        await Stage.UntilAsync("some of it came", TimeSpan.FromSeconds(60), () =>
            Task.FromResult(new FileInfo(got) is { Exists: true, Length: > 0 }));
        await using (FileStream file = File.OpenWrite(path))
        {
            if (shrinks) file.SetLength(32 << 20);
            else file.Write("other bytes"u8);
        }
        ToolRun run = await downloading;

        // 18: partial file; 56: reset; 92: the stream was reset.
        Assert.True(run.Code is 18 or 56 or 92, $"exit code {run.Code}: {run.Errors}");
        Assert.True(new FileInfo(got).Length < length);
    }

    private static Task<ToolRun> CurlAsync(Stage stage, Edge edge, params string[] arguments) => ToolRun.OfAsync(stage.Folder,
        "curl", ["--disable", "-sS", "--max-time", "145", "--cacert", edge.Certificate, .. arguments]);

    private static void MakeSparse(string path, long length, (long Offset, byte[] Bytes) part)
    {
        using (FileStream file = File.Create(path))
        {
            file.SetLength(length);
            file.Position = part.Offset;
            file.Write(part.Bytes);
        }
        File.SetLastWriteTimeUtc(path, new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc));
    }
}
