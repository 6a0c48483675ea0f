using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>Real processes on a network that loses packets.</summary>
[Trait("Needs", "nftables")]
public sealed class LossTests
{
    internal static readonly byte[] Bytes = Stage.Noise(1_500_000);

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

    internal static Task<RunningProcess> StartAsync(Stage stage, int number, int tcp, int udp) =>
        stage.RegisteredContentAsync($"CS{number}", stage.MakeFiles($"files-{number}", ("a.bin", Bytes)), tcp,
            "--udp-port", $"{udp}");
}
