using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using MicroCdn.Client;

namespace MicroCdn.Bench;

/// <summary>How many small files are published in a second, and how soon one that is acknowledged can be had.</summary>
/// <remarks>Each put is acknowledged when two servers have synced its bytes and the index its book. All is real
/// processes on every core of this machine, and this program on one of them.</remarks>
internal static class PublishTimes
{
    /// <summary>What the command's help says.</summary>
    public const string Help = "Puts of 4 KiB from 16 clients, durable on two servers and in the index's book (bar: 500 a "
        + "second), and how soon a file that was acknowledged is told by the index and had by HTTP (bar: p99 1 s)";

    public static void Run(Settings settings)
    {
        using Workspace workspace = new(settings);
        PublishFleet fleet = new(workspace, Puts.Copies);
        Machine.Say("warming up");
        Puts.PutFor(fleet.NewPublisher, settings.WarmUp / 3, "warm");
        PrintRate(settings, fleet);
        PrintVisible(settings, fleet);
    }

    private static void PrintRate(Settings settings, PublishFleet fleet)
    {
        Table table = new($"Puts of {Puts.FileBytes} bytes from {Puts.Clients} clients, durable on {Puts.Copies} "
            + "servers", "round", "puts a second", "failed", "p50, ms", "p99, ms", "index, CPU ms a put",
            "servers, CPU ms a put", "client, CPU ms a put", "load average");
        for (int round = 0; round < settings.Rounds; round++)
        {
            (TimeSpan index, TimeSpan servers) = fleet.ProcessorTime;
            TimeSpan own = Environment.CpuUsage.TotalTime;
            long began = Stopwatch.GetTimestamp();
            (List<double> times, int failed) = Puts.PutFor(fleet.NewPublisher, settings.Round, $"round-{round}");
            double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
            (TimeSpan indexAfter, TimeSpan serversAfter) = fleet.ProcessorTime;
            string[] at = PublishFleet.At(times, 50, 99);
            table.Add($"{round + 1}", $"{times.Count / seconds:N0}", $"{failed}", at[0], at[1],
                Each(indexAfter - index), Each(serversAfter - servers), Each(Environment.CpuUsage.TotalTime - own),
                PublishFleet.Load());

            string Each(TimeSpan time) =>
                (time.TotalMilliseconds / times.Count).ToString("N2", CultureInfo.InvariantCulture);
        }
        table.Print("Acknowledged: bytes and names synced on both servers, the book on the index; one disk for all "
            + "three.");
    }

    private static void PrintVisible(Settings settings, PublishFleet fleet)
    {
        List<double> put = [], located = [], servers = [], gateway = [];
        Publisher publisher = fleet.NewPublisher();
        using Conversation index = Puts.Greet(fleet.IndexPort);
        for (int time = 0; time < (settings.Quick ? 10 : 200); time++)
        {
            string name = $"seen/{time}";
            byte[] bytes = RandomNumberGenerator.GetBytes(Puts.FileBytes);
            long began = Stopwatch.GetTimestamp();
            Puts.PutAsync(publisher, name, bytes).GetAwaiter().GetResult();
            put.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
            long done = Stopwatch.GetTimestamp();
            located.Add(Puts.Until(done, () => Puts.CountServers(index, name) == Puts.Copies));
            servers.Add(Puts.Until(done, () => fleet.Servers.All(server => WebProbe.Has(server.Http, name, bytes))));
            gateway.Add(Puts.Until(done, () => WebProbe.Has(fleet.GatewayPort, name, bytes)));
        }
        Table table = new($"One put of {Puts.FileBytes} bytes after the other, {put.Count} of them", "what", "p50, ms",
            "p99, ms", "longest, ms", "bar, p99");
        Add("put, to its acknowledgement", put, "");
        Add("from there: the index names both servers (LOCATE)", located, "1000");
        Add("both servers give it out by HTTP", servers, "1000");
        Add("the gateway leads to it", gateway, "1000");
        table.Print($"Each clock starts at the acknowledgement, and the probes follow one another. Load average "
            + $"{PublishFleet.Load()}.");

        void Add(string what, List<double> times, string bar)
        {
            string[] at = PublishFleet.At(times, 50, 99, 100);
            table.Add(what, at[0], at[1], at[2], bar);
        }
    }
}

/// <summary>Asks for a file by HTTP, and goes on to where it is led.</summary>
internal static class WebProbe
{
    /// <summary>True when a server on the port, or one that it leads to, gives out these bytes.</summary>
    public static bool Has(int port, string name, ReadOnlySpan<byte> bytes)
    {
        using Conversation web = new(port);
        string status = web.Ask($"GET /{name} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r");
        (int length, int other) = (-1, 0);
        for (string line = web.ReadLine(); line.Length > 0; line = web.ReadLine())
        {
            string[] header = line.Split(": ", 2);
            if (header[0].Equals("Content-Length", StringComparison.OrdinalIgnoreCase))
                length = int.Parse(header[1], CultureInfo.InvariantCulture);
            if (header[0].Equals("Location", StringComparison.OrdinalIgnoreCase)) other = new Uri(header[1]).Port;
        }
        if (status.StartsWith("HTTP/1.1 30", StringComparison.Ordinal) && other > 0) return Has(other, name, bytes);
        if (!status.StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal) || length != bytes.Length) return false;
        byte[] body = new byte[length];
        web.ReadBytes(body);
        return bytes.SequenceEqual(body);
    }
}
