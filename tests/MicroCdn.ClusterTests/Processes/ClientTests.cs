namespace MicroCdn.ClusterTests.Processes;

/// <summary>The real client when its own side fails: a full disk, Ctrl-C.</summary>
public sealed class ClientTests
{
    [Fact]
    public async Task A_full_disk_is_exit_code_6_and_leaves_nothing()
    {
        await using Stage stage = new();
        string small = stage.MakeFolder("small");
        await using RunningProcess mount =
            RunningProcess.Start("mount", "-t", "tmpfs", "-o", "size=1m", "microcdn-test", small);
        Assert.SkipUnless(await mount.UntilEndAsync() == 0, "mounting a small disk takes root");
        try
        {
            await stage.IndexAsync();
            string folder = stage.MakeFiles("one", ("big.bin", Stage.Noise(3_000_000)));
            await stage.RegisteredContentAsync("CS1", folder, Stage.FreePort());
            (int code, string output) = await stage.GetAsync("big.bin", "--out", Path.Combine(small, "big.bin"));
            Assert.True(code == 6, output);
            Assert.Empty(Directory.GetFileSystemEntries(small));
        }
        finally
        {
            await using RunningProcess unmount = RunningProcess.Start("umount", small);
            await unmount.UntilEndAsync();
        }
    }

    [Fact]
    public async Task A_pipe_or_device_is_never_replaced_and_a_link_is_written_through()
    {
        await using Stage stage = new();
        await stage.IndexAsync();
        await stage.RegisteredContentAsync("CS1", stage.MakeFiles("one", ("a.txt", "a"u8.ToArray())), Stage.FreePort());
        string pipe = Path.Combine(stage.Folder, "pipe");
        Assert.Equal(0, await stage.Run("mkfifo", pipe).UntilEndAsync());
        (int code, string output) = await stage.GetAsync("a.txt", "--out", pipe);
        Assert.True(code == 1, output);
        Assert.Contains("no regular file", output, StringComparison.Ordinal);
        Assert.Equal(0, await stage.Run("test", "-p", pipe).UntilEndAsync());

        string real = Path.Combine(stage.Folder, "real.txt");
        string link = Path.Combine(stage.Folder, "link.txt");
        await File.WriteAllTextAsync(real, "old");
        File.CreateSymbolicLink(link, real);
        Assert.Equal(0, (await stage.GetAsync("a.txt", "--out", link)).Code);
        Assert.Equal("a", await File.ReadAllTextAsync(real));
        Assert.Equal(real, new FileInfo(link).LinkTarget);
    }

    [Theory]
    [InlineData("ls", 0)]
    [InlineData("servers", 7)]
    public async Task A_list_comes_from_the_first_index_that_answers(string verb, int code)
    {
        await using Stage stage = new();
        await stage.IndexAsync();
        await stage.RegisteredContentAsync("CS1", stage.MakeFiles("one", ("a.txt", "a"u8.ToArray())), Stage.FreePort());
        int nobody = Stage.FreePort();
        // The monitor that servers asks too is not there, which is its exit code 7.
        RunningProcess list = stage.MicroCdn([verb, "--index", $"127.0.0.1:{nobody}", "--index", $"127.0.0.1:{stage.IndexPort}",
            .. (string[])(verb == "ls" ? [] : ["--monitor-tcp-port", $"{nobody}"])]);
        Assert.True(await list.UntilEndAsync() == code, list.Output);
        Assert.Contains(verb == "ls" ? "a.txt" : "CS1", list.Output, StringComparison.Ordinal);
        Assert.Contains($"microcdn: 127.0.0.1:{nobody} cannot be reached: ", list.Output, StringComparison.Ordinal);
        Assert.Contains("(connection refused): asking the next index", list.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_client_of_a_gateway_finds_wrong_is_told_to_the_index()
    {
        await using Stage stage = new();
        int gateway = Stage.FreePort();
        RunningProcess index = await stage.IndexAsync("--http-port", $"{gateway}");
        string folder = stage.MakeFiles("one", ("a.txt", "a"u8.ToArray()));
        await stage.RegisteredContentAsync("CS1", folder, Stage.FreePort(), "--http-port", $"{Stage.FreePort()}");
        Assert.Equal(0, (await stage.GetAsync("a.txt", "--gateway", $"http://127.0.0.1:{gateway}")).Code);
        // The server does not notice: size and time are as before.
        Stage.WriteFile(Path.Combine(folder, "a.txt"), "b"u8.ToArray());
        (int code, string output) = await stage.GetAsync("a.txt", "--gateway", $"http://127.0.0.1:{gateway}");
        Assert.True(code == 5, output);
        await index.UntilLineAsync("CS1 is reported for wrong bytes of 'a.txt' by 127.0.0.1");
    }

    [Fact]
    public async Task The_progress_bar_is_shown_on_a_terminal_also_when_standard_output_is_redirected()
    {
        await using Stage stage = new();
        int port = Stage.FreePort();
        await stage.IndexAsync();
        await stage.RegisteredContentAsync("CS1", stage.MakeFiles("one", ("a.txt", "a"u8.ToArray())), port);
        RunningProcess terminal = stage.Run("script", "--quiet", "--return", "--command",
            $"TERM=xterm '{Stage.MicroCdnProgram}' get a.txt --direct-host 127.0.0.1 --direct-port {port} > said.txt", "/dev/null");
        Assert.True(await terminal.UntilEndAsync() == 0, terminal.Output);
        Assert.Contains("100%", terminal.Output, StringComparison.Ordinal);
        Assert.StartsWith("saved ", await File.ReadAllTextAsync(Path.Combine(stage.Folder, "said.txt")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Control_C_is_exit_code_130_and_leaves_nothing()
    {
        await using Stage stage = new();
        using System.Net.Sockets.TcpListener silent = new(System.Net.IPAddress.Loopback, Stage.FreePort());
        silent.Start();
        RunningProcess client = stage.MicroCdn("get", "a.txt", "--direct-host", "127.0.0.1", "--direct-port",
            $"{((System.Net.IPEndPoint)silent.LocalEndpoint).Port}", "--out", "a.txt");
        using System.Net.Sockets.TcpClient asked = await silent.AcceptTcpClientAsync();
        byte[] buffer = new byte[100];
        Assert.Equal("GET a.txt\n", System.Text.Encoding.UTF8.GetString(buffer, 0, await asked.GetStream().ReadAsync(buffer)));
        await asked.GetStream().WriteAsync("OK 100\nhalf"u8.ToArray());
        await Stage.UntilAsync("it began to save", TimeSpan.FromSeconds(5), () =>
            Task.FromResult(Directory.GetFiles(stage.Folder, ".*.part").Length == 1));
        client.PressControlC();
        Assert.Equal(130, await client.UntilEndAsync(TimeSpan.FromSeconds(5)));
        Assert.Empty(Directory.GetFileSystemEntries(stage.Folder));
    }
}
