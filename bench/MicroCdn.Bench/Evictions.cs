using System.Globalization;
using MicroCdn.Tests.Caching.Store.Traces;

namespace MicroCdn.Bench;

/// <summary>What the cache's eviction keeps, against what LRU and FIFO would keep, on a trace made by chance.</summary>
internal static class Evictions
{
    private const int Keys = 1_000_000, Requests = 5_000_000;
    private static readonly double[] Shares = [0.001, 0.01, 0.1];

    public static void Run(Settings settings)
    {
        int part = settings.Quick ? 50 : 1;
        Table table = new("Hit ratio, percent: Zipf 0.9, 20 % one-hit URLs, drifting popularity",
            "capacity, % of keys", "sizes", "FIFO", "LRU", "ours", "by bytes: FIFO", "LRU", "ours");
        foreach (bool isWeighted in (bool[])[false, true])
        {
            foreach (double share in Shares)
            {
                Contenders contenders = new((long)(Keys / part * share * EvictionTrace.MeanWeight));
                EvictionTrace trace = new(Keys / part, seed: 1, isWeighted);
                for (int n = 0; n < Requests / part; n++) contenders.Ask(trace.Next());
                Contenders.Cache[] all = [contenders.FirstIn, contenders.LeastRecentlyUsed, contenders.Ours];
                table.Add([Show(100 * share), isWeighted ? "differ" : "equal",
                    .. all.Select(cache => Show(100 * cache.HitRatio)),
                    .. all.Select(cache => Show(100 * cache.ByteHitRatio))]);
            }
        }
        table.Print("The bar: at least 36.5 at 1 % with equal sizes, and by bytes no worse than LRU.");
    }

    private static string Show(double percent) => percent.ToString("N1", CultureInfo.InvariantCulture);
}
