using System.Text.Json;

namespace MicroCdn.ClusterTests.Processes;

/// <summary>The verbs that ask the admin port, of a real index with a monitor and two servers.</summary>
public sealed class AdminVerbTests : IAsyncLifetime
{
    private readonly Stage _stage = new();
    private readonly string[] _ports = [$"{Stage.FreePort()}", $"{Stage.FreePort()}"];

    private string Admin => $"http://127.0.0.1:{_stage.AdminPort}";

    public async ValueTask InitializeAsync()
    {
        await _stage.MonitorAsync();
        await _stage.IndexAsync("--http-port", $"{Stage.FreePort()}", "--notify-command", "true",
            "--notify", $"http://127.0.0.1:{Stage.FreePort()}/hook?key=SECRET");
        await Stage.UntilAsync("the first token is there", TimeSpan.FromSeconds(20), () => Task.FromResult(
            File.Exists(Path.Combine(_stage.DataFolder, "microcdn", "index", "admin.token"))));
        string files = _stage.MakeFiles("files", ("hello.txt", [1, 2]));
        await Task.WhenAll(_ports.Select((port, n) => _stage.RegisteredContentAsync(
            $"CS{n + 1}", files, int.Parse(port, System.Globalization.CultureInfo.InvariantCulture),
            "--http-port", $"{Stage.FreePort()}")));
    }

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Fact]
    public async Task The_daily_questions_have_answers_for_people_and_for_scripts()
    {
        string explained = await SaysAsync(0, "explain", "hello.txt", "--from", "203.0.113.9");
        Assert.StartsWith("203.0.113.9 is ", explained, StringComparison.Ordinal);
        Assert.Contains("2 copies", explained, StringComparison.Ordinal);
        Assert.Contains("chosen", explained, StringComparison.Ordinal);
        using JsonDocument told = JsonDocument.Parse(await SaysAsync(0, "explain", "hello.txt", "--json"));
        Assert.Equal(2, told.RootElement.GetProperty("candidates").GetArrayLength());
        Assert.Equal("microcdn: No server has 'nothing', and none pulls it from an origin.",
            await SaysAsync(3, "explain", "nothing"));

        string top = await SaysAsync(0, "top");
        Assert.StartsWith("2 servers (2 ", top, StringComparison.Ordinal);
        Assert.DoesNotContain("\e", top, StringComparison.Ordinal);
        using JsonDocument facts = JsonDocument.Parse(await SaysAsync(0, "top", "--json"));
        Assert.Equal(2, facts.RootElement.GetProperty("servers").GetArrayLength());

        string tested = await SaysAsync(7, "notify", "test");
        Assert.Contains("true", tested, StringComparison.Ordinal);
        Assert.Contains("Connection refused", tested, StringComparison.Ordinal);
        Assert.DoesNotContain("SECRET", tested, StringComparison.Ordinal);
        string[] logs = (await SaysAsync(0, "logs", "--since", "1h", "--kind", "test", "--json")).Split('\n');
        Assert.Equal("test", JsonDocument.Parse(logs.Single()).RootElement.GetProperty("kind").GetString());
        Assert.Contains("CS1", await SaysAsync(0, "events", "--kind", "server"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Logs_go_on_with_each_event_once_until_Ctrl_C()
    {
        RunningProcess logs = _stage.MicroCdn("logs", "--follow", "--kind", "test", "--admin", Admin);
        await SaysAsync(7, "notify", "test");
        await logs.UntilLineAsync("test");
        Assert.Single(logs.Output.Split('\n'), line => line.Contains(" test ", StringComparison.Ordinal));
        logs.PressControlC();
        Assert.Equal(130, await logs.UntilEndAsync());
    }

    [Fact]
    public async Task A_wrong_token_a_wrong_port_and_a_wrong_file_say_what_to_do()
    {
        await File.WriteAllTextAsync(Path.Combine(_stage.Folder, "other"),
            "microcdn_0123456789ab_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG\n");
        Assert.Contains("does not know the token in 'other'",
            await SaysAsync(1, "top", "--token-file", "other"), StringComparison.Ordinal);
        Assert.StartsWith("microcdn: the token cannot be read from 'none': ",
            await SaysAsync(1, "top", "--token-file", "none"), StringComparison.Ordinal);
        RunningProcess top = _stage.MicroCdn("top", "--admin", $"http://127.0.0.1:{Stage.FreePort()}");
        Assert.Equal(4, await top.UntilEndAsync());
        Assert.Contains("Is it running, with this --admin-port?", top.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_doctor_finds_nothing_wrong_with_a_fleet_that_is_well_and_names_what_is_not()
    {
        string well = "";
        // Where its line port and its monitor are, the index tells itself.
        // The monitor may not have told of both yet.
        await Stage.UntilAsync("CS1 and CS2 are alive", TimeSpan.FromSeconds(20), async () =>
        {
            well = await SaysAsync(0, "doctor");
            return well.Split('\n').Count(line =>
                line.Contains(" is alive, and its line port at 127.0.0.1:", StringComparison.Ordinal)) == 2;
        });
        Assert.Contains(" 0 errors", well, StringComparison.Ordinal);
        using JsonDocument report = JsonDocument.Parse(await SaysAsync(1,
            "doctor", "--json", "--monitor", $"127.0.0.1:{Stage.FreePort()}"));
        JsonElement wrong = report.RootElement.GetProperty("checks").EnumerateArray()
            .Single(check => check.GetProperty("level").GetString() == "error");
        Assert.Equal("monitor", wrong.GetProperty("about").GetString());
        Assert.StartsWith("microcdn monitor --tcp-port ", wrong.GetProperty("mend").GetString(),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task On_a_terminal_top_is_drawn_again_and_again_and_leaves_it_as_it_was(bool isInterrupted)
    {
        // What the terminal makes of Ctrl-C.
        string end = isInterrupted ? "printf '\\003' >&3" : "printf q >&3";
        RunningProcess shell = _stage.Run("bash", "-c", "mkfifo keys.fifo; "
            + $"timeout 20 script -qec '{Stage.MicroCdnProgram} top --admin {Admin}' /dev/null < keys.fifo > screen & "
            + "exec 3> keys.fifo; for n in $(seq 200); do grep -q 'q ends' screen && break; sleep 0.05; done; printf r >&3; "
            + $"for n in $(seq 200); do grep -qF 'REQ/S*' screen && break; sleep 0.05; done; {end}; wait $!; echo code $?");
        Assert.Equal(0, await shell.UntilEndAsync());
        string screen = await File.ReadAllTextAsync(Path.Combine(_stage.Folder, "screen"));
        Assert.Contains("\e[?1049h", screen, StringComparison.Ordinal);
        Assert.Contains("\e[?25h\e[?1049l", screen, StringComparison.Ordinal);
        Assert.Contains(isInterrupted ? "code 130" : "code 0", shell.Output, StringComparison.Ordinal);
    }

    private async Task<string> SaysAsync(int code, params string[] words)
    {
        RunningProcess verb = _stage.MicroCdn([.. words, "--admin", Admin]);
        int ended = await verb.UntilEndAsync();
        Assert.True(ended == code, $"{string.Join(' ', words)}: {ended} and {verb.Output}");
        return verb.Output;
    }
}
