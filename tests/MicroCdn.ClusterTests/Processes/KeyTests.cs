namespace MicroCdn.ClusterTests.Processes;

/// <summary>Keys, tokens and joining as an operator meets them.</summary>
public sealed class KeyTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_server_joins_by_one_pasted_line_and_no_secret_is_seen()
    {
        await using Stage stage = new();
        string folder = stage.MakeFiles("files", ("hello.txt", "Hello\n"u8.ToArray()));
        await EndsWell(stage.MicroCdn("key", "new", "--out", "cluster.key"));
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(PathOf(stage, "cluster.key")));
        RunningProcess index = await stage.IndexAsync("--key-file", "cluster.key");
        RunningProcess monitor = await stage.MonitorAsync("--key-file", "cluster.key");

        string join = $"microcdn key token --key-file cluster.key --server-id CS4 | tee token "
            + $"| microcdn key join localhost:{stage.IndexPort} --out cs4.key";
        RunningProcess shell = stage.Run("sh", "-c",
            join.Replace("microcdn key", $"{Stage.MicroCdnProgram} key", StringComparison.Ordinal));
        await EndsWell(shell);
        RunningProcess content = await stage.RegisteredContentAsync(
            "CS4", folder, Stage.FreePort(), "--key-file", "cs4.key");
        await Stage.UntilAsync("the monitor holds its tether", Patience, () =>
            Task.FromResult(content.Output.Contains("holds the tether of CS4", StringComparison.Ordinal)));
        (int code, string output) = await stage.GetAsync("hello.txt");
        Assert.True(code == 0, output);

        // The same token once more, and a server without a key.
        RunningProcess again = stage.MicroCdn(
            "key", "join", $"localhost:{stage.IndexPort}", "--out", "cs5.key", "--token-file", "token");
        Assert.True(await again.UntilEndAsync() == 4, again.Output);
        Assert.False(File.Exists(PathOf(stage, "cs5.key")));
        RunningProcess stranger = stage.Content("CS5", folder, Stage.FreePort());
        await stranger.UntilLineAsync("NOT_AUTHENTICATED", Patience);

        string[] secrets =
        [
            .. new[] { "cluster.key", "cs4.key" }
                .Select(name => File.ReadAllText(PathOf(stage, name)).Trim().Split(':'))
                .Select(words => words.Length == 2 ? words[1] : words[3]),
            File.ReadAllText(PathOf(stage, "token")).Trim().Split(':')[5],
        ];
        foreach (RunningProcess process in new[] { index, monitor, content, shell, again, stranger })
        {
            Assert.All(secrets, secret => Assert.DoesNotContain(secret, process.Output, StringComparison.Ordinal));
            if (process.HasExited) continue;
            if (process != stranger)
            {
                Assert.Contains(File.ReadLines($"/proc/{process.Id}/limits"), line =>
                    line.StartsWith("Max core file size", StringComparison.Ordinal)
                    && line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[4..6].All(limit => limit == "0"));
            }
            // The environment of one that holds a key is closed to all but root.
            if (process != stranger && Environment.UserName != "root") continue;
            foreach (string what in new[] { "cmdline", "environ" })
            {
                string seen = File.ReadAllText($"/proc/{process.Id}/{what}");
                Assert.All(secrets, secret => Assert.DoesNotContain(secret, seen, StringComparison.Ordinal));
            }
        }
    }

    [Fact]
    public async Task A_key_file_that_others_can_read_is_one_sentence_with_the_command_that_fixes_it()
    {
        await using Stage stage = new();
        await EndsWell(stage.MicroCdn("key", "new"));
        File.SetUnixFileMode(PathOf(stage, "microcdn.key"), UnixFileMode.UserRead | UnixFileMode.OtherRead);
        foreach (string verb in new[] { "index", "monitor", "up" })
        {
            RunningProcess process = stage.MicroCdn(verb, "--key-file", "microcdn.key");
            Assert.True(await process.UntilEndAsync() == 2, process.Output);
            Assert.Equal("microcdn: the key file 'microcdn.key' is open to others than its owner: "
                + "chmod 600 microcdn.key", process.Output.Trim());
        }
        RunningProcess over = stage.MicroCdn("key", "new");
        Assert.True(await over.UntilEndAsync() == 2, over.Output);
    }

    [Fact]
    public async Task Without_a_flag_the_key_is_the_credential_that_systemd_hands_over()
    {
        await using Stage stage = new();
        string folder = stage.MakeFolder("credentials");
        await EndsWell(stage.MicroCdn("key", "new", "--out", "credentials/microcdn.key"));
        // As systemd shows the access list that lets the service's user in.
        File.SetUnixFileMode(
            Path.Combine(folder, "microcdn.key"), UnixFileMode.UserRead | UnixFileMode.GroupRead);
        RunningProcess index = stage.Run("env", $"CREDENTIALS_DIRECTORY={folder}", Stage.MicroCdnProgram,
            "index", "--port", $"{stage.IndexPort}", "--monitor-tcp-port", $"{stage.MonitorTcpPort}");
        await index.UntilLineAsync($"the key file {folder}/microcdn.key was read");
        await index.UntilLineAsync("listens on");
        Assert.Contains("auth=required", await Stage.ConverseAsync(stage.IndexPort, "HELLO 2\n"),
            StringComparison.Ordinal);
    }

    private static string PathOf(Stage stage, string name) => Path.Combine(stage.Folder, name);

    private static async Task EndsWell(RunningProcess process) =>
        Assert.True(await process.UntilEndAsync() == 0, process.Output);
}
