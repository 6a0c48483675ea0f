using System.Globalization;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>A network namespace of a test's own, whose loopback loses packets as the test says.</summary>
internal sealed class LossyNetwork : IAsyncDisposable
{
    private readonly RunningProcess _holder;

    private LossyNetwork(RunningProcess holder) => _holder = holder;

    /// <summary>What a command begins with so that it runs inside.</summary>
    public string[] Entry => ["nsenter", $"--net=/proc/{_holder.Id}/ns/net", "--"];

    /// <summary>Makes one; skips the test where only root may.</summary>
    public static async Task<LossyNetwork> MakeAsync()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root makes network namespaces");
        // Where loopback addresses are all there is, some programs resolve no name at all: one other is given to lo.
        RunningProcess holder = RunningProcess.Start("unshare", "--net", "sh", "-c",
            "ip link set lo up && ip address add 192.0.2.1/32 dev lo && echo up && exec sleep 600");
        await holder.UntilLineAsync("up");
        LossyNetwork network = new(holder);
        await network.RuleAsync("add table inet loss");
        await network.RuleAsync("add chain inet loss input { type filter hook input priority 0 ; }");
        return network;
    }

    /// <summary>Loses some of all packets, each by its own draw.</summary>
    public Task LoseAsync(double share) => RuleAsync(string.Create(CultureInfo.InvariantCulture,
        $"add rule inet loss input iif lo numgen random mod 1000 < {(int)(share * 1000)} drop"));

    /// <summary>Loses every packet to and from some ports: their owner is cut off.</summary>
    public async Task CutAsync(params int[] ports)
    {
        string all = string.Join(", ", ports);
        foreach (string field in (string[])["tcp sport", "tcp dport", "udp sport", "udp dport"])
        {
            await RuleAsync($"add rule inet loss input {field} {{ {all} }} drop");
        }
    }

    /// <summary>Loses nothing any more.</summary>
    public Task HealAsync() => RuleAsync("flush chain inet loss input");

    public ValueTask DisposeAsync() => _holder.DisposeAsync();

    private async Task RuleAsync(string rule)
    {
        await using RunningProcess nft = RunningProcess.Start(Entry[0], [.. Entry[1..], "nft", rule]);
        Assert.True(await nft.UntilEndAsync() == 0, nft.Output);
    }
}
