using System.Text.Json;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>The access log of a real content server: goaccess reads it as docs/logs.md says, and it can be
/// rotated.</summary>
[Trait("Needs", "goaccess")]
public sealed class AccessLogTests
{
    [Theory]
    [InlineData("combined", "access.log")]
    [InlineData("json", "access.json")]
    public async Task Goaccess_accepts_every_line(string form, string name)
    {
        await using Stage stage = new();
        string log = Path.Combine(stage.Folder, name);
        Edge edge = await Edge.StartAsync(stage, stage.MakeFiles("files", ("a.bin", Stage.Noise(1_000))), "CS1",
            "--access-log", log, "--access-log-format", form);
        await ToolRun.OfAsync(stage.Folder, "curl", "-sk", "-o", "/dev/null", "--http1.1", edge.Url("a.bin?q=%22"));
        await ToolRun.OfAsync(stage.Folder, "curl", "-sk", "-o", "/dev/null", "--http2", edge.SecureUrl("a.bin"));
        await ToolRun.OfAsync(stage.Folder, "curl", "-sk", "-o", "/dev/null", "-I", edge.Url("not-there"));
        await ToolRun.OfAsync(stage.Folder, "curl", "-sk", "-o", "/dev/null", "-H", "User-Agent: \" - \\ \u00fc",
            "-H", "Referer: \"[]\" {", edge.Url("a.bin"));
        await ToolRun.OfAsync(stage.Folder, "curl", "-sk", "-o", "/dev/null", "--http1.0", edge.Url("last"));
        await UntilToldAsync(log, "/last");
        string command = Command(name).Replace("report.html", "report.json", StringComparison.Ordinal);
        (await ToolRun.OfAsync(stage.Folder, "bash", "-c", $"{command} --no-global-config")).Succeeded();
        using JsonDocument report = JsonDocument.Parse(
            await File.ReadAllBytesAsync(Path.Combine(stage.Folder, "report.json")));
        JsonElement general = report.RootElement.GetProperty("general");
        Assert.Equal(File.ReadAllLines(log).Length, general.GetProperty("valid_requests").GetInt32());
        Assert.Equal(0, general.GetProperty("failed_requests").GetInt32());
        Assert.Equal("127.0.0.1", report.RootElement.GetProperty("vhosts").GetProperty("data")[0]
            .GetProperty("data").GetString()!.Split(':')[0]);
    }

    [Fact]
    public async Task Who_rotates_logs_ends_no_monitor_that_has_none()
    {
        await using Stage stage = new();
        RunningProcess monitor = await stage.MonitorAsync("--data", stage.MakeFolder("monitor"));
        for (int time = 0; time < 3; time++) monitor.HangUp();
        Assert.Equal("WELCOME MICRO-CDN 2\n", await Stage.ConverseAsync(stage.MonitorTcpPort, "HELLO 2\n"));
        Assert.False(monitor.HasExited);
    }

    [Fact]
    public async Task A_log_that_was_moved_away_goes_on_in_a_new_file_at_SIGHUP()
    {
        await using Stage stage = new();
        string log = Path.Combine(stage.Folder, "access.log");
        Edge edge = await Edge.StartAsync(stage, stage.MakeFiles("files", ("a.bin", Stage.Noise(1_000))), "CS1",
            "--access-log", log);
        await AskAsync(stage, edge, "one");
        await UntilToldAsync(log, "/one");
        File.Move(log, log + ".1");
        // As long as nobody says so, the file that was moved is the log.
        await AskAsync(stage, edge, "two");
        await UntilToldAsync(log + ".1", "/two");
        edge.Process.HangUp();
        await Stage.UntilAsync("there is a new log", TimeSpan.FromSeconds(30), () => Task.FromResult(File.Exists(log)));
        await AskAsync(stage, edge, "three");
        await UntilToldAsync(log, "/three");
        Assert.DoesNotContain("/three", await File.ReadAllTextAsync(log + ".1"), StringComparison.Ordinal);
        // The last lines are written before the process ends.
        await AskAsync(stage, edge, "four");
        edge.Process.AskToEnd();
        Assert.Equal(0, await edge.Process.UntilEndAsync());
        Assert.Contains("/four", await File.ReadAllTextAsync(log), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_disk_that_is_full_ends_nothing_and_is_said()
    {
        await using Stage stage = new();
        Edge edge = await Edge.StartAsync(stage, stage.MakeFiles("files", ("a.bin", Stage.Noise(1_000))), "CS1",
            "--access-log", "/dev/full");
        await edge.Process.UntilSaidAsync("missing in the access log");
        Assert.StartsWith("HTTP/1.1 200", await edge.HeadOfAsync("a.bin"), StringComparison.Ordinal);
        Assert.Contains("No space left on device", edge.Process.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_log_that_cannot_be_opened_ends_the_start_with_one_sentence()
    {
        await using Stage stage = new();
        RunningProcess process = stage.Content("CS1", stage.MakeFiles("files", ("a.bin", [1])), Stage.FreePort(),
            "--http-port", $"{Stage.FreePort()}", "--access-log", "/no/such/folder/log");
        Assert.Equal(2, await process.UntilEndAsync());
        Assert.Contains("the access log cannot be written", process.Output, StringComparison.Ordinal);
        Assert.Contains("No such file or directory", process.Output, StringComparison.Ordinal);
    }

    private static async Task AskAsync(Stage stage, Edge edge, string path) => (await ToolRun.OfAsync(
        stage.Folder, "curl", "-s", "-o", "/dev/null", edge.Url(path))).Succeeded();

    private static Task UntilToldAsync(string log, string path) => Stage.UntilAsync($"{path} is in {log}",
        TimeSpan.FromSeconds(30), async () => File.Exists(log)
            && (await File.ReadAllTextAsync(log)).Contains(path, StringComparison.Ordinal));

    private static string Command(string name)
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "MicroCdn.slnx"))) folder = Path.GetDirectoryName(folder)!;
        return File.ReadLines(Path.Combine(folder, "docs/logs.md"))
            .Single(line => line.StartsWith($"goaccess {name} ", StringComparison.Ordinal));
    }
}
