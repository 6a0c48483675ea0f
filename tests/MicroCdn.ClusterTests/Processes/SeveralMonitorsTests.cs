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

    private sealed class Fleet(Stage stage) : IAsyncDisposable
    {
        private static readonly byte[] Bytes = Stage.Noise(2_500_000);

        public RunningProcess Index { get; private set; } = null!;

        public List<RunningProcess> Monitors { get; } = [];

        public List<RunningProcess> Servers { get; } = [];

        public static async Task<Fleet> StartAsync()
        {
            Fleet fleet = new(new Stage());
            await fleet.StartAllAsync();
            return fleet;
        }

        private async Task StartAllAsync()
        {
            int tcp = Stage.FreePort(), udp = Stage.FreePort();
            Monitors.Add(await stage.MonitorAsync("--monitor-id", "m1"));
            RunningProcess second = stage.MicroCdn("monitor", "--monitor-id", "m2", "--index-port", $"{stage.IndexPort}",
                "--tcp-port", $"{tcp}", "--udp-port", $"{udp}");
            await second.UntilLineAsync("listens on");
            Monitors.Add(second);
            Index = await stage.IndexAsync("--monitor", $"127.0.0.1:{tcp}");
            for (int n = 1; n <= 2; n++)
            {
                Servers.Add(await stage.RegisteredContentAsync($"CS{n}", stage.MakeFiles($"{n}", ("a.bin", Bytes)),
                    Stage.FreePort(), "--monitor", $"127.0.0.1:{tcp}:{udp}"));
            }
            foreach (RunningProcess monitor in Monitors)
            {
                await monitor.UntilLineAsync("CS1 is alive");
                await monitor.UntilLineAsync("CS2 is alive");
            }
            await Stage.UntilAsync("the index hears of both", Soon, async () =>
                (await Stage.ConverseAsync(stage.IndexPort, "HELLO 2\nLIST_SERVERS\n")).Split("state=alive").Length == 3);
        }

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
