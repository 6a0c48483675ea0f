using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>A real process writes its log as it is told, and with levels where its output is the journal's.</summary>
[Trait("Needs", "bash")]
public sealed class JournalTests
{
    [Fact]
    public async Task As_JSON_every_line_is_an_object_and_a_wrong_format_is_a_sentence()
    {
        await using Stage stage = new();
        RunningProcess monitor = await stage.MonitorAsync("--log-format", "json");
        monitor.AskToEnd();
        Assert.Equal(0, await monitor.UntilEndAsync());
        foreach (string line in monitor.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using JsonDocument json = JsonDocument.Parse(line);
            Assert.Equal(JsonValueKind.String, json.RootElement.GetProperty("message").ValueKind);
        }
        RunningProcess wrong = stage.MicroCdn("monitor", "--log-format", "xml");
        Assert.Equal(2, await wrong.UntilEndAsync());
        Assert.Contains("--log-format wants 'text' or 'json', not 'xml'.", wrong.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_the_output_is_the_journals_socket_lines_begin_with_their_level()
    {
        await using Stage stage = new();
        using TcpListener journal = new(IPAddress.Loopback, 0);
        journal.Start();
        string command = $"exec 3>/dev/tcp/127.0.0.1/{((IPEndPoint)journal.LocalEndpoint).Port}; "
            + "inode=$(stat -L -c %i /proc/$$/fd/3); "
            + $"JOURNAL_STREAM=8:$inode exec {Stage.MicroCdnProgram} monitor --tcp-port {Stage.FreePort()} "
            + $"--udp-port {Stage.FreePort()} >&3";
        RunningProcess monitor = stage.Run("bash", "-c", command);
        using CancellationTokenSource late = new(TimeSpan.FromSeconds(60));
        using TcpClient client = await journal.AcceptTcpClientAsync(late.Token);
        using StreamReader lines = new(client.GetStream());
        Assert.Matches("^<[3-6]>[0-9:]{8} monitor: ", await lines.ReadLineAsync(late.Token));
        monitor.AskToEnd();
        Assert.Equal(0, await monitor.UntilEndAsync());
    }
}
