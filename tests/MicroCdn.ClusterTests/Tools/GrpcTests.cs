using System.Text;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>What a real process measures reaches a collector on the server of the gRPC project.</summary>
[Trait("Needs", "python3-grpcio")]
public sealed class GrpcTests
{
    private const string Metrics = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
    private const string Traces = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

    [Fact]
    public async Task A_collector_that_speaks_gRPC_gets_metrics_and_traces_and_a_refusal_is_one_line_of_the_log()
    {
        await using Stage stage = new();
        await using ScriptedOrigin origin = new(call => call.AnswerAsync("hello"));
        // Debian's own: another python3 does not find Debian's packages.
        RunningProcess collector =
            stage.Run("/usr/bin/python3", Path.Combine(SourceTree.Root, "tests/peers/grpc_collector.py"));
        string port = (await collector.UntilLineAsync("READY ")).Split(' ')[1];
        Cache cache = await Cache.StartAsync(
            stage, origin.Url, "--otlp", $"grpc://127.0.0.1:{port}", "--trace-ratio", "1");
        Assert.Equal("hello", (await cache.GetAsync("/a/path")).Body);
        await Stage.UntilAsync("both signals came", TimeSpan.FromSeconds(60), () => Task.FromResult(
            Says(Metrics, "microcdn.cache.requests") && Says(Traces, "/a/path")));
        await File.WriteAllTextAsync(Path.Combine(stage.Folder, "refuse"), "");
        cache.Process.AskToEnd();
        Assert.Equal(0, await cache.Process.UntilEndAsync());
        Assert.Single(cache.Process.Output.Split('\n'), line => line.Contains(
            $"metrics cannot be sent to the collector at 127.0.0.1:{port}", StringComparison.Ordinal));
        Assert.DoesNotContain("traces cannot", cache.Process.Output, StringComparison.Ordinal);

        bool Says(string path, string word) => collector.Output.Split('\n').Select(line => line.Split(' '))
            .Any(words => words is ["CALL", var called, var message] && called == path && Encoding.Latin1.GetString(
                Convert.FromHexString(message)).Contains(word, StringComparison.Ordinal));
    }
}
