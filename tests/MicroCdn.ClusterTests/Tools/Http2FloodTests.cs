using MicroCdn.ClusterTests.Processes;
using static MicroCdn.ClusterTests.Tools.Http2Client;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>HTTP/2 connections that send only work for others are cut, and the others are served meanwhile.</summary>
[Collection(AloneCollection.Name)]
public sealed class Http2FloodTests(Http2FloodTests.Server server) : IClassFixture<Http2FloodTests.Server>
{
    // Five seconds by the issue; the machine may be slow.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(15);

    [Theory]
    [InlineData("PING")]
    [InlineData("SETTINGS")]
    [InlineData("PRIORITY")]
    [InlineData("rapid reset")]
    [InlineData("CONTINUATION")]
    [InlineData("empty CONTINUATION")]
    [InlineData("windows of no use")]
    [InlineData("crumbs of windows")]
    [InlineData("empty DATA")]
    [InlineData("unknown frames")]
    [InlineData("broken windows")]
    public async Task A_flood_is_cut_and_others_are_served_meanwhile(string flood)
    {
        using Http2Client client = await OpenAsync(server.Edge.HttpsPort,
            flood == "crumbs of windows" ? Setting(4, 1) : []);
        int stream = 1;
        await client.SendAsync(flood switch
        {
            "CONTINUATION" or "empty CONTINUATION" => Get("/big.bin", 1, EndStream),
            "empty DATA" => Get("/small.txt", 1, EndHeaders),
            "crumbs of windows" => Repeat(50, () => Get("/big.bin", (stream += 2) - 2)),
            _ => [],
        });
        byte[] Next() => flood switch
        {
            "PING" => Repeat(100, () => Frame(Ping, 0, 0, new byte[8])),
            "SETTINGS" => Repeat(100, () => Frame(Http2Client.Settings, 0, 0)),
            "PRIORITY" => Repeat(100, () => Frame(Priority, 0, 1, 0, 0, 0, 0, 1)),
            "rapid reset" => Repeat(50, () =>
            [
                .. Get("/big.bin", stream), .. Frame(Reset, 0, (stream += 2) - 2, 0, 0, 0, 8),
            ]),
            "CONTINUATION" => Repeat(50, () => Frame(Continuation, 0, 1, 0, 1, (byte)'a', 1, (byte)'b')),
            "empty CONTINUATION" => Repeat(50, () => Frame(Continuation, 0, 1)),
            "windows of no use" => Repeat(1000, () => Frame(WindowUpdate, 0, 0, 0, 0, 0, 1)),
            "crumbs of windows" => Repeat(50, number => Frame(WindowUpdate, 0, (2 * number) + 1, 0, 0, 0, 1)),
            "empty DATA" => Repeat(100, () => Frame(Data, 0, 1)),
            "broken windows" => Repeat(20, () =>
            [
                .. Get("/big.bin", stream), .. Frame(WindowUpdate, 0, (stream += 2) - 2, 0, 0, 0, 0),
            ]),
            _ => Repeat(100, () => Frame(Unknown, 0, 0)),
        };
        Task<TimeSpan?> flooding = client.FloodAsync(Next, Limit);
        do await server.AssertServesAsync();
        while (!flooding.IsCompleted);
        Assert.NotNull(await flooding);
        await server.AssertServesAsync();
    }

    [Fact]
    public async Task Streams_that_get_no_window_are_cut_and_others_are_served_meanwhile()
    {
        using Http2Client client = await OpenAsync(server.Edge.HttpsPort, Setting(4, 0));
        int stream = 1;
        await client.SendAsync(Repeat(100, () => Get("/big.bin", (stream += 2) - 2)));
        Task<TimeSpan?> cut = client.UntilCutAsync(Limit);
        await server.AssertServesAsync();
        Assert.NotNull(await cut);
    }

    [Theory]
    [InlineData("small.txt", 3000, 30)]
    [InlineData("big.bin", 40, 30)]
    [InlineData("big.bin", 40, 12)]
    public async Task Hundreds_of_streams_that_want_their_files_are_no_flood(string file, int requests, int windowBits)
    {
        ToolRun run = await ToolRun.OfAsync(Path.GetTempPath(), "h2load", "-n", $"{requests}", "-c", "2", "-m", "20",
            "-w", $"{windowBits}", server.Edge.SecureUrl(file));
        Assert.Contains($" {requests} succeeded, 0 failed, 0 errored, 0 timeout", run.Succeeded().Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_floods_leave_behind_is_given_back()
    {
        // Once for what the runtime compiles and maps on the way.
        await FloodsAsync();
        await Stage.PassAsync(TimeSpan.FromSeconds(7), "the quiet in which memory is given back");
        long before = server.Edge.Process.ResidentKiB;
        await FloodsAsync();
        await Stage.UntilAsync("memory is back within 16 MiB", TimeSpan.FromSeconds(40), () =>
            Task.FromResult(server.Edge.Process.ResidentKiB - before <= 16 * 1024));

        async Task FloodsAsync()
        {
            for (int times = 0; times < 20; times++)
            {
                using Http2Client client = await OpenAsync(server.Edge.HttpsPort, []);
                int stream = 1;
                Assert.NotNull(await client.FloodAsync(
                    () => [.. Get("/big.bin", stream), .. Frame(Reset, 0, (stream += 2) - 2, 0, 0, 0, 8)], Limit));
            }
        }
    }

    private static byte[] Repeat(int times, Func<byte[]> make) => Repeat(times, _ => make());

    private static byte[] Repeat(int times, Func<int, byte[]> make) => [.. Enumerable.Range(0, times).SelectMany(make)];

    /// <summary>One server, and an honest client of it.</summary>
    public sealed class Server : IAsyncLifetime
    {
        private readonly Stage _stage = new();

        internal Edge Edge { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Edge = await Edge.StartAsync(_stage, _stage.MakeFiles("one",
            ("big.bin", Stage.Noise(2_000_000)), ("small.txt", "small"u8.ToArray())));

        public ValueTask DisposeAsync() => _stage.DisposeAsync();

        internal async Task AssertServesAsync()
        {
            ToolRun run = await ToolRun.OfAsync(_stage.Folder, "curl", "--disable", "-sS", "--max-time", "20", "--http2",
                "--cacert", Edge.Certificate, Edge.SecureUrl("small.txt"));
            Assert.Equal("small", run.Succeeded().Text);
        }
    }
}
