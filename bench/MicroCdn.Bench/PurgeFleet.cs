using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MicroCdn.Bench;

/// <summary>How long it takes until a purge that an operator sends to the index has reached every edge.</summary>
/// <remarks>Real processes, which may use every core: an index, and edges before one origin. The clock starts as the
/// line is sent. All edges are asked at once, again and again, for what is purged, until each has answered anew; the
/// receipts are read meanwhile. No purge is measured before each edge gave a receipt once.</remarks>
internal static class PurgeFleet
{
    /// <summary>The most edges: what a machine of a few cores starts in a minute.</summary>
    public const int Most = 50;

    private const int BodyBytes = 16;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static void Run(Settings settings, int edges)
    {
        using Workspace workspace = new(settings);
        using WebOrigin origin = new();
        (_, int index) = Index.Start(workspace, Machine.AllCores);
        Machine.Say($"starting {edges} edges");
        int[] ports = [.. Enumerable.Range(1, edges).Select(number => StartEdge(workspace, origin, index, number))];
        using Conversation operations = new(index);
        operations.Demand("HELLO 2", "WELCOME MICRO-CDN 2");
        WaitUntilAllAreKnown(operations, edges);
        using EdgeProbes probes = new(ports);
        Stopwatch watch = new();
        double[] anew = new double[settings.Times], receipts = new double[settings.Times];
        for (int time = 0; time < settings.Times; time++)
        {
            string target = $"/keep/{BodyBytes}/{time}";
            probes.WaitUntilKept(target, Patience);
            watch.Restart();
            Task<double> heard = Task.Run(() =>
            {
                if (Purge(operations, target) != edges) throw new BenchException("An edge gave no receipt.");
                return watch.Elapsed.TotalMilliseconds;
            });
            anew[time] = probes.TimeUntilAllAnswerAnew(target, watch, Patience);
            receipts[time] = heard.GetAwaiter().GetResult();
        }
        Table table = new($"Purge of one URL at {edges} edges, {settings.Times} times", "until", "p50, ms", "p90, ms",
            "longest, ms", "bar");
        Add(table, "every edge answers anew", anew);
        Add(table, "every receipt is with the operator", receipts);
        table.Print("An index, the edges and the origin on the cores of this machine, the purge in the index's log on "
            + "its disk and in each edge's on its own; asked for over the line protocol.");
    }

    private static void Add(Table table, string what, double[] times)
    {
        double[] sorted = [.. times.Order()];
        string[] shown = [.. new[] { sorted.Length / 2, sorted.Length * 9 / 10, sorted.Length - 1 }
            .Select(at => sorted[at].ToString("N1", CultureInfo.InvariantCulture))];
        table.Add(what, shown[0], shown[1], shown[2], "500");
    }

    private static int StartEdge(Workspace workspace, WebOrigin origin, int index, int number)
    {
        int port = Machine.FreePort();
        ServerProcess edge = workspace.StartRole(Machine.AllCores, "content", null,
            ["--server-id", $"B{number}", "--origin", origin.Url, "--http-port", $"{port}",
            "--tcp-port", $"{Machine.FreePort()}", "--udp-port", $"{Machine.FreePort()}", "--index-port", $"{index}",
            "--monitor-udp-port", $"{Machine.FreePort()}", "--monitor-tcp-port", $"{Machine.FreePort()}"]);
        edge.WaitFor("microcdn content", () => Conversation.Answers(
            port, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r", "HTTP/1.1 200 "));
        return port;
    }

    private static void WaitUntilAllAreKnown(Conversation operations, int edges)
    {
        long began = Stopwatch.GetTimestamp();
        while (Purge(operations, "/nothing") != edges)
        {
            if (Stopwatch.GetElapsedTime(began) > Patience) throw new BenchException("Not every edge asks for purges.");
            Machine.Wait(TimeSpan.FromSeconds(0.2));
        }
    }

    // How many edges gave a receipt.
    private static int Purge(Conversation operations, string target)
    {
        int receipts = 0;
        string line = operations.Ask($"PURGE hard url {target}");
        for (; line != "END"; line = operations.ReadLine())
        {
            if (line.StartsWith("ERROR", StringComparison.Ordinal)) throw new BenchException($"The index said {line}.");
            if (line.StartsWith("RECEIPT ", StringComparison.Ordinal)) receipts++;
        }
        return receipts;
    }

    /// <summary>A kept connection to each edge.</summary>
    private sealed class EdgeProbes(int[] ports) : IDisposable
    {
        private readonly Socket[] _sockets = [.. ports.Select(Connect)];
        private readonly byte[] _buffer = new byte[16 * 1024];

        public void WaitUntilKept(string target, TimeSpan patience)
        {
            long began = Stopwatch.GetTimestamp();
            foreach (Socket socket in _sockets)
            {
                for (Ask(socket, target); !IsHit(socket); Ask(socket, target))
                {
                    if (Stopwatch.GetElapsedTime(began) > patience) throw new BenchException("An edge keeps nothing.");
                }
            }
        }

        /// <summary>Asks all at once, until the last has answered with no copy; when that was, in
        /// milliseconds.</summary>
        public double TimeUntilAllAnswerAnew(string target, Stopwatch watch, TimeSpan patience)
        {
            List<Socket> left = [.. _sockets];
            while (true)
            {
                foreach (Socket socket in left) Ask(socket, target);
                left.RemoveAll(socket => !IsHit(socket));
                if (left.Count == 0) return watch.Elapsed.TotalMilliseconds;
                // The edges have something else to do on the same cores.
                Machine.Wait(TimeSpan.FromMilliseconds(2));
                if (watch.Elapsed > patience) throw new BenchException("An edge still has what was purged.");
            }
        }

        public void Dispose() => Array.ForEach(_sockets, socket => socket.Dispose());

        private static void Ask(Socket socket, string target) =>
            socket.Send(Encoding.ASCII.GetBytes($"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n"));

        private bool IsHit(Socket socket)
        {
            int length = 0;
            while (true)
            {
                int got = socket.Receive(_buffer.AsSpan(length));
                if (got == 0) throw new BenchException("An edge closed its connection.");
                length += got;
                int end = _buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8);
                if (end < 0 || length < end + 4 + BodyBytes) continue;
                if (!_buffer.AsSpan().StartsWith("HTTP/1.1 200 "u8))
                    throw new BenchException($"An edge answered {Encoding.ASCII.GetString(_buffer, 0, end)}.");
                return _buffer.AsSpan(0, end).IndexOf("; hit;"u8) >= 0;
            }
        }

        private static Socket Connect(int port)
        {
            Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            socket.Connect(new IPEndPoint(IPAddress.Loopback, port));
            return socket;
        }
    }
}
