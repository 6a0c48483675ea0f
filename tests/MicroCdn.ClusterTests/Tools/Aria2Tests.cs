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
        ToolRun run = await new Fleet(stage).Aria2Async(
            ["-s", "4", "-x", "2", "-k", "1M", "--checksum", Checksum(Big), "-o", "big.bin", .. urls]);
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
        Task<ToolRun> downloading = new Fleet(stage).Aria2Async("-s", "2", "-k", "1M", "--max-overall-download-limit", "3M", "-o", "big.bin",
            one.Url("big.bin", "127.0.0.2"), two.Url("big.bin", "127.0.0.3"));
        await Stage.UntilAsync("some of it came", TimeSpan.FromSeconds(60), () =>
            Task.FromResult(new FileInfo(Path.Combine(stage.Folder, "big.bin")) is { Exists: true, Length: > 0 }));
        one.Process.Kill();
        (await downloading).Succeeded();
        Assert.Equal(Big, await File.ReadAllBytesAsync(Path.Combine(stage.Folder, "big.bin")));
    }

    [Fact]
    public async Task A_Metalink_with_a_dead_server_ends_correct()
    {
        await using Stage stage = new();
        (Fleet fleet, Edge[] servers) = await SomeAsync(stage, Big, Big);
        (await fleet.CurlAsync("-O", fleet.Url("big.bin.meta4"))).Succeeded();
        servers[0].Process.Kill();
        (await fleet.Aria2Async("-s", "4", "-k", "1M", "-M", "big.bin.meta4")).Succeeded();
        Assert.Equal(Big, await File.ReadAllBytesAsync(Got(stage)));
        Assert.Contains($"Connecting to 127.0.0.2:{servers[0].HttpPort}", await File.ReadAllTextAsync(Log(stage)),
            StringComparison.Ordinal);
    }

    // Issue 4: by the digests of the pieces aria2 fetches what is wrong from another server.
    [Theory]
    [InlineData("big.bin")]
    [InlineData("big.bin.meta4")]
    public async Task A_Metalink_with_one_dead_and_one_corrupt_server_ends_correct(string asked)
    {
        await using Stage stage = new();
        (Fleet fleet, Edge[] servers) = await SomeAsync(stage, Big, Big, Big);
        await RotAsync(Path.Combine(servers[0].Files, "big.bin"));
        servers[1].Process.Kill();
        for (int time = 0; time < 3; time++)
        {
            ToolRun run = await fleet.Aria2Async("-s", "4", "-k", "1M", "--follow-metalink=mem", fleet.Url(asked));
            run.Succeeded();
            Assert.Equal(Big, await File.ReadAllBytesAsync(Got(stage)));
        }
    }

    [Fact]
    public async Task It_follows_the_links_of_a_redirect_to_all_servers_and_verifies_the_digest()
    {
        await using Stage stage = new();
        (Fleet fleet, Edge[] servers) = await SomeAsync(stage, Big, Big);
        (await fleet.Aria2Async("-s", "4", "-k", "1M", "--header=Accept: */*", fleet.Url("big.bin"))).Succeeded();
        Assert.Equal(Big, await File.ReadAllBytesAsync(Got(stage)));
        string log = await File.ReadAllTextAsync(Log(stage));
        Assert.Contains("HTTP/1.1 302 Found", log, StringComparison.Ordinal);
        Assert.Contains($"Host: 127.0.0.2:{servers[0].HttpPort}", log, StringComparison.Ordinal);
        Assert.Contains($"Host: 127.0.0.3:{servers[1].HttpPort}", log, StringComparison.Ordinal);
        Assert.Contains("Verification finished successfully", log, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("big.bin", "--header=Accept: */*")]
    [InlineData("big.bin", "--follow-metalink=mem")]
    [InlineData("big.bin.meta4", "--follow-metalink=mem")]
    public async Task A_server_whose_bytes_rotted_is_noticed(string asked, string option)
    {
        await using Stage stage = new();
        (Fleet fleet, Edge[] servers) = await SomeAsync(stage, Big, Big);
        await RotAsync(Path.Combine(servers[0].Files, "big.bin"));
        ToolRun run = await fleet.Aria2Async("-s", "4", "-k", "1M", option, fleet.Url(asked));
        if (run.Code == 0) Assert.Equal(Big, await File.ReadAllBytesAsync(Got(stage)));
        await RotAsync(Path.Combine(servers[1].Files, "big.bin"));
        run = await fleet.Aria2Async("-s", "4", "-k", "1M", "-o", "again.bin", option, fleet.Url(asked));
        Assert.NotEqual(0, run.Code);
    }

    private static async Task<(Fleet Fleet, Edge[] Servers)> SomeAsync(Stage stage, params byte[][] copies)
    {
        Fleet fleet = await Fleet.StartAsync(stage);
        List<Edge> servers = [];
        foreach (byte[] copy in copies)
        {
            servers.Add(await fleet.AddAsync(stage.MakeFiles($"files{servers.Count}", ("big.bin", copy))));
        }
        await fleet.UntilOfferedAsync("big.bin", copies.Length);
        // What rots before its server has read it was never anything else to that server, and may win a tie.
        foreach (Edge server in servers) await server.Process.UntilSaidAsync("computed 1 digests");
        return (fleet, [.. servers]);
    }

    // One bit in the middle, as a disk does it: size and time stay.
    private static async Task RotAsync(string path)
    {
        DateTime time = File.GetLastWriteTimeUtc(path);
        await using (FileStream file = File.OpenWrite(path))
        {
            file.Position = Length / 2;
            file.WriteByte((byte)(Big[Length / 2] ^ 1));
        }
        File.SetLastWriteTimeUtc(path, time);
    }

    private static string Got(Stage stage) => Path.Combine(stage.Folder, "big.bin");

    private static string Log(Stage stage) => Path.Combine(stage.Folder, "aria2.log");

    private static string Checksum(byte[] bytes) => $"sha-256={Convert.ToHexStringLower(SHA256.HashData(bytes))}";
}
