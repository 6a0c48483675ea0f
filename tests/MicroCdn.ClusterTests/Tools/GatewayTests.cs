using System.Security.Cryptography;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>curl, wget and rclone by way of the gateway, and downloads that change servers on the way.</summary>
[Trait("Needs", "curl")]
public sealed class GatewayTests
{
    private const int Length = 16_000_000;
    private static readonly byte[] Big = Stage.Noise(Length);

    [Fact]
    public async Task Curl_follows_to_a_server_of_its_own_scheme_and_keeps_the_query()
    {
        await using Stage stage = new();
        Fleet fleet = await Fleet.StartAsync(stage);
        Edge server = await fleet.AddAsync(stage.MakeFiles("one", ("a b.txt", "hello"u8.ToArray())));
        await fleet.UntilOfferedAsync("a%20b.txt", 1);
        const string asked = "a%20b.txt?token=x%20y&z=1";
        ToolRun run = await fleet.CurlAsync("-L", "-w", " %{num_redirects} %{url_effective}", fleet.Url(asked));
        Assert.Equal($"hello 1 {server.Url(asked, "127.0.0.2")}", run.Succeeded().Text);
        foreach (string version in new[] { "--http1.1", "--http2" })
        {
            run = await fleet.CurlAsync(version, "-L", "-w", " %{num_redirects} %{url_effective}", fleet.SecureUrl(asked));
            Assert.Equal($"hello 1 https://127.0.0.2:{server.HttpsPort}/{asked}", run.Succeeded().Text);
        }
        run = await fleet.CurlAsync("-L", "-f", fleet.Url("nope.txt"));
        Assert.Equal(22, run.Code);
    }

    [Fact]
    public async Task What_sha256sum_is_told_fits_what_curl_and_wget_download()
    {
        await using Stage stage = new();
        Fleet fleet = await Fleet.StartAsync(stage);
        await fleet.AddAsync(stage.MakeFiles("one", ("big.bin", Big)));
        await fleet.UntilOfferedAsync("big.bin", 1);
        (await fleet.CurlAsync("-L", "-O", fleet.Url("big.bin"))).Succeeded();
        (await fleet.CurlAsync("-O", fleet.Url("big.bin.sha256"))).Succeeded();
        (await ToolRun.OfAsync(fleet.Folder, "sha256sum", "--check", "--strict", "big.bin.sha256")).Succeeded();

        string path = Path.Combine(fleet.Folder, "big.bin");
        await File.WriteAllBytesAsync(path, Big[..1_000_000]);
        ToolRun run = await ToolRun.OfAsync(fleet.Folder, "wget", "--no-config", "-nv", "-S", "-c", fleet.Url("big.bin"));
        Assert.Contains("HTTP/1.1 206 Partial Content", run.Succeeded().Errors, StringComparison.Ordinal);
        Assert.Equal(Big, await File.ReadAllBytesAsync(path));
    }

    [Fact]
    public async Task A_download_cut_by_the_death_of_its_server_goes_on_at_another_one()
    {
        await using Stage stage = new();
        Fleet fleet = await Fleet.StartAsync(stage);
        Edge[] servers =
        [
            await fleet.AddAsync(stage.MakeFiles("one", ("big.bin", Big))),
            await fleet.AddAsync(stage.MakeFiles("two", ("big.bin", Big))),
        ];
        await fleet.UntilOfferedAsync("big.bin", 2);
        // The gateway knows a digest as soon as one of them does; one that does not yet has no tag to go on by.
        foreach (Edge server in servers) await server.UntilTaggedAsync("big.bin");
        string path = Path.Combine(fleet.Folder, "big.bin");
        Task<ToolRun> downloading = fleet.CurlAsync("-L", "--limit-rate", "4M", "-D", "first.head", "-O", fleet.Url("big.bin"));
        await Stage.UntilAsync("some of it came", TimeSpan.FromSeconds(60), () =>
            Task.FromResult(new FileInfo(path) is { Exists: true, Length: > 1_000_000 }));
        string head = await File.ReadAllTextAsync(Path.Combine(fleet.Folder, "first.head"));
        int first = head.Contains($"127.0.0.2:{servers[0].HttpPort}", StringComparison.Ordinal) ? 0 : 1;
        servers[first].Process.Kill();
        Assert.True((await downloading).Code is 18 or 56);
        Assert.InRange(new FileInfo(path).Length, 1_000_000, Length - 1);

        string tag = RawResponse.FieldOf(head[head.IndexOf("HTTP/1.1 200", StringComparison.Ordinal)..], "ETag")!;
        await fleet.UntilOfferedAsync("big.bin", 1);
        await fleet.UntilSentToAsync("big.bin", servers[1 - first]);
        ToolRun run = await fleet.CurlAsync("-L", "-C", "-", "-H", $"If-Range: {tag}", "-w", "%{http_code} %{url_effective}", "-O",
            fleet.Url("big.bin"));
        Assert.Equal($"206 {servers[1 - first].Url("big.bin", $"127.0.0.{3 - first}")}", run.Succeeded().Text);
        Assert.Equal(SHA256.HashData(Big), SHA256.HashData(await File.ReadAllBytesAsync(path)));
    }

