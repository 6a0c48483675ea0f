using System.Net;
using System.Net.Sockets;

namespace MicroCdn.ClusterTests.Processes;

/// <summary>What happens when something runs out: descriptors, room on the disk, patience with idle peers.</summary>
public sealed class ExhaustionTests
{
    private const int Crowd = 10_000;

    // With fewer the runtime itself has not enough.
    private const int Descriptors = 256;

    [Fact]
    public async Task With_no_descriptors_for_more_callers_a_server_keeps_its_port_and_recovers_within_two_seconds()
    {
        await using Stage stage = new();
        string folder = stage.MakeFiles("one", ("a.txt", "a"u8.ToArray()), ("b.txt", "b"u8.ToArray()));
        int port = Stage.FreePort();
        await stage.IndexAsync();
        RunningProcess content = stage.Run("bash", "-c", $"ulimit -n {Descriptors} && exec \"$@\"", "microcdn", Stage.MicroCdnProgram,
            "content", "--server-id", "CS1", "--tcp-port", $"{port}", "--udp-port", $"{Stage.FreePort()}", "--files", folder,
            "--index-port", $"{stage.IndexPort}", "--monitor-udp-port", $"{stage.MonitorUdpPort}");
        await content.UntilLineAsync("CS1 registered");

        List<TcpClient> crowd = [];
        for (int n = 0; n < 300; n++)
        {
            TcpClient client = new();
            await client.ConnectAsync(IPAddress.Loopback, port);
            crowd.Add(client);
        }
        await content.UntilLineAsync("is reached with");
        foreach (TcpClient client in crowd) client.Dispose();

        await Stage.UntilAsync("it serves again", TimeSpan.FromSeconds(2), async () =>
            await Stage.ConverseAsync(port, "GET b.txt\n") == "OK 1\nb");
        Assert.False(content.HasExited);
        Assert.True(content.Output.Split("is reached with").Length < 20, "its log is flooded");
    }

    [Fact]
    public async Task Kept_handles_are_at_most_a_quarter_of_the_descriptors()
    {
        await using Stage stage = new();
        string folder = stage.MakeFiles("many", [.. Enumerable.Range(0, 100).Select(n => ($"{n}.txt", "x"u8.ToArray()))]);
        int port = Stage.FreePort();
        await stage.IndexAsync();
        RunningProcess content = stage.Run("bash", "-c", $"ulimit -n {Descriptors} && exec \"$@\"", "microcdn", Stage.MicroCdnProgram,
            "content", "--server-id", "CS1", "--tcp-port", $"{port}", "--udp-port", $"{Stage.FreePort()}", "--files", folder,
            "--index-port", $"{stage.IndexPort}", "--monitor-udp-port", $"{stage.MonitorUdpPort}");
        await content.UntilLineAsync("CS1 registered");

        using TcpClient client = new();
        await client.ConnectAsync(IPAddress.Loopback, port);
        await GetAsync(client, Enumerable.Range(0, 100));
        int kept = Directory.GetFileSystemEntries($"/proc/{content.Id}/fd")
            .Count(path => new FileInfo(path).LinkTarget?.StartsWith(folder, StringComparison.Ordinal) == true);
        Assert.InRange(kept, 1, Descriptors / 4);
    }

    private static async Task GetAsync(TcpClient client, IEnumerable<int> files)
    {
        byte[] answer = new byte[6];
        foreach (int file in files)
        {
            await client.GetStream().WriteAsync(System.Text.Encoding.UTF8.GetBytes($"GET {file}.txt\n"));
            await client.GetStream().ReadExactlyAsync(answer);
            Assert.Equal("OK 1\nx", System.Text.Encoding.UTF8.GetString(answer));
        }
    }

    [Fact]
    public async Task Ten_thousand_idle_connections_cost_at_most_twelve_KiB_each_and_leave_nothing_behind()
    {
        await using Stage stage = new();
        RunningProcess index = await stage.IndexAsync();
        // Once to warm up: what the runtime compiles and maps on the way is not what a crowd leaves behind.
        await CrowdAsync(stage.IndexPort, () => { });
        await Stage.PassAsync(TimeSpan.FromSeconds(8), "the quiet in which memory is given back");
        await Measured.OnceOfThreeAsync(async () =>
        {
            long before = index.ResidentKiB, open = 0;
            await CrowdAsync(stage.IndexPort, () => open = index.ResidentKiB);
            if ((open - before) / Crowd > 12) return $"{(open - before) / Crowd} KiB each";
            bool isBack = await Measured.HoldsAsync(
                TimeSpan.FromSeconds(20), () => index.ResidentKiB - before <= 5 * 1024);
            return isBack ? null : $"{before} KiB before, {index.ResidentKiB} KiB 20 s after: not back within 5 MiB";
        });
    }

    private static async Task CrowdAsync(int port, Action allOpen)
    {
        List<Socket> crowd = new(Crowd);
        try
        {
            for (int n = 0; n < Crowd; n++)
            {
                Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                crowd.Add(socket);
                await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port));
                await socket.SendAsync("HELLO\n"u8.ToArray());
            }
            byte[] welcome = new byte[18];
            foreach (Socket socket in crowd) Assert.Equal(18, await socket.ReceiveAsync(welcome));
            allOpen();
        }
        finally
        {
            foreach (Socket socket in crowd) socket.Dispose();
        }
    }
}
