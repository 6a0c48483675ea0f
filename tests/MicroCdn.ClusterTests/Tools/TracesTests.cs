using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>One request of curl, followed from the gateway by the cache to the origin as one trace.</summary>
[Trait("Needs", "curl")]
public sealed class TracesTests
{
    private const string Trace = "4bf92f3577b34da6a3ce929d0e0e4736", Client = "00f067aa0ba902b7";

    [Fact]
    public async Task Gateway_cache_and_origin_are_one_trace_that_the_client_began_and_it_decides_whether()
    {
        await using Stage stage = new();
        await using ScriptedOrigin collector = new(call => call.AnswerAsync(""));
        await using ScriptedOrigin origin = new(call =>
            call.AnswerAsync("hello", "Cache-Control: max-age=60\r\n", call.Target == "/bad" ? "500 No" : "200 OK"));
        int gateway = Stage.FreePort();
        RunningProcess index = await stage.IndexAsync("--http-port", $"{gateway}", "--otlp", collector.Url);
        Cache cache = await Cache.StartMemberAsync(
            stage, "CS1", Stage.FreePort(), origin.Url, "--otlp", collector.Url);
        await Stage.UntilAsync("the gateway sends clients there", TimeSpan.FromSeconds(30), async () =>
            await CurlAsync("-o", "/dev/null", "-w", "%{http_code}", Url("/first")) == "302");

        string Url(string target) => $"http://127.0.0.1:{gateway}{target}";
        async Task<string> CurlAsync(params string[] words) =>
            (await ToolRun.OfAsync(stage.Folder, "curl", ["--disable", "-sS", .. words])).Succeeded().Text;
        Task<string> AskAsync(string target, string flags) => CurlAsync("-L", Url(target),
            "-H", $"traceparent: 00-{Trace}-{Client}-{flags}", "-H", "tracestate: congo=t61");

        Assert.Equal("hello", await AskAsync("/page?key=SECRET", "01"));
        // The client may have the last byte before the copy is put away.
        await Stage.UntilAsync("there is a copy", TimeSpan.FromSeconds(30), async () =>
            (await cache.GetAsync("/page?key=SECRET")).Field("Cache-Status")!.Contains("; hit", StringComparison.Ordinal));
        Assert.Equal("hello", await AskAsync("/page?key=SECRET", "01"));
        await AskAsync("/bad", "01");
        Assert.Equal("hello", await AskAsync("/quiet", "00"));
        Assert.Equal("hello", await AskAsync("/odd", "xx"));
        await UntilTheyCameAsync(collector, spans: 8);
        foreach (RunningProcess process in new[] { index, cache.Process })
        {
            process.AskToEnd();
            Assert.Equal(0, await process.UntilEndAsync());
        }
        SentSpan[] spans = SentSpan.Of(collector);
        Assert.All(spans, span => Assert.Equal(Trace, span.Trace));
        SentSpan[] page = [.. spans.Where(span => span.Says("/page"))];
        Assert.Equal(["GET", "GET pull", "GET pull", "GET redirect", "GET redirect"],
            page.Select(span => span.Name).Order(StringComparer.Ordinal));
        Assert.All(page.Where(span => span.Kind == "server"), span => Assert.Equal(Client, span.Parent));
        SentSpan asked = Assert.Single(page, span => span.Kind == "client");
        Assert.Contains(page, span => span.Id == asked.Parent && span.Name == "GET pull" && span.Says("miss"));
        Assert.Contains(page, span => span.Name == "GET pull" && span.Says("hit"));
        Assert.Equal($"00-{Trace}-{asked.Id}-01", FieldAt("/page?key=SECRET", "traceparent"));
        Assert.Equal("congo=t61", FieldAt("/page?key=SECRET", "tracestate"));
        Assert.All(spans, span => Assert.False(span.Says("SECRET")));
        Assert.Equal(2, spans.Count(span => span.Says("/bad") && span.Says("error.type")));
        // What nobody records goes on as it came.
        Assert.DoesNotContain(spans, span => span.Says("/quiet") || span.Says("/odd") || span.Says("/first"));
        Assert.Equal($"00-{Trace}-{Client}-00", FieldAt("/quiet", "traceparent"));
        Assert.Equal($"00-{Trace}-{Client}-xx", FieldAt("/odd", "traceparent"));

        string? FieldAt(string target, string name) =>
            origin.Calls.First(call => call.Target == target).Field(name);
    }

    [Fact]
    public async Task With_a_ratio_of_one_a_request_that_says_nothing_begins_a_trace_that_the_origin_hears_of()
    {
        await using Stage stage = new();
        await using ScriptedOrigin collector = new(call => call.AnswerAsync(""));
        await using ScriptedOrigin origin = new(call => call.AnswerAsync("hello"));
        Cache cache = await Cache.StartAsync(stage, origin.Url, "--otlp", collector.Url, "--trace-ratio", "1");
        Assert.Equal("hello", (await cache.GetAsync("/page")).Body);
        await UntilTheyCameAsync(collector, spans: 2);
        cache.Process.AskToEnd();
        Assert.Equal(0, await cache.Process.UntilEndAsync());
        SentSpan[] spans = SentSpan.Of(collector);
        SentSpan asked = Assert.Single(spans, span => span.Kind == "client"), root = Assert.Single(
            spans, span => span.Parent.Length == 0);
        Assert.Equal((root.Trace, root.Id), (asked.Trace, asked.Parent));
        Assert.Equal($"00-{root.Trace}-{asked.Id}-01", origin.Calls.Single().Field("traceparent"));
    }

    // A process that ends waits five seconds for its collector, which a busy machine may need for the first call.
    private static Task UntilTheyCameAsync(ScriptedOrigin collector, int spans) =>
        Stage.UntilAsync($"{spans} spans came", TimeSpan.FromSeconds(60), () =>
            Task.FromResult(SentSpan.Of(collector).Length >= spans));
}
