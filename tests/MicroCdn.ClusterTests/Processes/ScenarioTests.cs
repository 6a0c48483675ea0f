namespace MicroCdn.ClusterTests.Processes;

/// <summary>The scenario of the wire contract that must always work, with real processes, kills and restarts.</summary>
public sealed class ScenarioTests
{
    [Fact]
    public async Task A_killed_server_is_noticed_avoided_and_used_again_when_it_returns()
    {
        await using Stage stage = new();
        byte[] big = Stage.Noise(3_000_000);
        byte[] hello = "Hello\n"u8.ToArray();
        string one = stage.MakeFiles("one", ("hello.txt", hello), ("big.bin", big), ("only-1.txt", "1"u8.ToArray()));
        string two = stage.MakeFiles("two", ("hello.txt", hello), ("big.bin", big), ("only-2.txt", "2"u8.ToArray()));
        int port1 = Stage.FreePort();
        int port2 = Stage.FreePort();

        // 1. The monitor and the index, then two content servers.
        RunningProcess monitor = await stage.MonitorAsync("--verbose");
        RunningProcess index = await stage.IndexAsync();
        RunningProcess first = await stage.RegisteredContentAsync("CS1", one, port1);
        RunningProcess second = await stage.RegisteredContentAsync("CS2", two, port2);

        // 2. Several clients download at once; the monitor shows heartbeats.
        (int Code, string Output)[] got = await Task.WhenAll(Enumerable.Range(0, 4)
            .Select(n => stage.GetAsync("big.bin", "hello.txt", "only-1.txt", "only-2.txt", "--out", $"got-{n}/")));
        foreach ((int code, string output) in got) Assert.True(code == 0, output);
        for (int n = 0; n < 4; n++)
        {
            Assert.Equal(big, await File.ReadAllBytesAsync(Path.Combine(stage.Folder, $"got-{n}", "big.bin")));
            Assert.Equal("2", await File.ReadAllTextAsync(Path.Combine(stage.Folder, $"got-{n}", "only-2.txt")));
        }
        await monitor.UntilLineAsync("heartbeat of CS");

        // 3. One content server is killed; the monitor marks it dead and the index stops routing to it.
        first.Kill();
        await monitor.UntilLineAsync("CS1 is dead");
        await index.UntilLineAsync("CS1 is dead");
        Assert.Contains("ERROR FILE_NOT_FOUND", await Stage.ConverseAsync(stage.IndexPort, "GET only-1.txt\n"));
        for (int n = 0; n < 10; n++)
        {
            Assert.Contains("CS2", await Stage.ConverseAsync(stage.IndexPort, "HELLO\nGET big.bin\n"));
        }

        // 4. A file that the other one also has still downloads; one that it alone had cannot be reached.
        Assert.Equal(0, (await stage.GetAsync("big.bin", "--out", "after.bin")).Code);
        Assert.Equal(big, await File.ReadAllBytesAsync(Path.Combine(stage.Folder, "after.bin")));
        Assert.Equal(4, (await stage.GetAsync("only-1.txt")).Code);

        // 5. The killed server comes back and is used again within a second, without anything else being restarted.
        RunningProcess again = await stage.RegisteredContentAsync("CS1", one, port1);
        await Stage.UntilAsync("CS1 is routed to", TimeSpan.FromSeconds(1), async () =>
            (await Stage.ConverseAsync(stage.IndexPort, "GET only-1.txt\n")).Contains("CS1", StringComparison.Ordinal));
        await monitor.UntilLineAsync("CS1 is returning");
        (int returned, string said) = await stage.GetAsync("only-1.txt", "--out", "returned.txt");
        Assert.True(returned == 0, said);

        Assert.False(index.HasExited || second.HasExited || again.HasExited || monitor.HasExited);
    }

