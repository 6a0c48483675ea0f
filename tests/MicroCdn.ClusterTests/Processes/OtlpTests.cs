using MicroCdn.ClusterTests.Tools;

namespace MicroCdn.ClusterTests.Processes;

/// <summary>What real processes measure reaches a collector, and one that is away hurts nobody.</summary>
public sealed class OtlpTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_cache_and_an_index_tell_a_collector_what_they_measure_when_they_begin_and_when_they_end()
    {
        await using Stage stage = new();
        await using ScriptedOrigin collector = new(call => call.AnswerAsync(""));
        await using ScriptedOrigin other = new(call => call.AnswerAsync(""));
        await using ScriptedOrigin origin = new(call => call.AnswerAsync("hello"));
        Cache cache = await Cache.StartAsync(stage, origin.Url, "--otlp", collector.Url);
        RunningProcess index = await stage.IndexAsync("--otlp", $"{other.Url}/");
        await UntilToldAsync(collector, "microcdn.cache.requests");
        await UntilToldAsync(other, "microcdn.index.files");
        Assert.Equal("hello", (await cache.GetAsync("/a/path")).Body);
        await EndAsync(cache.Process);
        foreach (string name in new[] { "http.server.request.duration", "microcdn.origin.duration" })
        {
            Assert.Contains(name, Sent(collector), StringComparison.Ordinal);
        }
        Assert.DoesNotContain("/a/path", Sent(collector), StringComparison.Ordinal);
        int calls = other.Calls.Count;
        await EndAsync(index);
        Assert.True(other.Calls.Count > calls, "nothing was told at the end");
        Assert.Contains($":{stage.IndexPort}", Sent(other), StringComparison.Ordinal);
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

    private static Task UntilToldAsync(ScriptedOrigin collector, string name) =>
        Stage.UntilAsync($"{name} is told", Patience, () =>
            Task.FromResult(Sent(collector).Contains(name, StringComparison.Ordinal)));

    private static string Sent(ScriptedOrigin collector) => string.Concat(
        collector.Calls.Where(call => call.Target == "/v1/metrics").Select(call => call.Body));
}
