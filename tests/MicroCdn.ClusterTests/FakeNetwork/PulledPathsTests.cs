using System.Text;
using MicroCdn.Network;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>HTTP clients ask the gateway for paths that content servers pull from an origin.</summary>
[Collection(FakeNetworkTests.Name)]
public sealed class PulledPathsTests
{
    private static readonly string[] Pages = [.. Enumerable.Range(0, 24).Select(number => $"/site/{number}?x=%20y")];

    public static TheoryData<int> Seeds => FakeNetworkTests.Seeds;

    [Theory, MemberData(nameof(Seeds))]
    public Task Each_page_has_a_server_of_its_own_until_that_one_dies_and_again_when_it_is_back(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        string[] ids = ["CS1", "CS2", "CS3"];
        cluster.World.Phase("three servers register the same prefix");
        cluster.StartIndex();
        cluster.StartMonitor("index");
        foreach (string id in ids) cluster.StartContent(id, "/site/");
        await cluster.UntilAllAlive(ids);
        string[] first = await AskAsync(cluster);
        Assert.Equal(first, await AskAsync(cluster));
        Assert.Equal(3, first.Distinct().Count());
        Assert.Equal("404", await AskAsync(cluster, "/other"));

        cluster.World.Phase("one dies");
        cluster.Kill("CS2");
        await cluster.UntilState("index", "CS2", "dead", TimeSpan.FromSeconds(20));
        string[] without = await AskAsync(cluster);
        string[] gone = [.. first.Zip(without).Where(pair => pair.First != pair.Second).Select(pair => pair.First)];
        Assert.Single(gone.Distinct());
        Assert.DoesNotContain(gone[0], without);

        cluster.World.Phase("it is back");
        cluster.StartContent("CS2", "/site/");
        await cluster.World.UntilAsync(async () => (await AskAsync(cluster)).SequenceEqual(first), "it has its pages again",
            TimeSpan.FromSeconds(60));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task A_server_that_is_started_without_its_origin_is_sent_nobody(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        cluster.StartIndex();
        cluster.StartMonitor("index");
        cluster.StartContent("CS1", "/site/");
        await cluster.UntilAllAlive("CS1");
        Assert.NotEqual("404", await AskAsync(cluster, "/site/a"));
        cluster.World.Phase("it is started again with other flags");
        cluster.Kill("CS1");
        cluster.StartContent("CS1", "/docs/");
        await cluster.World.UntilAsync(async () => await AskAsync(cluster, "/docs/a") != "404", "its new prefix is known",
            TimeSpan.FromSeconds(30));
        Assert.Equal("404", await AskAsync(cluster, "/site/a"));
    });

    private static async Task<string[]> AskAsync(FakeCluster cluster)
    {
        List<string> servers = [];
        foreach (string page in Pages)
        {
            string location = await AskAsync(cluster, page);
            Assert.EndsWith($":7003{page}", location, StringComparison.Ordinal);
            servers.Add(location[..^page.Length]);
        }
        return [.. servers];
    }

    // Where a client is sent, or the status when it is sent nowhere.
    private static async Task<string> AskAsync(FakeCluster cluster, string path)
    {
        await using LineConnection connection = await cluster.Network.Host("client").Dialer.DialAsync(
            "index", FakeCluster.GatewayPort, CancellationToken.None);
        await connection.SendAsync(Encoding.ASCII.GetBytes($"HEAD {path} HTTP/1.1\r\nHost: index\r\n\r\n"), default);
        string answer = "";
        while (await connection.ReadLineAsync(default) is { Length: > 0 } line)
        {
            string field = Encoding.ASCII.GetString(line.Span);
            if (field.StartsWith("HTTP/1.1 ", StringComparison.Ordinal)) answer = field.Split(' ')[1];
            if (field.StartsWith("Location: ", StringComparison.Ordinal)) answer = field["Location: ".Length..];
        }
        return answer;
    }
}