    [Fact]
    public async Task The_same_bytes_have_one_tag_everywhere_and_other_bytes_are_never_appended()
    {
        await using Stage stage = new();
        Edge one = await Edge.StartAsync(stage, stage.MakeFiles("one", ("big.bin", Big)));
        Edge same = await Edge.StartAsync(stage, stage.MakeFiles("two", ("big.bin", Big)), "CS2");
        Edge other = await Edge.StartAsync(stage, stage.MakeFiles("three", ("big.bin", Stage.Noise(Length, seed: 2))), "CS3");
        string[] tags = new string[3];
        Edge[] servers = [one, same, other];
        for (int n = 0; n < 3; n++)
        {
            await servers[n].UntilTaggedAsync("big.bin");
            tags[n] = RawResponse.FieldOf(await servers[n].HeadOfAsync("big.bin"), "ETag")!;
        }
        Assert.Equal(tags[0], tags[1]);
        Assert.NotEqual(tags[0], tags[2]);

        Fleet tools = new(stage);
        (await tools.CurlAsync("-r", "0-7999999", "-o", "first.bin", one.Url("big.bin"))).Succeeded();
        string[] rest = ["-r", "8000000-", "-H", $"If-Range: {tags[0]}", "-w", "%{http_code}", "-o", "rest.bin"];
        Assert.Equal("206", (await tools.CurlAsync([.. rest, same.Url("big.bin")])).Succeeded().Text);
        byte[] whole = [.. await File.ReadAllBytesAsync(Path.Combine(stage.Folder, "first.bin")),
            .. await File.ReadAllBytesAsync(Path.Combine(stage.Folder, "rest.bin"))];
        Assert.Equal(SHA256.HashData(Big), SHA256.HashData(whole));
        Assert.Equal("200", (await tools.CurlAsync([.. rest, other.Url("big.bin")])).Succeeded().Text);
        Assert.Equal(Length, new FileInfo(Path.Combine(stage.Folder, "rest.bin")).Length);
    }

    [Fact]
    public async Task Rclone_lists_copies_and_checks_a_whole_tree()
    {
        await using Stage stage = new();
        string files = stage.MakeFiles("tree", ("big.bin", Big), ("folder/a b.txt", "small"u8.ToArray()),
            ("folder/deep/ñ.txt", "other"u8.ToArray()));
        Edge edge = await Edge.StartAsync(stage, files, "CS1", "--listings");
        string[] remote = ["--config", "/dev/null", "--http-url", edge.Url("")];
        ToolRun run = (await ToolRun.OfAsync(stage.Folder, "rclone", ["lsf", "-R", "--files-only", .. remote, ":http:"])).Succeeded();
        Assert.Equal(["big.bin", "folder/a b.txt", "folder/deep/ñ.txt"],
            run.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
        (await ToolRun.OfAsync(stage.Folder, "rclone", ["copy", .. remote, ":http:", "copied"])).Succeeded();
        (await ToolRun.OfAsync(stage.Folder, "rclone", ["check", "--download", .. remote, ":http:", "copied"])).Succeeded();
        Assert.Equal(Big, await File.ReadAllBytesAsync(Path.Combine(stage.Folder, "copied/big.bin")));
        run = await ToolRun.OfAsync(stage.Folder, "rclone", ["cat", "--offset", "1000", "--count", "500", .. remote, ":http:big.bin"]);
        Assert.Equal(Big[1000..1500], run.Succeeded().Output);
    }
}
