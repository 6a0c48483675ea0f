using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using MicroCdn.Client;
using MicroCdn.Network;

namespace MicroCdn.Bench;

/// <summary>How soon all copies are back after one of five servers is lost, against what the disk and loopback take,
/// and what that does to downloads.</summary>
/// <remarks>All is real processes on this machine, with one disk for all.</remarks>
internal static class HealTimes
{
    /// <summary>What the command's help says.</summary>
    public const string Help = "10,000 files of 1 MiB with two copies each on five servers, one killed by kill -9 with no "
        + "waiting period: time until all copies are back (bar: half of the disk's or loopback's speed), and "
        + "downloads meanwhile; --objects for fewer files";

    private const int Servers = 5, Copies = 2, Clients = 8;
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(20);

    public static void Run(Settings settings)
    {
        int files = settings.Objects ?? (settings.Quick ? 200 : 10_000);
        int size = settings.Quick ? 64 << 10 : 1 << 20;
        using Workspace workspace = new(settings);
        (ServerProcess _, int port) = Index.Start(workspace, Machine.AllCores, "--heal-after", "0");
        ServerProcess[] servers = [.. Enumerable.Range(1, Servers).Select(number => Start(workspace, number, port))];
        Publisher publisher = new(new ClientOptions { IndexHost = "127.0.0.1", IndexPort = port }, null,
            new TcpDialer(TimeProvider.System), TimeProvider.System);
        WaitUntilAllTake(port);
        Machine.Say($"publishing {files} files of {size >> 10} KiB");
        PutAll(publisher, files, size);
        CopyStatus before = Until(publisher, status => status.Missing == 0 && status.BytesLeft == 0);
        long lost = before.Servers.First(server => server.Id == "B1").Copies;
        double disk = PlainCopy(workspace, Math.Clamp(lost * size, 1 << 20, 2L << 30)), loopback = Loopback();
        List<double> usual = Download(port, files, () => settings.Patience(10), out _);

        Machine.Say($"killing a server with {lost} copies");
        const int Kill = 9;
        _ = Libc.Kill(servers[0].Number, Kill);
        long began = Stopwatch.GetTimestamp();
        using CancellationTokenSource healed = new();
        List<double> meanwhile = [];
        int failed = 0;
        Thread downloads = new(() => meanwhile = Download(
            port, files, () => healed.IsCancellationRequested ? TimeSpan.Zero : TimeSpan.FromDays(1), out failed));
        downloads.Start();
        Until(publisher, status => status.Missing > 0);
        double noticed = Stopwatch.GetElapsedTime(began).TotalSeconds;
        Until(publisher, status => status is { Missing: 0, BytesLeft: 0 }
            && status.Servers.Any(server => server is { Id: "B1", State: "dead" }));
        double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        healed.Cancel();
        downloads.Join();
        Print(lost, size, noticed, seconds, disk, loopback);
        Print(usual, meanwhile, failed);
    }

    private static ServerProcess Start(Workspace workspace, int number, int index) => workspace.StartRole(
        Machine.AllCores, "content", null, ["--server-id", $"B{number}", "--tcp-port", $"{Machine.FreePort()}",
        "--udp-port", $"{Machine.FreePort()}", "--index-port", $"{index}", "--monitor-udp-port",
        $"{Machine.FreePort()}", "--monitor-tcp-port", $"{Machine.FreePort()}"]);

    private static void WaitUntilAllTake(int port)
    {
        string digest = new string('0', 63) + "1";
        for (int look = 0; look < 300; look++)
        {
            using Conversation conversation = new(port);
            conversation.Demand("HELLO 2", "WELCOME MICRO-CDN 2");
            if (!conversation.Ask($"PLACE probe 1 sha256={digest} replicas={Servers}").StartsWith("ERROR")) return;
            Machine.Wait(TimeSpan.FromSeconds(0.2));
        }
        throw new BenchException("Not every server takes files.");
    }

