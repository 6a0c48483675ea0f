using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MicroCdn.ClusterTests.Processes;

/// <summary>A real content server is asked to end while it sends.</summary>
public sealed class LeavingProcessTests
{
    private const long Size = 1L << 30;

    [Theory]
    [InlineData("GET big.img\n", false)]
    [InlineData("GET /big.img HTTP/1.1\r\nHost: x\r\n\r\n", true)]
    public async Task A_download_of_a_GiB_ends_whole_after_SIGTERM_and_the_server_then_exits_0(string get, bool http)
    {
        await using Stage stage = new();
        int port = Stage.FreePort(), httpPort = Stage.FreePort();
        RunningProcess content = await StartAsync(stage, port, httpPort);
        using TcpClient client = new();
        await client.ConnectAsync(IPAddress.Loopback, http ? httpPort : port);
        NetworkStream stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(get));
        byte[] buffer = new byte[1 << 20];
        int got = await stream.ReadAsync(buffer);
        int body = http ? buffer.AsSpan(0, got).IndexOf("\r\n\r\n"u8) + 4 : buffer.AsSpan(0, got).IndexOf((byte)'\n') + 1;
        Assert.True(body > 0);

        content.AskToEnd();
        await content.UntilLineAsync("CS1 leaves: 1 transfers");
        await Stage.PassAsync(TimeSpan.FromSeconds(1), "a server that does not wait would be gone by then");
        Assert.False(content.HasExited);
        string answer = await Stage.ConverseAsync(port, "GET small.txt\n");
        Assert.Equal("ERROR UNAVAILABLE\n", answer);
        Assert.StartsWith("HTTP/1.1 503 ", await Stage.ConverseAsync(
            httpPort, "GET /small.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), StringComparison.Ordinal);

        long total = got - body;
        while (total < Size && await stream.ReadAsync(buffer) is > 0 and int read) total += read;
        Assert.Equal(Size, total);
        long ended = Stopwatch.GetTimestamp();
        Assert.Equal(0, await content.UntilEndAsync());
        Assert.InRange(Stopwatch.GetElapsedTime(ended), TimeSpan.Zero, TimeSpan.FromSeconds(5));
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task A_second_signal_ends_the_server_at_once(bool isControlC)
    {
        await using Stage stage = new();
        int port = Stage.FreePort();
        RunningProcess content = await StartAsync(stage, port, Stage.FreePort());
        using TcpClient client = new();
        await client.ConnectAsync(IPAddress.Loopback, port);
        await client.GetStream().WriteAsync("GET big.img\n"u8.ToArray());
        await client.GetStream().ReadExactlyAsync(new byte[1000]);
        content.AskToEnd();
        await content.UntilLineAsync("CS1 leaves");
        await Stage.PassAsync(TimeSpan.FromSeconds(0.5), "the download keeps the server");
        Assert.False(content.HasExited);
        if (isControlC) content.PressControlC();
        else content.AskToEnd();
        Assert.NotEqual(0, await content.UntilEndAsync(TimeSpan.FromSeconds(5)));
    }

    [Fact]
    public async Task Without_a_transfer_it_ends_as_soon_as_the_news_has_travelled()
    {
        await using Stage stage = new();
        RunningProcess content = await StartAsync(stage, Stage.FreePort(), Stage.FreePort());
        long began = Stopwatch.GetTimestamp();
        content.AskToEnd();
        Assert.Equal(0, await content.UntilEndAsync());
        // A quarter of a second, and what a busy machine adds.
        Assert.InRange(Stopwatch.GetElapsedTime(began).TotalSeconds, 0.25, 5);
    }

    private static async Task<RunningProcess> StartAsync(Stage stage, int port, int httpPort)
    {
        string folder = stage.MakeFiles("one", ("small.txt", "small"u8.ToArray()));
        string path = Path.Combine(folder, "big.img");
        await using (FileStream big = new(path, FileMode.CreateNew)) big.SetLength(Size);
        File.SetLastWriteTimeUtc(path, new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        await stage.IndexAsync();
        return await stage.RegisteredContentAsync("CS1", folder, port, "--http-port", $"{httpPort}");
    }
}
