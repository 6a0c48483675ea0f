using System.Globalization;
using MicroCdn.Http.Exchanges;
using MicroCdn.Network;
using Microsoft.Extensions.Logging.Abstractions;

namespace MicroCdn.Bench;

/// <summary>Measures what the access log and the counters of requests cost.</summary>
internal static class AccessLogs
{
    /// <summary>What the command's help says.</summary>
    public const string Help = "What the access log costs a server, by requests a processor-second with and without "
        + "it, and what log and counters cost a request inside one process; the bar for both is 5 %";

    private static readonly SampleFile[] Files = [SampleFile.OneKibibyte, SampleFile.SixteenKibibytes];

    public static void Run(Settings settings)
    {
        using Workspace workspace = new(settings);
        string folder = workspace.WriteFiles(Files), log = Path.Combine(workspace.MakeFolder("log"), "access.log");
        ContentServer with = Start(workspace, folder, "--access-log", log), without = Start(workspace, folder);
        foreach (ContentServer server in new[] { with, without })
        {
            server.Process.WaitUntilQuiet(settings.Patience(60));
        }
        new Contest(settings, "HTTP/1.1 over kept connections, with an access log and without, on the same core",
            Contestant("with a log", with), Contestant("without", without))
        {
            Peer = "without",
        }.Run(Files.Select(file => file with { Client = "copying" }));
        Inside(settings, Path.Combine(workspace.Folder, "inside.log"));
    }

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

    // From the bytes that came to those that leave, the thread that writes the log included.
    private static void Inside(Settings settings, string path)
    {
        using FileSink sink = new(path);
        Complaints complaints = new(NullLogger.Instance, TimeProvider.System);
        using AccessLog log = new(sink, LogForm.Combined, complaints, TimeProvider.System);
        using RequestNumbers numbers = new();
        log.Start();
        (string Name, IExchangeListener? Listener)[] ways =
            [("nobody", null), ("counters", numbers), ("log", log), ("both", new ExchangeListeners(numbers, log))];
        List<double>[] costs = [.. ways.Select(_ => new List<double>())];
        for (int round = -1; round < settings.Rounds; round++)
        {
            for (int way = 0; way < ways.Length; way++)
            {
                double cost = new InsideRequests(ways[way].Listener).Cost(settings.Quick ? 10_000 : 1_000_000);
                if (round >= 0) costs[way].Add(cost);
            }
        }
        Table table = new("Inside one process: a request for 1 KiB, by who hears of it",
            ["who", "processor time", "more than nobody"]);
        for (int way = 0; way < ways.Length; way++)
        {
            Spread more = Spread.Of(costs[way].Zip(costs[0], (mine, none) => mine - none));
            table.Add(ways[way].Name, Spread.Of(costs[way]).Show("N0", " ns"), more.Show("N0", " ns"));
        }
        table.Print(string.Create(CultureInfo.InvariantCulture, $"Lines that were dropped: {log.Missing}."));
    }

    private sealed class FileSink(string path) : ILogSink, IDisposable
    {
        private readonly FileStream _file = new(path, FileMode.Append, FileAccess.Write, FileShare.Read, 0);

        public void Write(ReadOnlySpan<byte> bytes) => _file.Write(bytes);

        public void Reopen()
        {
        }

        public void Dispose() => _file.Dispose();
    }
}
