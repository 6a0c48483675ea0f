namespace MicroCdn.ClusterTests.Processes;

/// <summary>Two monitors watch the same servers; whatever becomes of them, files are found.</summary>
public sealed class SeveralMonitorsTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);

    [Fact]
    public async Task A_death_is_known_also_when_one_of_two_monitors_is_gone()
    {
        await using Fleet fleet = await Fleet.StartAsync();
        fleet.Monitors[0].Kill();
        await fleet.Monitors[0].UntilEndAsync();
        fleet.Servers[0].Kill();
        await fleet.Monitors[1].UntilLineAsync("CS1 is dead");
        await fleet.UntilOnlyAsync("CS2");
        await fleet.DownloadAsync("after.bin");
    }

    [Fact]
    public async Task A_monitor_that_was_frozen_removes_nobody_when_it_wakes()
    {
        await using Fleet fleet = await Fleet.StartAsync();
        fleet.Monitors[0].Freeze();
        await Stage.PassAsync(TimeSpan.FromSeconds(3), "longer than any silence it bears");
        fleet.Monitors[0].Thaw();
        await Stage.PassAsync(TimeSpan.FromSeconds(2), "a wrong verdict would be given and said meanwhile");
        Assert.DoesNotContain(" is dead", fleet.Monitors[0].Output + fleet.Index.Output, StringComparison.Ordinal);
        await fleet.DownloadAsync("after.bin");
    }

    [Fact]
    public async Task Without_any_monitor_files_are_found_and_a_dead_server_is_left_out_soon()
    {
        await using Fleet fleet = await Fleet.StartAsync();
        foreach (RunningProcess monitor in fleet.Monitors)
        {
            monitor.Kill();
            await monitor.UntilEndAsync();
        }
        await fleet.DownloadAsync("without-monitors.bin");
        fleet.Servers[0].Kill();
        await fleet.DownloadAsync("without-a-server.bin");
        await fleet.UntilOnlyAsync("CS2");
    }

    [Fact]
    public async Task A_cluster_with_a_key_notices_a_crash_and_a_hang_and_heeds_nobody_without_the_key()
    {
        await using Fleet fleet = await Fleet.StartAsync(isKeyed: true);
        await fleet.AssertHeedsNoStrangerAsync();
        await fleet.DownloadAsync("before.bin");

        fleet.Servers[0].Kill();
        await fleet.Monitors[0].UntilLineAsync("CS1 is dead");
        await fleet.UntilOnlyAsync("CS2");
        await fleet.DownloadAsync("after-a-crash.bin");
        await fleet.RestartAsync(0);

        fleet.Monitors[0].Kill();
        await fleet.Monitors[0].UntilEndAsync();
        fleet.Servers[1].Freeze();
        await fleet.Monitors[1].UntilLineAsync("CS2 is dead");
        await fleet.UntilOnlyAsync("CS1");
        await fleet.DownloadAsync("after-a-hang.bin");
        await fleet.AssertHeedsNoStrangerAsync();
    }

    private sealed class Fleet(Stage stage, string[] keys) : IAsyncDisposable
    {
        private static readonly byte[] Bytes = Stage.Noise(2_500_000);
        private readonly int[] _ports = [Stage.FreePort(), Stage.FreePort()];
        private readonly int _secondTcp = Stage.FreePort();
        private readonly int _secondUdp = Stage.FreePort();

        public RunningProcess Index { get; private set; } = null!;

        public List<RunningProcess> Monitors { get; } = [];

        public List<RunningProcess> Servers { get; } = [];

        public static async Task<Fleet> StartAsync(bool isKeyed = false)
        {
            Stage stage = new();
            Fleet fleet = new(stage, isKeyed ? ["--key-file", "cluster.key"] : []);
            if (isKeyed) await stage.MicroCdn("key", "new", "--out", "cluster.key").UntilEndAsync();
            await fleet.StartAllAsync();
            return fleet;
        }

        private async Task StartAllAsync()
        {
            Monitors.Add(await stage.MonitorAsync(["--monitor-id", "m1", .. keys]));
            RunningProcess second = stage.MicroCdn(["monitor", "--monitor-id", "m2", "--index-port",
                $"{stage.IndexPort}", "--tcp-port", $"{_secondTcp}", "--udp-port", $"{_secondUdp}", .. keys]);
            await second.UntilLineAsync("listens on");
            Monitors.Add(second);
            Index = await stage.IndexAsync(["--monitor", $"127.0.0.1:{_secondTcp}", .. keys]);
            for (int n = 0; n < 2; n++) Servers.Add(await StartServerAsync(n));
            foreach (RunningProcess monitor in Monitors)
            {
                await monitor.UntilLineAsync("CS1 is alive");
                await monitor.UntilLineAsync("CS2 is alive");
            }
            await UntilBothAreAliveAsync();
        }

        public async Task RestartAsync(int server)
        {
            Servers[server] = await StartServerAsync(server);
            await UntilBothAreAliveAsync();
        }

        // A server, a liar and a monitor that have no key, on this machine, which is trusted where there is none.
        public async Task AssertHeedsNoStrangerAsync()
        {
            string evil = stage.MakeFiles("evil", ("a.bin", [6, 6, 6]), ("evil.bin", [6]));
            string[] before = await ServersAsync();
            foreach (string id in new[] { "CS1", "CS3" })
            {
                RunningProcess stranger = stage.Content(id, evil, Stage.FreePort());
                await stranger.UntilLineAsync("NOT_AUTHENTICATED");
                stranger.Kill();
                await stranger.UntilEndAsync();
            }
            Assert.Contains("ERROR NOT_AUTHENTICATED", await Stage.ConverseAsync(
                stage.IndexPort, "SERVER_DOWN CS1 1767225600\n"), StringComparison.Ordinal);
            Assert.Contains("ERROR NOT_AUTHENTICATED", await Stage.ConverseAsync(
                stage.IndexPort, "HELLO 2\nMONITOR m1\nSERVER_DOWN CS1 1 inc=9 ev=9\n"), StringComparison.Ordinal);
            Assert.Equal("ERROR FILE_NOT_FOUND\n", await Stage.ConverseAsync(stage.IndexPort, "GET evil.bin\n"));
            Assert.Equal(before, await ServersAsync());
        }

        // Who and where, and whether it is asked; a busy machine may make anyone suspect for a moment.
        private async Task<string[]> ServersAsync() =>
        [
            .. (await ListAsync()).Split('\n').Where(line => line.StartsWith("SERVER ", StringComparison.Ordinal))
                .Select(line => line.Split(' ')).Select(words => string.Join(' ', [.. words[1..4], words[5]])),
        ];

        private Task<string> ListAsync() => Stage.ConverseAsync(stage.IndexPort, "HELLO 2\nLIST_SERVERS\n");

        private Task UntilBothAreAliveAsync() => Stage.UntilAsync("the index hears of both", Soon,
            async () => (await ListAsync()).Split("state=alive").Length == 3);

        private Task<RunningProcess> StartServerAsync(int n) => stage.RegisteredContentAsync($"CS{n + 1}",
            stage.MakeFiles($"{n}", ("a.bin", Bytes)), _ports[n],
            ["--monitor", $"127.0.0.1:{_secondTcp}:{_secondUdp}", .. keys]);

        public Task UntilOnlyAsync(string id) => Stage.UntilAsync($"only {id} is named", Soon, async () =>
        {
            for (int n = 0; n < 5; n++)
            {
                string answer = await Stage.ConverseAsync(stage.IndexPort, "GET a.bin\n");
                if (!answer.Contains($" {id} ", StringComparison.Ordinal)) return false;
            }
            return true;
        });

        public async Task DownloadAsync(string target)
        {
            (int code, string output) = await stage.GetAsync("a.bin", "--out", target);
            Assert.True(code == 0, output);
            Assert.Equal(Bytes, await File.ReadAllBytesAsync(Path.Combine(stage.Folder, target)));
        }

        public ValueTask DisposeAsync() => stage.DisposeAsync();
    }
}
