using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>An index that hangs while a server greets it is taken for one of version 1, which is told no digests: not
/// for long.</summary>
[Collection(FakeNetworkTests.Name)]
public sealed class BusyIndexTests
{
    public static TheoryData<int> Seeds => FakeNetworkTests.Seeds;

    [Theory, MemberData(nameof(Seeds))]
    public Task One_that_hung_for_a_moment_is_told_digests_soon_after(int seed) => FakeCluster.RunAsync(seed, async cluster =>
    {
        cluster.Give("CS1", "a.txt", [1, 2, 3]);
        cluster.StartIndex();
        cluster.Network.Host("index").Pause();
        cluster.StartContent("CS1");
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(3));
        cluster.Network.Host("index").Resume(timersFirst: false);
        PlayedClients clients = new(cluster, "index");
        string answer = "";
        await cluster.World.UntilAsync(async () =>
        {
            answer = string.Join('\n', await clients.AskAsync("index", "LOCATE a.txt\n", 1));
            return answer.Contains(" sha256=", StringComparison.Ordinal);
        }, "it knows the digest", TimeSpan.FromSeconds(10), () => answer);
    });
}