    [Fact]
    public async Task A_frozen_server_is_routed_to_again_within_a_second_of_its_first_heartbeat()
    {
        await using Stage stage = new();
        RunningProcess monitor = await stage.MonitorAsync("--timeout", "4");
        await stage.IndexAsync();
        RunningProcess content = await stage.RegisteredContentAsync(
            "CS1", stage.MakeFiles("one", ("a.txt", "a"u8.ToArray())), Stage.FreePort());
        await monitor.UntilLineAsync("CS1 is alive");

        content.Freeze();
        await monitor.UntilLineAsync("CS1 is dead");
        await Stage.UntilAsync("it is no longer named", TimeSpan.FromSeconds(3), async () =>
            (await Stage.ConverseAsync(stage.IndexPort, "GET a.txt\n")).Contains("NOT_FOUND", StringComparison.Ordinal));

        content.Thaw();
        await monitor.UntilLineAsync("CS1 is returning");
        await Stage.UntilAsync("it is named again", TimeSpan.FromSeconds(1), async () =>
            (await Stage.ConverseAsync(stage.IndexPort, "GET a.txt\n")).Contains("CS1", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_restarted_index_knows_ten_thousand_files_again_within_two_seconds()
    {
        await using Stage stage = new();
        string folder = stage.MakeFolder("many");
        for (int n = 0; n < 10_000; n++) Stage.WriteFile(Path.Combine(folder, $"d{n % 100}", $"f{n}.txt"), "x"u8.ToArray());
        RunningProcess index = await stage.IndexAsync();
        await stage.RegisteredContentAsync("CS1", folder, Stage.FreePort());
        await Stage.PassAsync(TimeSpan.FromSeconds(2.5), "an index that keeps connections shows itself by having kept one");
        // A change of the library just before opens a new connection; it does not make the index a stranger.
        Stage.WriteFile(Path.Combine(folder, "late.txt"), "x"u8.ToArray());
        await Stage.UntilAsync("the new file is known", TimeSpan.FromSeconds(2), async () =>
            (await Stage.ConverseAsync(stage.IndexPort, "GET late.txt\n")).StartsWith("SERVER", StringComparison.Ordinal));

        index.Kill();
        await index.UntilEndAsync();
        await stage.IndexAsync();
        await Stage.UntilAsync("all files are known", TimeSpan.FromSeconds(2), async () =>
            (await Stage.ConverseAsync(stage.IndexPort, "GET d99/f9999.txt\n")).StartsWith("SERVER", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_restarted_monitor_reports_who_died_meanwhile()
    {
        await using Stage stage = new();
        RunningProcess monitor = await stage.MonitorAsync("--timeout", "4");
        await stage.IndexAsync();
        RunningProcess content = await stage.RegisteredContentAsync(
            "CS1", stage.MakeFiles("one", ("a.txt", "a"u8.ToArray())), Stage.FreePort());
        await monitor.UntilLineAsync("CS1 is alive");

        monitor.Kill();
        content.Kill();
        await monitor.UntilEndAsync();
        RunningProcess restarted = await stage.MonitorAsync("--timeout", "4");
        await restarted.UntilLineAsync("CS1 is dead");
        await Stage.UntilAsync("it is no longer named", TimeSpan.FromSeconds(2), async () =>
            (await Stage.ConverseAsync(stage.IndexPort, "GET a.txt\n")).Contains("NOT_FOUND", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_frozen_monitor_blames_nobody_for_its_own_pause()
    {
        await using Stage stage = new();
        RunningProcess monitor = await stage.MonitorAsync("--timeout", "4");
        RunningProcess content = stage.Content("CS1", stage.MakeFiles("one", ("a.txt", "a"u8.ToArray())), Stage.FreePort());
        await monitor.UntilLineAsync("CS1 is alive");

        monitor.Freeze();
        await Stage.PassAsync(TimeSpan.FromSeconds(7), "longer than the timeout");
        monitor.Thaw();
        await Stage.PassAsync(TimeSpan.FromSeconds(3), "a wrong verdict would be given and said meanwhile");
        Assert.DoesNotContain("is dead", monitor.Output, StringComparison.Ordinal);

        content.Kill();
        await monitor.UntilLineAsync("CS1 is dead");
    }

    [Fact]
    public async Task Up_starts_everything_and_ends_cleanly_on_both_signals()
    {
        foreach (bool controlC in new[] { false, true })
        {
            await using Stage stage = new();
            int gateway = Stage.FreePort();
            RunningProcess up = stage.MicroCdn("up", "--admin-port", $"{stage.AdminPort}", "--index-port", $"{stage.IndexPort}", "--monitor-tcp-port",
                $"{stage.MonitorTcpPort}", "--monitor-udp-port", $"{stage.MonitorUdpPort}", "--content-port",
                $"{Stage.ContentPorts()}", "--gateway-port", $"{gateway}", "--data", stage.Folder);
            await up.UntilLineAsync("microcdn get hello.txt");
            await Stage.UntilAsync("both servers are known", TimeSpan.FromSeconds(30), async () =>
                (await Stage.ConverseAsync(stage.IndexPort, "LIST_SERVERS\n")).Split("alive").Length == 3);
            Assert.Equal(0, (await stage.GetAsync("hello.txt", "big.bin")).Code);
            Assert.Matches("^HTTP/1.1 (200|302) ", await Stage.ConverseAsync(gateway,
                "GET /hello.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
            if (controlC) up.PressControlC();
            else up.AskToEnd();
            Assert.Equal(0, await up.UntilEndAsync(TimeSpan.FromSeconds(5)));
        }
    }
}
