using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>Purges where one cache asks another one before the origin.</summary>
public sealed class PurgedParentTests : IAsyncLifetime
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private readonly Stage _stage = new();
    private volatile string _news = "old";

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Fact]
    public async Task What_was_purged_does_not_come_back_from_a_parent_that_has_not_heard_of_it()
    {
        await using ScriptedOrigin origin = new(call => call.AnswerAsync(_news, "Cache-Control: max-age=600\r\n"));
        await _stage.IndexAsync();
        await using CutLine line = new(_stage.IndexPort);
        Cache parent = await StartAsync("CS1", origin, "--index-port", $"{line.Port}");
        Cache child = await StartAsync("CS2", origin, "--index-port", $"{_stage.IndexPort}",
            "--parent", $"CS1={parent.Url}");
        foreach (Cache cache in (Cache[])[child, parent, child]) Assert.Equal("old", (await cache.GetAsync("/a")).Body);
        Assert.Equal(1, origin.CountOf("/a"));

        line.Cut();
        _news = "new";
        await PurgeAsync();
        Assert.Equal("new", (await child.GetAsync("/a")).Body);
        Assert.Equal("old", (await parent.GetAsync("/a")).Body);
        Assert.Equal(2, origin.CountOf("/a"));

        // In step again, and asked again.
        line.Mend();
        await Stage.UntilAsync("the parent has heard of it", Soon,
            async () => (await parent.GetAsync("/a")).Body == "new");
        _news = "newest";
        await PurgeAsync();
        foreach (Cache cache in (Cache[])[child, parent]) Assert.Equal("newest", (await cache.GetAsync("/a")).Body);
        Assert.Equal(4, origin.CountOf("/a"));
        Assert.All(origin.Calls, call =>
            Assert.DoesNotContain("MicroCdn-Purged", call.Head, StringComparison.OrdinalIgnoreCase));
    }

    private async Task<Cache> StartAsync(string id, ScriptedOrigin origin, params string[] more)
    {
        Cache cache = await Cache.StartAsync(_stage, origin.Url, ["--server-id", id,
            "--tcp-port", $"{Stage.FreePort()}", "--udp-port", $"{Stage.FreePort()}",
            "--monitor-tcp-port", $"{_stage.MonitorTcpPort}", "--monitor-udp-port", $"{_stage.MonitorUdpPort}",
            "--data", _stage.MakeFolder($"state of {id}"), .. more]);
        await cache.Process.UntilLineAsync("is asked for purges");
        return cache;
    }

    private async Task PurgeAsync()
    {
        RunningProcess purge = _stage.MicroCdn("purge", "/a", "--index-port", $"{_stage.IndexPort}");
        await purge.UntilEndAsync(Soon);
        Assert.Contains("CS2  url /a: purged in ", purge.Output, StringComparison.Ordinal);
    }
}