    private static void PutAll(Publisher publisher, int files, int size)
    {
        int next = 0;
        Task.WaitAll([.. Enumerable.Range(0, Clients).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Increment(ref next) is var number && number <= files)
            {
                using MemoryStream bytes = new(RandomNumberGenerator.GetBytes(size));
                await publisher.PutAsync(PublishFleet.NameOf(NameOf(number)), bytes,
                    new PutOptions { Replicas = Copies }, null, CancellationToken.None).ConfigureAwait(false);
            }
        }))]);
    }

    private static string NameOf(int number) => string.Create(CultureInfo.InvariantCulture, $"heal/{number}");

    private static CopyStatus Until(Publisher publisher, Func<CopyStatus, bool> holds)
    {
        long began = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(began) < TimeSpan.FromHours(1))
        {
            CopyStatus status = CopyStatus.AskAsync(publisher, CancellationToken.None).GetAwaiter().GetResult();
            if (holds(status)) return status;
            Machine.Wait(TimeSpan.FromSeconds(0.1));
        }
        throw new BenchException("The copies do not come back.");
    }

    // Bytes a second of one large file, the fastest of some: in memory that the machine takes from its host only then
    // a plain copy is several times slower than past the page cache, or in memory that was just given back.
    private static double PlainCopy(Workspace workspace, long bytes)
    {
        string folder = workspace.MakeFolder("plain");
        string from = Path.Combine(folder, "from"), to = Path.Combine(folder, "to");
        byte[] piece = RandomNumberGenerator.GetBytes(1 << 20);
        using (FileStream file = File.Create(from))
        {
            for (long written = 0; written < bytes; written += piece.Length) file.Write(piece);
        }
        double best = 0;
        foreach (string[] flags in new string[][] { [], ["oflag=direct"], [], ["oflag=direct"] })
        {
            long began = Stopwatch.GetTimestamp();
            Tool.Run("dd", TimeSpan.FromMinutes(10), [$"if={from}", $"of={to}", "bs=1M", "conv=fsync", .. flags]);
            double speed = bytes / Stopwatch.GetElapsedTime(began).TotalSeconds;
            Machine.Say($"dd {string.Join(' ', flags)}: {speed / (1 << 20):N0} MiB/s");
            best = Math.Max(best, speed);
            File.Delete(to);
        }
        Directory.Delete(folder, recursive: true);
        return best;
    }

    // Bytes a second over one connection.
    private static double Loopback()
    {
        const long Bytes = 2L << 30;
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        using TcpClient client = new();
        client.Connect((IPEndPoint)listener.LocalEndpoint);
        using TcpClient other = listener.AcceptTcpClient();
        byte[] piece = new byte[256 << 10], sink = new byte[256 << 10];
        long began = Stopwatch.GetTimestamp();
        Thread sending = new(() =>
        {
            for (long sent = 0; sent < Bytes; sent += piece.Length) other.GetStream().Write(piece);
        });
        sending.Start();
        for (long read = 0; read < Bytes;) read += client.GetStream().Read(sink);
        sending.Join();
        return Bytes / Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    // One download after the other, with a pause between, each from where the index says; in milliseconds.
    private static List<double> Download(int port, int files, Func<TimeSpan> howLong, out int failed)
    {
        List<double> times = [];
        failed = 0;
        Random chance = new(1);
        long began = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(began) < howLong())
        {
            string name = NameOf(chance.Next(1, files + 1));
            long asked = Stopwatch.GetTimestamp();
            try
            {
                Fetch(port, name);
                times.Add(Stopwatch.GetElapsedTime(asked).TotalMilliseconds);
            }
            catch (Exception exception) when (exception is IOException or SocketException or BenchException)
            {
                // As one does who goes by a stale answer; a client of ours would turn to the next server.
                failed++;
            }
            Machine.Wait(Between);
        }
        return times;
    }

    private static void Fetch(int port, string name)
    {
        using Conversation index = new(port);
        string[] words = index.Ask($"GET {name}").Split(' ');
        if (words is not ["SERVER", _, { } at, ..]) throw new BenchException("nobody has it");
        using Conversation server = new(int.Parse(at, CultureInfo.InvariantCulture));
        string head = server.Ask($"GET {name}");
        if (!head.StartsWith("OK ", StringComparison.Ordinal)) throw new BenchException(head);
        server.ReadBytes(new byte[int.Parse(head[3..], CultureInfo.InvariantCulture)]);
    }

    private static void Print(long lost, int size, double noticed, double seconds, double disk, double loopback)
    {
        const double Mib = 1 << 20;
        double healed = lost * (double)size / (seconds - noticed);
        Table table = new($"One of {Servers} servers killed, {lost} copies of {size >> 10} KiB lost", "what", "figure");
        table.Add("noticed after, s", noticed.ToString("N2", CultureInfo.InvariantCulture));
        table.Add("all copies back after, s", seconds.ToString("N1", CultureInfo.InvariantCulture));
        table.Add("copied, MiB a second", (healed / Mib).ToString("N1", CultureInfo.InvariantCulture));
        table.Add("plain copy by dd with fsync, fastest of 4, MiB a second",
            (disk / Mib).ToString("N1", CultureInfo.InvariantCulture));
        table.Add("loopback, MiB a second", (loopback / Mib).ToString("N0", CultureInfo.InvariantCulture));
        table.Add("of the slower of these (bar: 50 %)",
            (healed / Math.Min(disk, loopback)).ToString("P0", CultureInfo.InvariantCulture));
        table.Print($"Load average {PublishFleet.Load()}.");
    }

    private static void Print(List<double> usual, List<double> meanwhile, int failed)
    {
        Table table = new("Downloads one after the other, 20 ms between", "when", "downloads", "failed", "p50, ms",
            "p99, ms");
        foreach ((string when, List<double> times, int bad) in new[]
        {
            ("before", usual, 0), ("while copies are made", meanwhile, failed),
        })
        {
            if (times.Count == 0) continue;
            string[] at = PublishFleet.At(times, 50, 99);
            table.Add(when, $"{times.Count}", $"{bad}", at[0], at[1]);
        }
        table.Print("Failed: the index named the lost server in the moment before it noticed, and this client does not "
            + "turn to another.");
    }
}
