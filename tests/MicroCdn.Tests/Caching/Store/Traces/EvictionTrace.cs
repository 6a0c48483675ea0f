namespace MicroCdn.Tests.Caching.Store.Traces;

/// <summary>Requests as a delivery network sees them: Zipf 0.9, a fifth for URLs that are asked for once, and a
/// popularity that drifts.</summary>
internal sealed class EvictionTrace
{
    /// <summary>The mean weight of a copy in bytes, where weights differ.</summary>
    public const long MeanWeight = 1000;

    private const double Exponent = 0.9, OnceShare = 0.2;

    private readonly double[] _sums;
    private readonly Random _chance;
    private readonly int[] _keyOfRank;
    private readonly bool _isWeighted;
    private readonly Drift _drift;
    private ulong _once = 1UL << 40;
    private int _asked;

    /// <param name="keys">How many keys are asked for more than once.</param>
    /// <param name="seed">For chance.</param>
    /// <param name="isWeighted">True when copies differ in size, by a factor of up to some thousands.</param>
    /// <param name="drift">How popularity changes.</param>
    public EvictionTrace(int keys, int seed, bool isWeighted = false, Drift drift = Drift.AnyTwo)
    {
        (_chance, _isWeighted, _sums, _keyOfRank) = (new Random(seed), isWeighted, new double[keys], new int[keys]);
        _drift = drift;
        double sum = 0;
        for (int rank = 0; rank < keys; rank++)
        {
            _sums[rank] = sum += Math.Pow(rank + 1, -Exponent);
            _keyOfRank[rank] = rank;
        }
        _chance.Shuffle(_keyOfRank);
    }

    public (ulong Key, long Weight) Next()
    {
        Change(++_asked);
        ulong key = _chance.NextDouble() < OnceShare ? _once++ : (ulong)_keyOfRank[Rank()];
        return (Mixed(key), _isWeighted ? WeightOf(key) : MeanWeight);
    }

    private void Change(int asked)
    {
        switch (_drift)
        {
            case Drift.AnyTwo when asked % 5 == 0:
                Swap(_chance.Next(_keyOfRank.Length));
                break;
            case Drift.FromTheHead when asked % 275 == 0:
                Swap(_chance.Next(_keyOfRank.Length / 1000));
                break;
            case Drift.ByPopularity when asked % 175 == 0:
                Swap(Rank());
                break;
            case Drift.AllAnew when asked % (5 * _keyOfRank.Length / 3) == 0:
                _chance.Shuffle(_keyOfRank);
                break;
        }
    }

    private void Swap(int one)
    {
        int other = _chance.Next(_keyOfRank.Length);
        (_keyOfRank[one], _keyOfRank[other]) = (_keyOfRank[other], _keyOfRank[one]);
    }

    // Log-uniform from 32 bytes to 6 KB has about the mean weight.
    private static long WeightOf(ulong key) =>
        (long)(32 * Math.Pow(200, (Mixed(key ^ 77) >> 11) * (1.0 / (1UL << 53))));

    private int Rank()
    {
        int found = Array.BinarySearch(_sums, _chance.NextDouble() * _sums[^1]);
        return Math.Min(found < 0 ? ~found : found, _sums.Length - 1);
    }

    private static ulong Mixed(ulong key)
    {
        key = (key ^ (key >> 30)) * 0xBF58476D1CE4E5B9;
        key = (key ^ (key >> 27)) * 0x94D049BB133111EB;
        return key ^ (key >> 31);
    }
}

/// <summary>How popularity changes. How often was chosen so that FIFO and LRU keep what they kept on another trace of
/// this description, at 0.1, 1 and 10 % of the keys: each of these comes within 0.1 points of all six figures
/// (root mean square), so that the two do not tell them apart. Ours was not looked at.</summary>
internal enum Drift
{
    /// <summary>Two keys, any, change their ranks after every 5 requests; it fits best, within 0.04.</summary>
    AnyTwo,

    /// <summary>One of the first thousandth changes its rank with any, after every 275; within 0.05.</summary>
    FromTheHead,

    /// <summary>One that is chosen as requests are changes its rank with any, after every 175; within 0.09.</summary>
    ByPopularity,

    /// <summary>All ranks are dealt anew, twice in the trace; within 0.04.</summary>
    AllAnew,
}
