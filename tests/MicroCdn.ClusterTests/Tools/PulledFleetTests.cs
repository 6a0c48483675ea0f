using System.Text.RegularExpressions;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>Several caches of ours, an index and a gateway: what a client sends and what an operator purges reaches
/// the right ones.</summary>
public sealed partial class PulledFleetTests : IAsyncLifetime
{
    private const string Keep = "Cache-Control: max-age=600\r\n";
    private const int Edges = 4;
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private readonly Stage _stage = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Fact]
    public async Task When_the_operator_has_the_receipts_every_edge_has_applied_the_purge()
    {
        int version = 0;
        await using ScriptedOrigin origin = new(call =>
            call.AnswerAsync($"{Volatile.Read(ref version)}", Keep + "Cache-Tag: news\r\n"));
        await _stage.IndexAsync();
        Cache[] caches = await Task.WhenAll(Enumerable.Range(1, Edges).Select(number =>
            Cache.StartMemberAsync(_stage, $"CS{number}", Stage.FreePort(), origin.Url)));
        await Stage.UntilAsync("every edge gives receipts", Soon,
            async () => await PurgeAsync("/nothing") == Edges);
        string[][] purges =
        [
            ["/news/1"], ["--prefix", "/news"], ["--tag", "news"], ["--all"], ["--soft", "/news/1"],
            ["--soft", "--all"], [.. Enumerable.Range(1, 9).Select(number => $"/other/{number}"), "/news/1"],
        ];
        foreach (string[] purge in purges)
        {
            foreach (Cache cache in caches) await UntilKeptAsync(cache);
            Interlocked.Increment(ref version);
            Assert.Equal(Edges * (purge.Length == 10 ? 10 : 1), await PurgeAsync(purge));
            // No waiting: whoever said that it has purged has.
            foreach (Cache cache in caches)
            {
                Assert.Equal($"{version}", (await cache.GetAsync("/news/1")).Body);
            }
        }
    }

    [Fact]
    public async Task A_purge_overtakes_what_is_being_fetched_at_every_edge()
    {
        TaskCompletionSource old = new(TaskCreationOptions.RunContinuationsAsynchronously);
        int version = 0;
        await using ScriptedOrigin origin = new(async call =>
        {
            int seen = Volatile.Read(ref version);
            if (seen == 0) await old.Task;
            await call.AnswerAsync($"{seen}", Keep);
        });
        await _stage.IndexAsync();
        Cache[] caches = await Task.WhenAll(Enumerable.Range(1, Edges).Select(number =>
            Cache.StartMemberAsync(_stage, $"CS{number}", Stage.FreePort(), origin.Url)));
        await Stage.UntilAsync("every edge gives receipts", Soon,
            async () => await PurgeAsync("/nothing") == Edges);
        Task<RawResponse>[] early = [.. caches.Select(cache => cache.GetAsync("/page"))];
        await Stage.UntilAsync("all ask", Soon, () => Task.FromResult(origin.CountOf("/page") == Edges));
        Volatile.Write(ref version, 1);
        Assert.Equal(Edges, await PurgeAsync("/page"));
        foreach (Cache cache in caches) Assert.Equal("1", (await cache.GetAsync("/page")).Body);
        old.SetResult();
        Assert.All(await Task.WhenAll(early), response => Assert.Equal("0", response.Body));
        foreach (Cache cache in caches) Assert.Equal("1", (await cache.GetAsync("/page")).Body);
    }

    [Theory]
    [InlineData("POST")]
    [InlineData("PUT")]
    [InlineData("PATCH")]
    [InlineData("DELETE")]
    [Trait("Needs", "curl")]
    public async Task Behind_a_gateway_a_change_reaches_the_origin_whole_and_the_edge_that_keeps_the_page(string method)
    {
        string page = "first";
        await using ScriptedOrigin origin = new(call =>
        {
            if (call.Method == "GET") return call.AnswerAsync(page, Keep);
            page = $"{call.Method} {call.Target} {call.Body.Length}";
            return call.AnswerAsync("changed");
        });
        Fleet fleet = await Fleet.StartAsync(_stage);
        for (int number = 1; number <= 2; number++)
        {
            await Cache.StartMemberAsync(_stage, $"CS{number}", Stage.FreePort(), origin.Url,
                "--advertise", "127.0.0.1");
        }
        // More than curl sends unasked, and more than anybody buffers.
        File.WriteAllText(Path.Combine(_stage.Folder, "body"), new string('b', 3 << 20));
        foreach (string target in (string[])["page/1?a=%20b", "page/2;x=1", "page/3"])
        {
            foreach (string scheme in (string[])[fleet.Url(target), fleet.SecureUrl(target)])
            {
                await fleet.CurlAsync("-L", "-f", fleet.Url(target));
                ToolRun run = await fleet.CurlAsync("-L", "-f", "-X", method, "--data-binary", "@body",
                    "-w", " %{num_redirects}", scheme);
                Assert.Equal("changed 1", run.Succeeded().Text);
                run = await fleet.CurlAsync("-L", "-f", fleet.Url(target));
                Assert.Equal($"{method} /{target} {3 << 20}", run.Succeeded().Text);
            }
        }
    }

    private static async Task UntilKeptAsync(Cache cache) => await Stage.UntilAsync("it is a hit", Soon, async () =>
        (await cache.GetAsync("/news/1")).Field("Cache-Status")!.Contains("; hit", StringComparison.Ordinal));

    // How many receipts there were.
    private async Task<int> PurgeAsync(params string[] what)
    {
        RunningProcess purge = _stage.MicroCdn(["purge", .. what, "--index-port", $"{_stage.IndexPort}"]);
        int code = await purge.UntilEndAsync(Soon);
        Assert.True(code == 0, purge.Output);
        return Receipt().Count(purge.Output);
    }

    [GeneratedRegex(": purged in [0-9]+ ms")]
    private static partial Regex Receipt();
}
