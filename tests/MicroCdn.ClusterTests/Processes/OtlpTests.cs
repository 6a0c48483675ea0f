using MicroCdn.ClusterTests.Tools;

namespace MicroCdn.ClusterTests.Processes;

/// <summary>What real processes measure reaches a collector over HTTP, and one that is away hurts nobody.</summary>
public sealed class OtlpTests
{
    [Fact]
    public async Task A_cache_and_an_index_tell_a_collector_what_they_measure_at_the_latest_when_they_end()
    {
        await using Stage stage = new();
        await using ScriptedOrigin collector = new(call => call.AnswerAsync(""));
        await using ScriptedOrigin origin = new(call => call.AnswerAsync("hello"));
        Cache cache = await Cache.StartAsync(stage, origin.Url, "--otlp", collector.Url);
        RunningProcess index = await stage.IndexAsync("--otlp", $"{collector.Url}/");
        Assert.Equal("hello", (await cache.GetAsync("/a/path")).Body);
        await EndAsync(cache.Process);
        Assert.Contains("http.server.request.duration", Sent(collector), StringComparison.Ordinal);
        Assert.Contains("microcdn.cache.requests", Sent(collector), StringComparison.Ordinal);
        Assert.DoesNotContain("microcdn.index.files", Sent(collector), StringComparison.Ordinal);
        await EndAsync(index);
        Assert.Contains("microcdn.index.files", Sent(collector), StringComparison.Ordinal);
        Assert.Contains($":{stage.IndexPort}", Sent(collector), StringComparison.Ordinal);
        Assert.DoesNotContain("/a/path", Sent(collector), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_collector_that_is_away_is_one_line_and_neither_requests_nor_the_end_wait_for_it()
    {
        await using Stage stage = new();
        await using ScriptedOrigin origin = new(call => call.AnswerAsync("hello"));
        Cache cache = await Cache.StartAsync(stage, origin.Url, "--otlp", $"http://127.0.0.1:{Stage.FreePort()}");
        for (int times = 0; times < 20; times++) Assert.Equal("hello", (await cache.GetAsync("/")).Body);
        await EndAsync(cache.Process);
        Assert.Single(cache.Process.Output.Split('\n'),
            line => line.Contains("metrics cannot be sent to the collector", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_a_collector_nothing_of_the_library_that_sends_is_loaded()
    {
        await using Stage stage = new();
        await using ScriptedOrigin origin = new(call => call.AnswerAsync("hello"));
        Cache cache = await Cache.StartAsync(stage, origin.Url);
        Assert.Equal("hello", (await cache.GetAsync("/")).Body);
        string loaded = await File.ReadAllTextAsync($"/proc/{cache.Process.Id}/maps");
        Assert.Contains("MicroCdn.Edge.dll", loaded, StringComparison.Ordinal);
        Assert.DoesNotContain("OpenTelemetry", loaded, StringComparison.Ordinal);
    }

    private static async Task EndAsync(RunningProcess process)
    {
        process.AskToEnd();
        Assert.Equal(0, await process.UntilEndAsync());
    }

    private static string Sent(ScriptedOrigin collector) => string.Concat(
        collector.Calls.Where(call => call.Target == "/v1/metrics").Select(call => call.Body));
}
