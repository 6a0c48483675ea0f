namespace MicroCdn.Monitor;

/// <summary>Judges the monitor itself: is it late, and is it alone with what it hears?</summary>
internal sealed class SelfDoubt
{
    private const int WorstScore = 8;
    private const int FewestSilent = 3;
    private static readonly TimeSpan Hurried = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Recovery = TimeSpan.FromSeconds(1);
    private TimeSpan _scoredAt;
    private TimeSpan _wellSince;

    /// <summary>How late a look may be before the silence is put down to ourselves.</summary>
    public static TimeSpan Tolerance { get; } = TimeSpan.FromMilliseconds(250);

    /// <summary>0 when all looks came in time, 8 at worst: every patience is multiplied by one more than
    /// that.</summary>
    public int Score { get; private set; }

    /// <summary>True while most of the fleet is silent at once: then nobody is removed.</summary>
    public bool IsDegraded { get; private set; }

    /// <summary>Takes in how late a look came.</summary>
    public void Late(TimeSpan late, TimeSpan now)
    {
        if (late > Hurried)
        {
            Score = Math.Min(WorstScore, Score + (late > Tolerance ? 2 : 1));
            _scoredAt = now;
        }
        else if (Score > 0 && now - _scoredAt >= Recovery)
        {
            Score--;
            _scoredAt = now;
        }
    }

    /// <summary>Takes in how many are silent; true when <see cref="IsDegraded"/> changed.</summary>
    public bool Look(int silent, int fleet, TimeSpan now)
    {
        bool many = silent >= FewestSilent && silent * 2 > fleet;
        if (many) _wellSince = now;
        bool degraded = many || (IsDegraded && now - _wellSince < Recovery);
        bool changed = degraded != IsDegraded;
        IsDegraded = degraded;
        return changed;
    }
}
