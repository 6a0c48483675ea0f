using System.Diagnostics;
using System.Globalization;
using MicroCdn.Client;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Bench;

/// <summary>An index with its gateway and some content servers that keep what is published, as real processes on every
/// core.</summary>
internal sealed class PublishFleet
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public PublishFleet(Workspace workspace, int servers)
    {
        GatewayPort = Machine.FreePort();
        (Index, IndexPort) = MicroCdn.Bench.Index.Start(
            workspace, Machine.AllCores, "--http-port", $"{GatewayPort}");
        Servers = [.. Enumerable.Range(1, servers).Select(number => Start(workspace, number))];
        WaitUntilAllTake(servers);
    }

    public ServerProcess Index { get; }

    public int IndexPort { get; }

    public int GatewayPort { get; }

    /// <summary>The content servers, with their HTTP and line ports.</summary>
    public IReadOnlyList<(ServerProcess Process, int Http, int Lines)> Servers { get; }

    /// <summary>Whoever publishes, on connections of his own.</summary>
    public Publisher NewPublisher() => new(
        new ClientOptions { IndexHost = "127.0.0.1", IndexPort = IndexPort }, null,
        new TcpDialer(TimeProvider.System), TimeProvider.System);

    /// <summary>Processor time of index and content servers so far.</summary>
    public (TimeSpan Index, TimeSpan Servers) ProcessorTime => (Index.ProcessorTime,
        TimeSpan.FromTicks(Servers.Sum(server => server.Process.ProcessorTime.Ticks)));

    /// <summary>A name of a file of these benchmarks.</summary>
    public static FileName NameOf(string text) =>
        FileName.TryCreate(System.Text.Encoding.UTF8.GetBytes(text), out FileName name) ? name
            : throw new BenchException($"'{text}' is no name.");

    /// <summary>What the machine does beside.</summary>
    public static string Load() => File.ReadAllText("/proc/loadavg").Split(' ')[0];

    /// <summary>The times at these parts of a hundred, in milliseconds.</summary>
    public static string[] At(List<double> times, params int[] percents)
    {
        double[] sorted = [.. times.Order()];
        return [.. percents.Select(percent => sorted[Math.Min(sorted.Length - 1, sorted.Length * percent / 100)]
            .ToString("N1", CultureInfo.InvariantCulture))];
    }

    private (ServerProcess Process, int Http, int Lines) Start(Workspace workspace, int number)
    {
        (int http, int lines) = (Machine.FreePort(), Machine.FreePort());
        ServerProcess server = workspace.StartRole(Machine.AllCores, "content", null,
            ["--server-id", $"B{number}", "--http-port", $"{http}", "--tcp-port", $"{lines}",
            "--udp-port", $"{Machine.FreePort()}", "--index-port", $"{IndexPort}",
            "--monitor-udp-port", $"{Machine.FreePort()}", "--monitor-tcp-port", $"{Machine.FreePort()}"]);
        return (server, http, lines);
    }

    // Until a copy can be had from each of them.
    private void WaitUntilAllTake(int servers)
    {
        string size = new('0', FileDigest.Length * 2 - 1);
        long began = Stopwatch.GetTimestamp();
        while (true)
        {
            using Conversation conversation = new(IndexPort);
            conversation.Demand("HELLO 2", "WELCOME MICRO-CDN 2");
            if (!conversation.Ask($"PLACE probe 1 sha256={size}1 replicas={servers}").StartsWith("ERROR"))
            {
                return;
            }
            if (Stopwatch.GetElapsedTime(began) > Patience) throw new BenchException("Not every server takes files.");
            Machine.Wait(TimeSpan.FromSeconds(0.2));
        }
    }
}
