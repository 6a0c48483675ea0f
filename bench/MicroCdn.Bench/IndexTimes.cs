using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using MicroCdn.Client;

namespace MicroCdn.Bench;

/// <summary>How soon a file that one of three indexes acknowledged is known to all three, and how many are published in
/// a second.</summary>
/// <remarks>Each put is acknowledged when two servers have synced its bytes, and Redis the change. All is real
/// processes on every core of this machine, and this program on one of them.</remarks>
internal static class IndexTimes
{
    /// <summary>What the command's help says.</summary>
    public const string Help = "Three indexes on one Redis: how soon a file that was acknowledged is told by every "
        + "index and had through every gateway (bar: p99 2 s), and puts of 4 KiB from 16 clients; needs redis-server";

    public static void Run(Settings settings)
    {
        using Workspace workspace = new(settings);
        IndexFleet fleet = new(workspace, RedisNodes.Alone(workspace).Url);
        Machine.Say("warming up");
        Puts.PutFor(fleet.NewPublisher, settings.WarmUp / 3, "warm");
        PrintRate(settings, fleet);
        int times = settings.Quick ? 10 : 500;
        Machine.Say($"publishing {times} files one after the other");
        PrintVisible(fleet, times, "alone", "while nobody else publishes");
        Machine.Say($"publishing {times} more while {Puts.Clients} clients publish too");
        using CancellationTokenSource enough = new();
        Task others = Task.Run(() => Puts.PutFor(fleet.NewPublisher, TimeSpan.FromHours(1), "beside", enough.Token));
        try
        {
            PrintVisible(fleet, times, "among", $"while {Puts.Clients} clients publish too");
        }
        finally
        {
            enough.Cancel();
            others.GetAwaiter().GetResult();
        }
    }

    private static void PrintRate(Settings settings, IndexFleet fleet)
    {
        Table table = new($"Puts of {Puts.FileBytes} bytes from {Puts.Clients} clients, durable on {Puts.Copies} "
            + $"servers and in Redis, {IndexFleet.Indexes} indexes", "round", "puts a second", "failed", "p50, ms",
            "p99, ms", "indexes, CPU ms a put", "servers, CPU ms a put", "client, CPU ms a put", "load average");
        for (int round = 0; round < settings.Rounds; round++)
        {
            (TimeSpan indexes, TimeSpan servers) = fleet.ProcessorTime;
            TimeSpan own = Environment.CpuUsage.TotalTime;
            long began = Stopwatch.GetTimestamp();
            (List<double> times, int failed) = Puts.PutFor(fleet.NewPublisher, settings.Round, $"round-{round}");
            double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
            (TimeSpan indexesAfter, TimeSpan serversAfter) = fleet.ProcessorTime;
            string[] at = PublishFleet.At(times, 50, 99);
            table.Add($"{round + 1}", $"{times.Count / seconds:N0}", $"{failed}", at[0], at[1],
                Each(indexesAfter - indexes), Each(serversAfter - servers),
                Each(Environment.CpuUsage.TotalTime - own), PublishFleet.Load());

            string Each(TimeSpan time) =>
                (time.TotalMilliseconds / times.Count).ToString("N2", CultureInfo.InvariantCulture);
        }
        table.Print("Acknowledged: bytes and names synced on both servers, the change in Redis (appendfsync always); "
            + "one disk for all.");
    }

    private static void PrintVisible(IndexFleet fleet, int times, string prefix, string when)
    {
        List<double> put = [], located = [], gateways = [];
        Publisher publisher = fleet.NewPublisher();
        Conversation[] indexes = [.. fleet.Ports.Select(Puts.Greet)];
        try
        {
            for (int time = 0; time < times; time++)
            {
                string name = $"{prefix}/{time}";
                byte[] bytes = RandomNumberGenerator.GetBytes(Puts.FileBytes);
                long began = Stopwatch.GetTimestamp();
                Puts.PutAsync(publisher, name, bytes).GetAwaiter().GetResult();
                put.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
                long done = Stopwatch.GetTimestamp();
                located.Add(UntilAll(done, indexes, index => Puts.CountServers(index, name) == Puts.Copies));
                gateways.Add(UntilAll(done, fleet.Gateways, port => WebProbe.Has(port, name, bytes)));
            }
        }
        finally
        {
            foreach (Conversation index in indexes) index.Dispose();
        }
        Table table = new($"{times} puts of {Puts.FileBytes} bytes, one after the other, {when}", "what", "p50, ms",
            "p99, ms", "longest, ms", "bar, p99");
        Add("put, to its acknowledgement", put, "");
        Add("from there: all three indexes name both servers (LOCATE)", located, "2000");
        Add("all three gateways lead to the bytes (HTTP)", gateways, "2000");
        table.Print($"Each clock starts at the acknowledgement, and the probes follow one another. Load average "
            + $"{PublishFleet.Load()}.");

        void Add(string what, List<double> took, string bar)
        {
            string[] at = PublishFleet.At(took, 50, 99, 100);
            table.Add(what, at[0], at[1], at[2], bar);
        }
    }

    private static double UntilAll<T>(long began, IEnumerable<T> all, Predicate<T> has)
    {
        List<T> left = [.. all];
        return Puts.Until(began, () =>
        {
            left.RemoveAll(has);
            return left.Count == 0;
        });
    }
}
