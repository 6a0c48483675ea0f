using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using MicroCdn.Client;

namespace MicroCdn.Bench;

/// <summary>How long a release of 10,000 files takes to become visible as a whole, and whether anybody sees half of
/// it.</summary>
/// <remarks>Each version replaces all files of the one before. While it is activated, and rolled back, somebody asks
/// the index for two of its names in turn: one that is new followed by one that is old is half a release.</remarks>
internal static class ReleaseTimes
{
    /// <summary>What the command's help says.</summary>
    public const string Help = "A release of 10,000 files of 4 KiB on two of three servers each: staged, activated (bar: "
        + "all or nothing, 5 s), rolled back; --objects says how many files";

    private const int Servers = 3, Copies = 2, FileBytes = 4096;

    public static void Run(Settings settings)
    {
        int count = settings.Quick ? 200 : settings.Objects ?? 10_000;
        using Workspace workspace = new(settings);
        PublishFleet fleet = new(workspace, Servers);
        Table table = new($"A release of {count:N0} files of {FileBytes} bytes, {Copies} copies each on {Servers} "
            + "servers", "round", "staged, s", "files staged a second", "activated, s", "rolled back, s",
            "halves seen", "looks", "load average");
        Stage(fleet, count, "v0");
        Turn(fleet, count, publisher => publisher.ActivateAsync("v0", null, CancellationToken.None), _ => false);
        for (int round = 1; round <= settings.Rounds; round++)
        {
            double staged = Stage(fleet, count, $"v{round}");
            Dictionary<string, string> before = Digests(fleet, count);
            Change up = Turn(fleet, count, publisher => publisher.ActivateAsync($"v{round}", null,
                CancellationToken.None), name => Digest(fleet, name) != before[name]);
            Change down = Turn(fleet, count, publisher => publisher.RollBackAsync($"v{round}", null,
                CancellationToken.None), name => Digest(fleet, name) == before[name]);
            table.Add($"{round}", Show(staged), $"{count / staged:N0}", Show(up.Seconds), Show(down.Seconds),
                $"{up.Halves + down.Halves}", $"{up.Looks + down.Looks}", PublishFleet.Load());
        }
        table.Print("Activated: every copy counted, the book synced, and every server has said that it shows the "
            + "release. Staging brings the bytes, from 32 clients. A look asks the index for two names in turn.");
    }

    private static double Stage(PublishFleet fleet, int count, string release)
    {
        Machine.Say($"staging {release}");
        List<LocalFile> files = [.. Enumerable.Range(0, count).Select(number =>
        {
            byte[] bytes = RandomNumberGenerator.GetBytes(FileBytes);
            return new LocalFile(PublishFleet.NameOf(NameOf(number)), () => new MemoryStream(bytes), FileBytes, 0);
        })];
        long began = Stopwatch.GetTimestamp();
        var failures = new FolderPublisher(fleet.NewPublisher()).RunAsync(files, new FolderOptions("app/",
            new PutOptions { Replicas = Copies, Release = release }), null, null, CancellationToken.None)
            .GetAwaiter().GetResult();
        if (failures.Count > 0) throw new BenchException($"{failures.Count} files: {failures[0].Why.Message}");
        return Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    private static Change Turn(
        PublishFleet fleet, int count, Func<Publisher, Task<ReleaseReceipt>> work, Predicate<string> isNew)
    {
        using CancellationTokenSource over = new();
        (long looks, long halves) = (0, 0);
        Thread watcher = new(() =>
        {
            for (Random random = new(1); !over.IsCancellationRequested; looks++)
            {
                (string first, string second) = (NameOf(random.Next(count)), NameOf(random.Next(count)));
                if (isNew(first) && !isNew(second)) halves++;
                Libc.Pause(2);
            }
        });
        watcher.Start();
        long began = Stopwatch.GetTimestamp();
        ReleaseReceipt receipt;
        double seconds;
        try
        {
            receipt = work(fleet.NewPublisher()).GetAwaiter().GetResult();
            seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        }
        finally
        {
            over.Cancel();
            watcher.Join();
        }
        if (receipt.Files != count || receipt.Late.Count > 0)
            throw new BenchException($"{receipt.Files} files turned, and {receipt.Late.Count} servers are late.");
        return new Change(seconds, halves, looks);
    }

    private static Dictionary<string, string> Digests(PublishFleet fleet, int count) =>
        Enumerable.Range(0, count).Select(NameOf).ToDictionary(name => name, name => Digest(fleet, name));

    // The line of FILE in the answer: size, digest, and whatever else tells one version from another.
    private static string Digest(PublishFleet fleet, string name)
    {
        using Conversation index = new(fleet.IndexPort);
        index.Demand("HELLO 2", "WELCOME MICRO-CDN 2");
        StringBuilder facts = new();
        for (string line = index.Ask($"LOCATE {name}"); line != "END"; line = index.ReadLine())
        {
            if (line.StartsWith("ERROR", StringComparison.Ordinal)) return line;
            if (!line.StartsWith("SERVER ", StringComparison.Ordinal)) facts.Append(line);
        }
        return facts.ToString();
    }

    private static string NameOf(int number) => $"app/{number / 100}/{number}";

    private static string Show(double seconds) => seconds.ToString("N2", CultureInfo.InvariantCulture);

    private readonly record struct Change(double Seconds, long Halves, long Looks);
}
