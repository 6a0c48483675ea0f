using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using MicroCdn.Client;

namespace MicroCdn.Bench;

/// <summary>Downloads while one of three servers is killed every two seconds: what fails, what differs, what is fetched
/// twice, and how long a download stands still.</summary>
internal static class Survive
{
    private const int AtOnce = 4;
    private static readonly SampleFile File = new("eight-mib.bin", "8 MiB", 8 << 20, AtOnce);
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    public static void Run(Settings settings)
    {
        int wanted = settings.Quick ? 200 : 10_000;
        using Workspace workspace = new(settings);
        string folder = workspace.WriteFiles(File);
        byte[] right = System.IO.File.ReadAllBytes(Path.Combine(folder, File.Name));
        MortalFleet fleet = new(workspace, folder, servers: 3);
        fleet.WaitUntilKnown(File.Name);
        using CdnClient client = new(new ClientOptions { IndexHost = "127.0.0.1", IndexPort = fleet.IndexPort });

        ConcurrentBag<Attempt> attempts = [];
        using CancellationTokenSource over = new();
        int kills = 0;
        Task killing = Task.Run(async () =>
        {
            for (; !over.IsCancellationRequested; kills++)
            {
                await Task.Delay(Interval, TimeProvider.System);
                if (!over.IsCancellationRequested) fleet.KillAndRestart(kills);
            }
        });
        Machine.Say($"{wanted} downloads of {File.Label}, {AtOnce} at a time");
        int next = 0;
        Task[] loops = [.. Enumerable.Range(0, AtOnce).Select(loop => Task.Run(async () =>
        {
            string target = Path.Combine(workspace.Folder, "got", $"{loop}.bin");
            while (Interlocked.Increment(ref next) <= wanted) attempts.Add(await TryAsync(client, target, right));
        }))];
        Task.WaitAll(loops);
        over.Cancel();
        killing.Wait();
        Print(attempts, kills);
    }

    private static async Task<Attempt> TryAsync(CdnClient client, string target, byte[] right)
    {
        Watch watch = new();
        try
        {
            DownloadResult result =
                await client.DownloadAsync(File.Name, target, new DownloadOptions { Progress = watch });
            watch.Look();
            bool same = right.AsSpan().SequenceEqual(System.IO.File.ReadAllBytes(target));
            return new Attempt(null, same, result.Repeated, watch.Longest);
        }
        catch (CdnException failure)
        {
            return new Attempt(failure.Message, true, 0, watch.Longest);
        }
    }

    private static void Print(ConcurrentBag<Attempt> attempts, int kills)
    {
        string[] failures = [.. attempts.Where(one => one.Failure is not null).Select(one => one.Failure!)];
        double[] stalls = [.. attempts.Select(one => one.Stall.TotalMilliseconds).Order()];
        long[] repeated = [.. attempts.Select(one => one.Repeated)];
        Table table = new("Downloads of 8 MiB while one of three servers is killed every 2 s", "figure", "measured", "bar");
        table.Add("downloads", $"{attempts.Count}", "10000");
        table.Add("kills", $"{kills}", "-");
        table.Add("failed", $"{failures.Length}", "0");
        table.Add("different", $"{attempts.Count(one => !one.IsSame)}", "0");
        table.Add("most fetched twice, KiB", $"{repeated.Max() / 1024}", "1024");
        table.Add("fetched twice in all, MiB", $"{repeated.Sum() >> 20}", "-");
        table.Add("stall p50, ms", Show(stalls[stalls.Length / 2]), "-");
        table.Add("stall p99, ms", Show(stalls[stalls.Length * 99 / 100]), "1000");
        table.Add("stall max, ms", Show(stalls[^1]), "-");
        table.Print([.. failures.Take(5)]);
    }

    private static string Show(double figure) => figure.ToString("N0", CultureInfo.InvariantCulture);

    private sealed record Attempt(string? Failure, bool IsSame, long Repeated, TimeSpan Stall);

    /// <summary>Notes the longest time between two signs of progress, the start and the end with them.</summary>
    private sealed class Watch : IProgress<DownloadProgress>
    {
        private long _last = Stopwatch.GetTimestamp();

        public TimeSpan Longest { get; private set; }

        public void Report(DownloadProgress value) => Look();

        public void Look()
        {
            TimeSpan now = Stopwatch.GetElapsedTime(_last);
            if (now > Longest) Longest = now;
            _last = Stopwatch.GetTimestamp();
        }
    }
}
