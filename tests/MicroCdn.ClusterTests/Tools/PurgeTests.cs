using System.Text.Json;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>Purges on real edges: through the index, and by hand on one that is alone.</summary>
public sealed class PurgeTests : IAsyncLifetime
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private readonly Stage _stage = new();
    private readonly ScriptedOrigin _origin;
    private volatile string _news = "old";

    public PurgeTests() => _origin = new ScriptedOrigin(call => call.AnswerAsync(
        call.Target.StartsWith("/news", StringComparison.Ordinal) ? _news : "other",
        $"Cache-Control: max-age=600\r\nSurrogate-Key: {(call.Target.StartsWith("/news", StringComparison.Ordinal)
            ? "news all-news" : "other")}\r\n"));

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _origin.DisposeAsync();
        await _stage.DisposeAsync();
    }

    [Fact]
    public async Task A_purge_reaches_every_edge_and_one_that_was_killed_applies_it_before_it_serves()
    {
        await _stage.IndexAsync("--data", _stage.MakeFolder("index"));
        string[] ids = ["CS1", "CS2"];
        Cache[] edges = await Task.WhenAll(ids.Select(StartAsync));
        foreach (Cache edge in edges) await UntilStoredAsync(edge, "/news/1", "/other");

        _news = "new";
        (int code, string said) = await PurgeAsync("--tag", "news");
        Assert.True(code == 0, said);
        Assert.All(ids, id => Assert.Contains($"{id}  tag news: purged in ", said, StringComparison.Ordinal));
        foreach (Cache edge in edges)
        {
            Assert.Equal("new", (await edge.GetAsync("/news/1")).Body);
            Assert.Contains("; hit", (await edge.GetAsync("/other")).Field("Cache-Status"), StringComparison.Ordinal);
            await UntilStoredAsync(edge, "/news/1");
        }

        edges[1].Process.Kill();
        await edges[1].Process.UntilEndAsync();
        _news = "newest";
        (code, said) = await PurgeAsync("https://www.example.org/nothing", "--soft", "--json");
        Assert.True(code == 0, said);
        using (JsonDocument results = JsonDocument.Parse(said))
        {
            JsonElement result = Assert.Single(results.RootElement.EnumerateArray());
            Assert.Equal(("url", true, 2), (result.GetProperty("kind").GetString(),
                result.GetProperty("soft").GetBoolean(), result.GetProperty("number").GetInt32()));
            Assert.Equal(["CS1 purged", "CS2 away"], result.GetProperty("servers").EnumerateArray()
                .Select(server => $"{server.GetProperty("id")} {server.GetProperty("state")}").Order());
        }
        (code, said) = await PurgeAsync("--prefix", "/news/");
        Assert.True(code == 0, said);
        Assert.Contains("CS1  prefix /news/: purged in ", said, StringComparison.Ordinal);
        Assert.Contains("CS2  prefix /news/: away", said, StringComparison.Ordinal);

        Cache again = await StartAsync("CS2");
        RawResponse other = await again.GetAsync("/other"), news = await again.GetAsync("/news/1");
        Assert.Contains("; hit", other.Field("Cache-Status"), StringComparison.Ordinal);
        Assert.Equal("newest", news.Body);
    }

    [Fact]
    public async Task With_the_index_gone_an_edge_serves_its_copies_and_the_verb_says_that_nobody_was_told()
    {
        Cache edge = await StartAsync("CS1");
        await UntilStoredAsync(edge, "/news/1");
        (int code, string said) = await PurgeAsync("--all");
        Assert.Equal(4, code);
        Assert.Contains("cannot be asked", said, StringComparison.Ordinal);
        (code, said) = await PurgeAsync("news");
        Assert.Equal(2, code);
        Assert.Contains("neither a path", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_edge_that_is_alone_is_purged_by_the_method_of_this_name()
    {
        Cache edge = await Cache.StartAsync(_stage, _origin.Url, "--cache", _stage.MakeFolder("copies"));
        (string Target, string Fields)[] ways =
        [
            ("/news/1", ""), ("/news/", "MicroCdn-Purge: prefix\r\n"), ("/", "MicroCdn-Purge: tag=all-news\r\n"),
            ("/news/1", "MicroCdn-Purge: soft\r\n"), ("/", "MicroCdn-Purge: all\r\n"),
        ];
        foreach ((string target, string fields) in ways)
        {
            await UntilStoredAsync(edge, "/news/1");
            int asked = _origin.CountOf("/news/1");
            RawResponse purged = await edge.AskAsync("PURGE", target, fields);
            Assert.True(purged.Status == 200, purged.Body);
            Assert.DoesNotContain("; hit", (await edge.GetAsync("/news/1")).Field("Cache-Status"),
                StringComparison.Ordinal);
            Assert.Equal(asked + 1, _origin.CountOf("/news/1"));
        }
        await UntilStoredAsync(edge, "/news/1");
        Assert.Equal(403, (await edge.AskAsync("PURGE", "/news/1", "X-Forwarded-For: 203.0.113.9\r\n")).Status);
        Assert.Equal(400, (await edge.AskAsync("PURGE", "/news/1", "MicroCdn-Purge: gently\r\n")).Status);
        Assert.Contains("; hit", (await edge.GetAsync("/news/1")).Field("Cache-Status"), StringComparison.Ordinal);
        Assert.DoesNotContain(_origin.Calls, call => call.Method == "PURGE");
    }

    [Fact]
    public async Task A_request_after_a_purge_shares_no_fetch_from_before_it()
    {
        TaskCompletionSource ends = new(TaskCreationOptions.RunContinuationsAsynchronously);
        int asked = 0;
        await using ScriptedOrigin origin = new(async call =>
        {
            bool isFirst = Interlocked.Increment(ref asked) == 1;
            if (isFirst) await ends.Task;
            await call.AnswerAsync(isFirst ? "old" : "new", "Cache-Control: max-age=600\r\n");
        });
        Cache edge = await Cache.StartAsync(_stage, origin.Url);
        Task<RawResponse> before = edge.GetAsync("/slow");
        await Stage.UntilAsync("the origin is asked", Soon, () => Task.FromResult(Volatile.Read(ref asked) == 1));
        Assert.Equal(200, (await edge.AskAsync("PURGE", "/slow")).Status);
        Assert.Equal("new", (await edge.GetAsync("/slow")).Body);
        ends.SetResult();
        Assert.Equal("old", (await before).Body);
        await UntilStoredAsync(edge, "/slow");
        Assert.Equal("new", (await edge.GetAsync("/slow")).Body);
    }

    private Task<Cache> StartAsync(string id) => Cache.StartAsync(_stage, _origin.Url,
        "--server-id", id, "--tcp-port", $"{Stage.FreePort()}", "--udp-port", $"{Stage.FreePort()}",
        "--index-port", $"{_stage.IndexPort}", "--monitor-tcp-port", $"{_stage.MonitorTcpPort}",
        "--monitor-udp-port", $"{_stage.MonitorUdpPort}", "--data", _stage.MakeFolder($"state of {id}"));

    private static async Task UntilStoredAsync(Cache edge, params string[] targets)
    {
        foreach (string target in targets)
        {
            await Stage.UntilAsync($"{target} is a hit", Soon, async () =>
                (await edge.GetAsync(target)).Field("Cache-Status")!.Contains("; hit", StringComparison.Ordinal));
        }
    }

    private async Task<(int Code, string Said)> PurgeAsync(params string[] what)
    {
        RunningProcess purge = _stage.MicroCdn(["purge", .. what, "--index-port", $"{_stage.IndexPort}"]);
        int code = await purge.UntilEndAsync(Soon);
        return (code, purge.Output);
    }
}
