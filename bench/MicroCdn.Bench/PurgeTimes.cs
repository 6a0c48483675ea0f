using System.Diagnostics;
using System.Globalization;
using MicroCdn.Caching;
using MicroCdn.Caching.Store;

namespace MicroCdn.Bench;

/// <summary>How long the purge of a prefix takes on an edge, with more and more copies in its store.</summary>
internal static class PurgeTimes
{
    /// <summary>What the command's help says.</summary>
    public const string Help = "Purges of one object by prefix on one edge, in the store itself and on its disk, with "
        + "1,000 copies known, with 10 times as many, and so on up to 100,000, or --objects N (bar: at most 5 ms). A "
        + "purge is one entry in a table and one record in a log, and touches no copy: where ten times the copies make "
        + "no difference, ten million make none. With --edges 20: how soon a purge has reached 20 edges by the index, "
        + "--times 30 (bar: 500 ms)";

    private const int Purges = 300, Least = 1_000;

    public static void Run(Settings settings)
    {
        if (settings.Edges is { } edges)
        {
            PurgeFleet.Run(settings, edges);
            return;
        }
        using Workspace workspace = new(settings);
        string folder = workspace.MakeFolder("copies");
        int most = settings.Objects ?? (settings.Quick ? Least : 100_000), written = 0;
        Table table = new($"Purge of one object by prefix, {Purges} times", "copies known", "p50, ms", "p99, ms",
            "longest, ms", "of it without the disk, p50, us", "bar");
        using CacheStore store = ManyCopies.Open(folder, most + 1);
        using CacheStore memory = new(new CacheStoreOptions(), TimeProvider.System,
            Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        for (int count = Math.Min(Least, most); ; count = (int)Math.Min(10L * count, most))
        {
            ManyCopies.Write(store, folder, Url, written..count);
            written = count;
            double[] times = Time(store, count), alone = Time(memory, count);
            table.Add(count.ToString("N0", CultureInfo.InvariantCulture), Show(times[Purges / 2], 3),
                Show(times[Purges * 99 / 100], 3), Show(times[^1], 3), Show(1000 * alone[Purges / 2], 1), "5");
            if (count == most) break;
        }
        table.Print("Each purge is in the log on the disk before it returns. A copy under the prefix is gone at once, "
            + "its neighbour stays; both are looked at after each round.");
    }

    private const string Url = "http://127.0.0.1:80";

    private static double[] Time(CacheStore store, int count)
    {
        double[] times = new double[Purges];
        Random chance = new(count);
        // Of each round other copies; one may be hit twice, which is as much work.
        for (int purge = 0; purge < Purges; purge++)
        {
            PurgeOrder order = new(PurgeScope.Prefix, ManyCopies.KeyOf(Url, chance.Next(1, count)).Text, IsSoft: false);
            long began = Stopwatch.GetTimestamp();
            PurgeReceipt receipt = store.Purge(order);
            times[purge] = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
            if (receipt.Trouble is { } trouble) throw new BenchException($"A purge was refused: {trouble}.");
            if (purge == 0) Check(store, new CacheKey(order.Text));
        }
        return [.. times.Order()];
    }

    // Number 0 is never purged.
    private static void Check(CacheStore store, CacheKey purged)
    {
        if (store.Figures.Copies == 0) return;
        Copy? gone = Find(store, purged), kept = Find(store, ManyCopies.KeyOf(Url, 0));
        if (gone is { PurgeState: not PurgeState.Gone } || kept is not { PurgeState: PurgeState.Valid })
            throw new BenchException("The purge did not take out what it should, or more.");
    }

    private static Copy? Find(CacheStore store, CacheKey key)
    {
        CopySet set = store.FindAsync(key).AsTask().GetAwaiter().GetResult();
        return set.Copies.Length > 0 ? set.Copies[0] : null;
    }

    private static string Show(double figure, int digits) =>
        figure.ToString($"N{digits}", CultureInfo.InvariantCulture);
}
