namespace MicroCdn.Tests.Caching.Store.Traces;

/// <summary>Requests as a delivery network sees them: Zipf 0.9, a fifth for URLs that are asked for once, and a
/// popularity that drifts.</summary>
internal sealed class EvictionTrace
{
    /// <summary>The mean weight of a copy in bytes, where weights differ.</summary>
    public const long MeanWeight = 1000;

    private const double Exponent = 0.9, OnceShare = 0.2;

    // After so many requests two keys change their ranks.
    private const int DriftEvery = 150;

    private readonly double[] _sums;
    private readonly Random _chance;
    private readonly int[] _keyOfRank;
    private readonly bool _isWeighted;
    private ulong _once = 1UL << 40;
    private int _asked;

    /// <param name="keys">How many keys are asked for more than once.</param>
    /// <param name="seed">For chance.</param>
    /// <param name="isWeighted">True when copies differ in size, by a factor of up to some thousands.</param>
    public EvictionTrace(int keys, int seed, bool isWeighted = false)
    {
        (_chance, _isWeighted, _sums, _keyOfRank) = (new Random(seed), isWeighted, new double[keys], new int[keys]);
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
        if (++_asked % DriftEvery == 0)
        {
            // A key from anywhere becomes as popular as one from the head of the list.
            int one = Rank(), other = _chance.Next(_keyOfRank.Length);
            (_keyOfRank[one], _keyOfRank[other]) = (_keyOfRank[other], _keyOfRank[one]);
        }
        ulong key = _chance.NextDouble() < OnceShare ? _once++ : (ulong)_keyOfRank[Rank()];
        return (Mixed(key), _isWeighted ? WeightOf(key) : MeanWeight);
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
