using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>slowhttptest and thousands of idlers against a content server, and what an honest curl feels.</summary>
[Collection(AloneCollection.Name)]
[Trait("Needs", "slowhttptest")]
public sealed class SlowAttackTests
{
    // slowhttptest comes from one address, which gets 1,024 connections.
    private const int Crowd = 1000;
    private const int Addresses = 5;
    private const string Honest = "127.0.0.9";

    [Theory]
    [InlineData("-H", "slow heads")]
    [InlineData("-B", "slow bodies")]
    [InlineData("-X", "slow readers")]
    public async Task Slow_attackers_are_shed_within_a_minute_and_nobody_else_notices(string attack, string what)
    {
        await using Stage stage = new();
        Edge edge = await SparseEdgeAsync(stage);
        double quiet = await MedianAsync(stage, edge);
        long before = edge.Process.ResidentKiB;

        Task<ToolRun> attacking = ToolRun.OfAsync(stage.Folder, "slowhttptest", attack, "-c", $"{Crowd}", "-r", $"{Crowd}",
            "-i", "2", "-l", "100", "-p", "20", "-n", "1", "-z", "5", "-u", edge.Url("big.bin"));
        double worst = 0;
        while (!attacking.IsCompleted) worst = Math.Max(worst, await MedianAsync(stage, edge));

        string report = (await attacking).Text;
        Assert.True(report.Contains("No open connections left", StringComparison.Ordinal), report);
        Assert.True(worst <= 100 + (2 * quiet), $"{quiet:F1} ms before, {worst:F1} ms during {what}");
        await AssertNothingIsLeftAsync(edge, before);
    }

    [Theory]
    [InlineData("GET /", false)]
    [InlineData("GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n", true)]
    public async Task Five_thousand_from_several_addresses_are_shed_within_a_minute(string words, bool readsABit)
    {
        await using Stage stage = new();
        Edge edge = await SparseEdgeAsync(stage);
        double quiet = await MedianAsync(stage, edge);
        long before = edge.Process.ResidentKiB;
        List<Socket> crowd = await CrowdAsync(edge.HttpPort, words);
        try
        {
            long began = Stopwatch.GetTimestamp();
            long held = edge.Process.ResidentKiB - before;
            double worst = await MedianAsync(stage, edge);
            await Stage.UntilAsync("all are shed", TimeSpan.FromSeconds(100), async () =>
            {
                worst = Math.Max(worst, await MedianAsync(stage, edge));
                return ConnectionsOf(edge) < 100;
            });
            TimeSpan time = Stopwatch.GetElapsedTime(began);
            Assert.True(time < TimeSpan.FromSeconds(75), $"shed after {time}");
            Assert.True(held <= crowd.Count * 20, $"{held / crowd.Count} KiB each");
            Assert.True(worst <= 100 + (2 * quiet), $"{quiet:F1} ms before, {worst:F1} ms during");
            if (readsABit) Assert.All(crowd.Take(50), socket => Assert.True(IsReset(socket), "not reset"));
        }
        finally
        {
            foreach (Socket socket in crowd) socket.Dispose();
        }
        await AssertNothingIsLeftAsync(edge, before);
    }

    [Fact]
    public async Task One_address_gets_a_thousand_connections_and_others_are_served_meanwhile()
    {
        await using Stage stage = new();
        Edge edge = await SparseEdgeAsync(stage);
        ToolRun run = await ToolRun.OfAsync(stage.Folder, "slowhttptest", "-H", "-c", "3000", "-r", "3000", "-i", "2", "-l", "3",
            "-p", "20", "-u", edge.Url("big.bin"));
        Assert.True(ConnectionsOf(edge) <= 1100, run.Text);
        await MedianAsync(stage, edge);
    }

    [Fact]
    public async Task A_reader_far_above_1_KiB_a_second_is_never_cut()
    {
        await using Stage stage = new();
        Edge edge = await SparseEdgeAsync(stage);
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, edge.HttpPort));
        await socket.SendAsync("GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray());
        // Fast at first, so that the kernel learns to hold megabytes for it; then each of them takes minutes.
        byte[] buffer = new byte[1 << 20];
        for (int read = 0; read < 32 << 20;) read += await socket.ReceiveAsync(buffer);
        for (int seconds = 0; seconds < 75; seconds++)
        {
            Assert.True(await socket.ReceiveAsync(buffer.AsMemory(0, 8192)) > 0, $"cut after {seconds} s");
            await Stage.PassAsync(TimeSpan.FromSeconds(1), "a slow line, of which the server thinks in windows of 30 s");
        }
        // What the kernel held can be read even after a cut; what follows it cannot.
        for (long left = (64L << 20) - (34 << 20); left > 0;)
        {
            int read = await socket.ReceiveAsync(buffer);
            Assert.True(read > 0, $"cut with {left} bytes to come");
            left -= read;
        }
    }

    private static async Task<Edge> SparseEdgeAsync(Stage stage)
    {
        string files = stage.MakeFiles("one", ("small.txt", "small"u8.ToArray()));
        string big = Path.Combine(files, "big.bin");
        await using (FileStream file = File.Create(big)) file.SetLength(64 << 20);
        File.SetLastWriteTimeUtc(big, new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        return await Edge.StartAsync(stage, files);
    }

    // The median time in milliseconds of some requests, each over a new connection, from an address of its own.
    private static async Task<double> MedianAsync(Stage stage, Edge edge)
    {
        const int requests = 21;
        ToolRun run = await ToolRun.OfAsync(stage.Folder, "curl", ["--disable", "-sS", "--max-time", "60", "--interface", Honest,
            "-H", "Connection: close", "-w", "%{stderr}%{http_code} %{time_total}\n",
            .. Enumerable.Repeat(edge.Url("small.txt"), requests)]);
        string[] lines = run.Succeeded().Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(requests, lines.Count(line => line.StartsWith("200 ", StringComparison.Ordinal)));
        return lines.Select(line => double.Parse(line.AsSpan(4), CultureInfo.InvariantCulture) * 1000).Order()
            .ElementAt(requests / 2);
    }

    private static async Task<List<Socket>> CrowdAsync(int port, string words)
    {
        List<Socket> crowd = [];
        for (int n = 0; n < Addresses * Crowd; n++)
        {
            Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 2304 };
            crowd.Add(socket);
            socket.Bind(new IPEndPoint(new IPAddress([127, 0, 0, (byte)(2 + (n % Addresses))]), 0));
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port));
            await socket.SendAsync(Encoding.ASCII.GetBytes(words));
        }
        return crowd;
    }

    private static int ConnectionsOf(Edge edge) => Directory.GetFileSystemEntries($"/proc/{edge.Process.Id}/fd")
        .Count(path => new FileInfo(path).LinkTarget?.StartsWith("socket:", StringComparison.Ordinal) == true);

    private static bool IsReset(Socket socket)
    {
        byte[] buffer = new byte[64 * 1024];
        try
        {
            while (socket.Receive(buffer) > 0)
            {
                // What had come before.
            }
            return false;
        }
        catch (SocketException)
        {
            return true;
        }
    }

    private static Task AssertNothingIsLeftAsync(Edge edge, long before) =>
        Stage.UntilAsync("memory is back within 24 MiB", TimeSpan.FromSeconds(40), () =>
            Task.FromResult(edge.Process.ResidentKiB - before <= 24 * 1024));
}
