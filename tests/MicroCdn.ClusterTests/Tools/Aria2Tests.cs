using System.Security.Cryptography;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>aria2 against several content servers.</summary>
/// <remarks>aria2 keeps what it knows of a server by its host name: so each of ours goes by an address of its own.</remarks>
[Trait("Needs", "aria2")]
public sealed class Aria2Tests
{
    private const int Length = 12_000_000;
    private static readonly byte[] Big = Stage.Noise(Length);

    [Fact]
    public async Task It_splits_a_file_over_two_servers()
    {
        await using Stage stage = new();
        Edge one = await Edge.StartAsync(stage, stage.MakeFiles("one", ("big.bin", Big)));
        Edge two = await Edge.StartAsync(stage, stage.MakeFiles("two", ("big.bin", Big)), "CS2");
        string[] urls = [one.Url("big.bin", "127.0.0.2"), two.Url("big.bin", "127.0.0.3")];
        ToolRun run = await Aria2Async(stage, ["-s", "4", "-x", "2", "-k", "1M", "--checksum", Checksum(Big), "-o", "big.bin",
            .. urls]);
        run.Succeeded();
        Assert.Equal(Big, await File.ReadAllBytesAsync(Path.Combine(stage.Folder, "big.bin")));
        string log = await File.ReadAllTextAsync(Path.Combine(stage.Folder, "aria2.log"));
        Assert.Contains($"Host: 127.0.0.2:{one.HttpPort}", log, StringComparison.Ordinal);
        Assert.Contains($"Host: 127.0.0.3:{two.HttpPort}", log, StringComparison.Ordinal);
        Assert.Contains("HTTP/1.1 206 Partial Content", log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_goes_on_with_a_second_server_when_the_first_dies()
    {
        await using Stage stage = new();
        Edge one = await Edge.StartAsync(stage, stage.MakeFiles("one", ("big.bin", Big)));
        Edge two = await Edge.StartAsync(stage, stage.MakeFiles("two", ("big.bin", Big)), "CS2");
        Task<ToolRun> downloading = Aria2Async(stage, "-s", "2", "-k", "1M", "--max-overall-download-limit", "3M", "-o", "big.bin",
            one.Url("big.bin", "127.0.0.2"), two.Url("big.bin", "127.0.0.3"));
        await Stage.UntilAsync("some of it came", TimeSpan.FromSeconds(60), () =>
            Task.FromResult(new FileInfo(Path.Combine(stage.Folder, "big.bin")) is { Exists: true, Length: > 0 }));
        one.Process.Kill();
        (await downloading).Succeeded();
        Assert.Equal(Big, await File.ReadAllBytesAsync(Path.Combine(stage.Folder, "big.bin")));
    }

    private static string Checksum(byte[] bytes) => $"sha-256={Convert.ToHexStringLower(SHA256.HashData(bytes))}";

    private static Task<ToolRun> Aria2Async(Stage stage, params string[] arguments) => ToolRun.OfAsync(stage.Folder, "aria2c",
        ["--no-conf", "--log=aria2.log", "--log-level=info", "--retry-wait=1", "--max-tries=3", "--timeout=30",
            "--connect-timeout=10", "--file-allocation=none", "--allow-overwrite=true", .. arguments]);
}
