using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using MicroCdn.Caching.Store;

namespace MicroCdn.Bench;

/// <summary>What a cache still has after kill -9, and how long a start with a million copies takes.</summary>
internal static class Restart
{
    /// <summary>What the command's help says.</summary>
    public const string Help = "300 objects stored, kill -9, restart: hits and wrong bytes (bars: 300, 0). Then the "
        + "start with a million copies of 1 KiB on disk, or --objects N of them: some 4.6 GB below the folder for "
        + "temporary files, written by the store itself in some minutes and deleted afterwards (bars: first hit "
        + "within 1 s, whole index within 30 s)";

    private const int Stored = 300, KillSignal = 9;

    public static void Run(Settings settings)
    {
        Table table = new("After kill -9, and a start on the same folder", "stored", "hits", "wrong bytes", "bar");
        for (int round = 0; round < settings.Rounds; round++) Kill(settings, table);
        table.Print("Sizes from 1 KiB to 1 MiB, each asked for once. The kill comes when the server has been at rest "
            + "for half a second; a hit is an answer for which the origin was not asked again.");
        Start(settings, settings.Objects ?? (settings.Quick ? 5_000 : 1_000_000));
    }

    private static void Kill(Settings settings, Table table)
    {
        using Workspace workspace = new(settings);
        using WebOrigin origin = new();
        string folder = workspace.MakeFolder("cache");
        Caches first = Caches.Begin(workspace, origin, folder);
        first.Process.WaitFor("microcdn content", () => first.Answers);
        string[] targets = [.. Enumerable.Range(0, Stored).Select(number => $"/keep/{1024 << (number % 11)}/{number}")];
        foreach (string target in targets) Ask(first.Port, target);
        first.Process.WaitUntilQuiet(TimeSpan.FromSeconds(10));
        Libc.Check(Libc.Kill(first.Process.Number, KillSignal), "kill");
        workspace.Stop(first.Process);
        Caches second = Caches.Begin(workspace, origin, folder);
        second.Process.WaitFor("microcdn content", () => second.Answers);
        int wrong = targets.Count(target => !Ask(second.Port, target));
        int hits = targets.Count(target => origin.CountOf(target) == 1);
        table.Add($"{Stored}", $"{hits}", $"{wrong}", $"{Stored}, 0");
        Machine.Say($"{hits} of {Stored} are hits, {wrong} are wrong");
    }

    private static void Start(Settings settings, int count)
    {
        using Workspace workspace = new(settings);
        using WebOrigin origin = new();
        string folder = workspace.MakeFolder("cache"), copies = Path.Combine(folder, "copies");
        using (CacheStore store = ManyCopies.Open(copies, count))
        {
            ManyCopies.Write(store, copies, origin.Url, ..count);
        }
        List<double> clocks = [], indices = [], quiets = [], memories = [];
        for (int round = 0; round < settings.Rounds; round++)
        {
            // Somewhere in the middle, another one each time.
            string target = ManyCopies.TargetOf((int)((round + 0.5) / settings.Rounds * count));
            long began = Stopwatch.GetTimestamp();
            Caches cache = Caches.Begin(workspace, origin, folder, "--cache-size", "1024GiB");
            cache.Process.WaitFor("microcdn content", () => TryAsk(cache.Port, target), TimeSpan.FromMilliseconds(2));
            clocks.Add(Stopwatch.GetElapsedTime(began).TotalSeconds);
            if (origin.CountOf(target) > 0) throw new BenchException("The first answer was no hit.");
            cache.Process.WaitUntilQuiet(TimeSpan.FromSeconds(120));
            quiets.Add(Stopwatch.GetElapsedTime(began).TotalSeconds);
            memories.Add(cache.Process.Memory / (double)(1 << 20));
            workspace.Stop(cache.Process);
            indices.Add(List(copies, count));
            Machine.Say($"first hit after {clocks[^1]:N2} s, listed in {indices[^1]:N1} s");
        }
        Table table = new($"Start with {count.ToString("N0", CultureInfo.InvariantCulture)} copies of 1 KiB on disk",
            "what", "measured", "bar");
        table.Add("first hit, s", Spread.Of(clocks).Show("N2"), "1");
        table.Add("whole index, in the store alone, s", Spread.Of(indices).Show("N1"), "30");
        table.Add("until the server is at rest, s", Spread.Of(quiets).Show("N1"), "-");
        table.Add("memory of the server then, MiB", Spread.Of(memories).Show("N0"), "-");
        table.Print("Medians (least-most). The folder was written just before: its inodes are in memory, as after a "
            + "restart of the process, not of the machine. At rest is half a second too late.");
    }

    private static double List(string folder, int count)
    {
        long began = Stopwatch.GetTimestamp();
        using CacheStore store = ManyCopies.Open(folder, count);
        store.Listed.Wait();
        double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        // The probe for readiness, and nothing else, may have come on top.
        if (store.Figures.Copies < count)
            throw new BenchException($"{store.Figures.Copies:N0} of {count:N0} copies were found.");
        return seconds;
    }

    private static bool TryAsk(int port, string target)
    {
        try
        {
            return Ask(port, target) ? true : throw new InvalidDataException("The first hit has wrong bytes.");
        }
        catch (Exception failure) when (failure is SocketException or BenchException)
        {
            return false;
        }
    }

    // True when the body is right.
    private static bool Ask(int port, string target)
    {
        long length = long.Parse(target.Split('/')[2], CultureInfo.InvariantCulture);
        byte[] right = Body.BlockOf(target, length), got = new byte[right.Length];
        using Conversation conversation = new(port);
        string line = conversation.Ask($"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r");
        if (!line.StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal))
            throw new BenchException($"The cache answered {target} with `{line}`.");
        while (conversation.ReadLine().Length > 0) continue;
        conversation.ReadBytes(got);
        return got.AsSpan().SequenceEqual(right);
    }
}
