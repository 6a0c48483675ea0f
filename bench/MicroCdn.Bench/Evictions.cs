using System.Globalization;
using MicroCdn.Tests.Caching.Store.Traces;

namespace MicroCdn.Bench;

/// <summary>What the cache's eviction keeps, against what LRU and FIFO would keep, on traces made by chance.</summary>
internal static class Evictions
{
    /// <summary>What the command's help says.</summary>
    public const string Help = "Hit ratio of the cache's eviction, against LRU and FIFO: Zipf 0.9 over a million keys, "
        + "20 % one-hit URLs, drifting popularity, 5 million requests; three seeds. What drifts was chosen by FIFO and "
        + "LRU alone, and several ways fit: all are shown (bars: 36.5 % at 1 %, by bytes no worse than LRU)";

    private const int Keys = 1_000_000, Requests = 5_000_000, Seeds = 3;
    private static readonly double[] Shares = [0.001, 0.01, 0.1];

    public static void Run(Settings settings)
    {
        int part = settings.Quick ? 50 : 1;
        foreach (Drift drift in Enum.GetValues<Drift>()) Show(drift, part, isWeighted: false);
        Show(Drift.AnyTwo, part, isWeighted: true);
    }

    private static void Show(Drift drift, int part, bool isWeighted)
    {
        Table table = new($"Hit ratio, percent: drift {drift}, sizes {(isWeighted ? "differ" : "equal")}",
            "capacity, % of keys", "FIFO", "LRU", "ours", "by bytes: FIFO", "LRU", "ours");
        foreach (double share in Shares)
        {
            Machine.Say($"{drift} at {Percent(100 * share)} %");
            List<Contenders> all = [];
            for (int seed = 1; seed <= Seeds; seed++)
            {
                Contenders contenders = new((long)(Keys / part * share * EvictionTrace.MeanWeight));
                EvictionTrace trace = new(Keys / part, seed, isWeighted, drift);
                for (int n = 0; n < Requests / part; n++) contenders.Ask(trace.Next());
                all.Add(contenders);
            }
            table.Add([Percent(100 * share),
                .. Each(all, cache => cache.HitRatio), .. Each(all, cache => cache.ByteHitRatio)]);
        }
        table.Print($"Medians of {Seeds} seeds (least-most).");
    }

    private static string[] Each(List<Contenders> all, Func<Contenders.Cache, double> ratio) =>
    [
        Of(one => one.FirstIn, all, ratio), Of(one => one.LeastRecentlyUsed, all, ratio),
        Of(one => one.Ours, all, ratio),
    ];

    private static string Of(Func<Contenders, Contenders.Cache> which, List<Contenders> all,
        Func<Contenders.Cache, double> ratio) => Spread.Of(all.Select(one => 100 * ratio(which(one)))).Show("N1");

    private static string Percent(double percent) => percent.ToString("0.#", CultureInfo.InvariantCulture);
}
