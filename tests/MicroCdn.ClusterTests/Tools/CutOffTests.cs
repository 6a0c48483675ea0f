using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>Real processes of which one is cut off from all others, and how soon they know.</summary>
[Trait("Needs", "nftables"), Collection(AloneCollection.Name)]
public sealed class CutOffTests
{
    [Fact]
    public async Task A_server_that_is_cut_off_is_dead_within_two_seconds_and_used_again_when_the_cut_heals()
    {
        await using LossyNetwork network = await LossyNetwork.MakeAsync();
        await using Stage stage = new() { Entry = network.Entry };
        RunningProcess monitor = await stage.MonitorAsync();
        RunningProcess index = await stage.IndexAsync();
        int tcp = Stage.FreePort(), udp = Stage.FreePort();
        await LossTests.StartAsync(stage, 1, tcp, udp);
        await LossTests.StartAsync(stage, 2, Stage.FreePort(), Stage.FreePort());
        await LossTests.StartAsync(stage, 3, Stage.FreePort(), Stage.FreePort());
        await monitor.UntilLineAsync("CS3");
        await network.CutAsync(tcp, udp);
        await monitor.UntilLineAsync("CS1 is dead", TimeSpan.FromSeconds(2));
        await index.UntilLineAsync("CS1 is dead", TimeSpan.FromSeconds(2));
        (int code, string output) = await stage.GetAsync("a.bin", "--out", "while-cut.bin");
        Assert.True(code == 0, output);
        Assert.Equal(LossTests.Bytes, await File.ReadAllBytesAsync(Path.Combine(stage.Folder, "while-cut.bin")));
        await network.HealAsync();
        await index.UntilLineAsync("CS1 is alive", TimeSpan.FromSeconds(40));
    }
}
