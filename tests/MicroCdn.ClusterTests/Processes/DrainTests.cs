using System.Net;
using System.Net.Sockets;

namespace MicroCdn.ClusterTests.Processes;

/// <summary>A real fleet: servers are taken out by hand, or ask to leave, and clients go elsewhere.</summary>
public sealed class DrainTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);

    [Fact]
    public async Task A_drained_server_gets_nobody_until_it_is_resumed_also_when_it_or_the_monitor_is_started_again()
    {
        await using Stage stage = new();
        string[] monitor = ["--monitor-tcp-port", $"{stage.MonitorTcpPort}"];
        int port = Stage.FreePort();
        (RunningProcess content, string folder, RunningProcess watching) = await FleetAsync(stage, port);

        RunningProcess drain = stage.MicroCdn(["drain", "CS1", .. monitor]);
        Assert.Equal(0, await drain.UntilEndAsync());
        Assert.Contains("CS1 drains", drain.Output, StringComparison.Ordinal);
        await UntilStateAsync(stage.MonitorTcpPort, "CS1", "dead");
        await UntilStateAsync(stage.IndexPort, "CS1", "dead");
        for (int n = 0; n < 10; n++)
        {
            Assert.Contains(" CS2 ", await Stage.ConverseAsync(stage.IndexPort, "GET a.txt\n"), StringComparison.Ordinal);
        }

        content.AskToEnd();
        Assert.Equal(0, await content.UntilEndAsync());
        await stage.RegisteredContentAsync("CS1", folder, port);
        await Stage.PassAsync(TimeSpan.FromSeconds(2), "it has beaten, and the index has looked");
        await UntilStateAsync(stage.MonitorTcpPort, "CS1", "dead");
        await UntilStateAsync(stage.IndexPort, "CS1", "dead");

        watching.Kill();
        await watching.UntilEndAsync();
        await stage.MonitorAsync();
        await Stage.PassAsync(TimeSpan.FromSeconds(2), "the restarted monitor has heard it");
        await UntilStateAsync(stage.MonitorTcpPort, "CS1", "dead");
        await UntilStateAsync(stage.IndexPort, "CS1", "dead");

        RunningProcess resume = stage.MicroCdn(["resume", "CS1", .. monitor]);
        Assert.Equal(0, await resume.UntilEndAsync());
        Assert.Contains("CS1 is back in rotation", resume.Output, StringComparison.Ordinal);
        await UntilStateAsync(stage.MonitorTcpPort, "CS1", "alive");
        await UntilStateAsync(stage.IndexPort, "CS1", "alive");
    }

    [Fact]
    public async Task The_verbs_say_in_a_sentence_and_a_code_why_they_could_not()
    {
        await using Stage stage = new();
        string[] monitor = ["--monitor-tcp-port", $"{stage.MonitorTcpPort}"];
        Assert.Equal((4, true), await SaysAsync("cannot be reached", ["drain", "CS1", .. monitor]));
        await stage.MonitorAsync();
        Assert.Equal((3, true), await SaysAsync("knows no server 'CS1'", ["resume", "CS1", .. monitor]));
        Assert.Equal((7, true), await SaysAsync("cannot be reached",
            ["drain", "CS1", .. monitor, "--monitor", $"127.0.0.1:{Stage.FreePort()}"]));
        Assert.Equal((2, true), await SaysAsync("drain wants a server's id", ["drain", "", .. monitor]));
        Assert.Equal((2, true), await SaysAsync("HOST:TCP:UDP", ["drain", "CS1", "--monitor", "here"]));
        using TcpListener old = new(IPAddress.Loopback, 0);
        old.Start();
        Task closing = Task.Run(async () => (await old.AcceptSocketAsync()).Close());
        Assert.Equal((1, true), await SaysAsync("speaks version 1",
            ["drain", "CS1", "--monitor-tcp-port", $"{((IPEndPoint)old.LocalEndpoint).Port}"]));
        await closing;

        async Task<(int, bool)> SaysAsync(string part, string[] arguments)
        {
            RunningProcess verb = stage.MicroCdn(arguments);
            int code = await verb.UntilEndAsync();
            return (code, verb.Output.Contains(part, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task A_server_that_leaves_is_out_of_rotation_at_once_and_still_sends_what_it_began()
    {
        await using Stage stage = new();
        int port = Stage.FreePort();
        (RunningProcess content, string folder, _) = await FleetAsync(stage, port);
        using TcpClient client = new();
        await client.ConnectAsync(IPAddress.Loopback, port);
        await client.GetStream().WriteAsync("GET big.bin\n"u8.ToArray());
        await client.GetStream().ReadExactlyAsync(new byte[1000]);

        content.AskToEnd();
        await content.UntilLineAsync("CS1 leaves");
        await UntilStateAsync(stage.MonitorTcpPort, "CS1", "dead");
        await UntilStateAsync(stage.IndexPort, "CS1", "dead");
        Assert.False(content.HasExited);
        Assert.DoesNotContain("CS1 is dead", content.Output, StringComparison.Ordinal);

        byte[] buffer = new byte[1 << 20];
        while (await client.GetStream().ReadAsync(buffer) > 0)
        {
            // All of it: the end is what counts.
            if (client.Available == 0 && content.HasExited) break;
        }
        Assert.Equal(0, await content.UntilEndAsync());
        await stage.RegisteredContentAsync("CS1", folder, port);
        await UntilStateAsync(stage.MonitorTcpPort, "CS1", "alive");
        await UntilStateAsync(stage.IndexPort, "CS1", "alive");
    }

    // Two servers with the same files, known to index and monitor.
    private static async Task<(RunningProcess Content, string Folder, RunningProcess Monitor)> FleetAsync(Stage stage, int port)
    {
        string folder = stage.MakeFiles("one", ("a.txt", "a"u8.ToArray()));
        await using (FileStream big = new(Path.Combine(folder, "big.bin"), FileMode.CreateNew)) big.SetLength(200L << 20);
        File.SetLastWriteTimeUtc(Path.Combine(folder, "big.bin"), new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        await stage.IndexAsync();
        RunningProcess monitor = await stage.MonitorAsync();
        RunningProcess content = await stage.RegisteredContentAsync("CS1", folder, port);
        await stage.RegisteredContentAsync("CS2", folder, Stage.FreePort());
        foreach (string id in new[] { "CS1", "CS2" })
        {
            await UntilStateAsync(stage.MonitorTcpPort, id, "alive");
            await UntilStateAsync(stage.IndexPort, id, "alive");
        }
        return (content, folder, monitor);
    }

    private static Task UntilStateAsync(int port, string id, string state) =>
        Stage.UntilAsync($"{id} is {state} at {port}", Soon, async () =>
            (await Stage.ConverseAsync(port, "LIST_SERVERS\n")).Split('\n')
                .Any(row => row.StartsWith($"SERVER {id} ", StringComparison.Ordinal)
                    && row.EndsWith($" {state}", StringComparison.Ordinal)));
}
