using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>Real processes on a network that loses packets or is cut.</summary>
[Trait("Needs", "nftables"), Collection(AloneCollection.Name)]
public sealed class LossTests
{
    private static readonly byte[] Bytes = Stage.Noise(1_500_000);

    [Fact]
    public async Task With_three_of_ten_packets_lost_downloads_end_right_and_nobody_is_called_dead()
    {
        await using LossyNetwork network = await LossyNetwork.MakeAsync();
        await using Stage stage = new() { Entry = network.Entry };
        RunningProcess monitor = await stage.MonitorAsync();
        await stage.IndexAsync();
        for (int n = 1; n <= 3; n++) await StartAsync(stage, n, Stage.FreePort(), Stage.FreePort());
        await network.LoseAsync(0.3);
        for (int n = 0; n < 6; n++)
        {
            (int code, string output) = await stage.GetAsync("a.bin", "--out", $"got-{n}.bin");
            Assert.True(code == 0, output);
            Assert.Equal(Bytes, await File.ReadAllBytesAsync(Path.Combine(stage.Folder, $"got-{n}.bin")));
        }
        await Stage.PassAsync(TimeSpan.FromSeconds(10), "time in which nobody may be declared dead");
        Assert.DoesNotContain(" is dead", monitor.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_is_cut_off_is_dead_within_two_seconds_and_used_again_when_the_cut_heals()
    {
        await using LossyNetwork network = await LossyNetwork.MakeAsync();
        await using Stage stage = new() { Entry = network.Entry };
        RunningProcess monitor = await stage.MonitorAsync();
        RunningProcess index = await stage.IndexAsync();
        int tcp = Stage.FreePort(), udp = Stage.FreePort();
        await StartAsync(stage, 1, tcp, udp);
        await StartAsync(stage, 2, Stage.FreePort(), Stage.FreePort());
        await StartAsync(stage, 3, Stage.FreePort(), Stage.FreePort());
        await monitor.UntilLineAsync("CS3");
        await network.CutAsync(tcp, udp);
        await monitor.UntilLineAsync("CS1 is dead", TimeSpan.FromSeconds(2));
        await index.UntilLineAsync("CS1 is dead", TimeSpan.FromSeconds(2));
        (int code, string output) = await stage.GetAsync("a.bin", "--out", "while-cut.bin");
        Assert.True(code == 0, output);
        Assert.Equal(Bytes, await File.ReadAllBytesAsync(Path.Combine(stage.Folder, "while-cut.bin")));
        await network.HealAsync();
        await index.UntilLineAsync("CS1 is alive", TimeSpan.FromSeconds(40));
    }

    private static Task<RunningProcess> StartAsync(Stage stage, int number, int tcp, int udp) =>
        stage.RegisteredContentAsync($"CS{number}", stage.MakeFiles($"files-{number}", ("a.bin", Bytes)), tcp,
            "--udp-port", $"{udp}");
}
