using MicroCdn.Admin.Otlp;
using MicroCdn.Http.Exchanges;
using MicroCdn.Http.Tracing;
using Microsoft.Extensions.Logging.Abstractions;

namespace MicroCdn.Bench;

/// <summary>Measures what it costs to send metrics and traces to a collector.</summary>
internal static class Telemetry
{
    /// <summary>What the command's help says.</summary>
    public const string Help = "What `--otlp` costs a server, by requests a processor-second with and without it, and "
        + "what the instruments and a span cost a request inside one process";

    private const string TraceParent = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";

    // So many are recorded in a second at most.
    private const int Spans = Tracer.MostPerSecond;

    private static readonly SampleFile[] Files = [SampleFile.OneKibibyte, SampleFile.SixteenKibibytes];

    public static void Run(Settings settings)
    {
        using Workspace workspace = new(settings);
        using Collector collector = new();
        string folder = workspace.WriteFiles(Files);
        ContentServer without = Start(workspace, folder), metrics = Start(workspace, folder, "--otlp", collector.Url),
            traces = Start(workspace, folder, "--otlp", collector.Url, "--trace-ratio", "1");
        foreach (ContentServer server in new[] { without, metrics, traces })
        {
            server.Process.WaitUntilQuiet(settings.Patience(60));
        }
        Play(settings, "metrics", metrics, without);
        Play(settings, "metrics and 1,000 traces a second", traces, without);
        if (collector.Bytes == 0) throw new BenchException("Nothing reached the collector.");
        Inside(settings, collector);
    }

    private static void Play(Settings settings, string what, ContentServer with, ContentServer without) =>
        new Contest(settings, $"HTTP/1.1 over kept connections, with {what} sent and without, on the same core",
            Contestant("with", with), Contestant("without", without)) { Peer = "without" }
            .Run(Files.Select(file => file with { Client = "copying" }));

    private static ContentServer Start(Workspace workspace, string folder, params string[] more)
    {
        ContentServer server =
            ContentServer.Begin(workspace, $"{Machine.ServerCore}", folder, state: null, certificate: null, more);
        server.Process.WaitFor("microcdn content",
            () => Conversation.Answers(server.LinePort, $"GET {Files[0].Name}", "OK "));
        return server;
    }

    private static Contestant Contestant(string name, ContentServer server) => new(name, server.Process, file =>
        new LoadClient(server.HttpPort, new Demand(Requests.ForHttp(file, keep: true), file.Connections)
        {
            Keeps = true, Copies = true,
        }));

    private static void Inside(Settings settings, Collector collector)
    {
        using OtlpSender sender = new(new OtlpTarget(new Uri(collector.Url), IsGrpc: false), NullLogger.Instance);
        using RequestNumbers numbers = new();
        ExchangeListeners told = new(numbers, sender.DurationsOf("B"));
        sender.Start([], "bench", "0");
        int many = settings.Quick ? 10_000 : 1_000_000, runs = settings.Quick ? 1 : 20;
        SteppingClock clock = new();
        InsideRequests recorded = new(told, sender.Tracer, TraceParent, clock);
        (string Name, Func<double> Cost)[] ways =
        [
            ("counters alone", () => new InsideRequests(numbers).Cost(many)),
            ("the instrument too", () => new InsideRequests(told).Cost(many)),
            ("with a look for traceparent", () => new InsideRequests(told, sender.Tracer).Cost(many)),
            ("recorded and sent", () => Enumerable.Range(0, runs).Average(_ =>
            {
                clock.Step();
                return recorded.Cost(Spans, () => sender.Flush());
            })),
        ];
        List<double>[] costs = [.. ways.Select(_ => new List<double>())];
        for (int round = -1; round < settings.Rounds; round++)
        {
            for (int way = 0; way < ways.Length; way++)
            {
                double cost = ways[way].Cost();
                if (round >= 0) costs[way].Add(cost);
            }
        }
        Table table = new("Inside one process, all its threads: a request for 1 KiB",
            ["what is done", "processor time", "more than counters alone"]);
        for (int way = 0; way < ways.Length; way++)
        {
            Spread more = Spread.Of(costs[way].Zip(costs[0], (mine, none) => mine - none));
            table.Add(ways[way].Name, Spread.Of(costs[way]).Show("N0", " ns"), more.Show("N0", " ns"));
        }
        table.Print("What takes them in, a collector that keeps nothing, is a thread of the same process.");
    }

    // Stands still, so that as many are recorded as may be in a second.
    private sealed class SteppingClock : TimeProvider
    {
        private long _seconds = 1;

        public void Step() => _seconds++;

        public override long GetTimestamp() => _seconds * TimestampFrequency;
    }
}
