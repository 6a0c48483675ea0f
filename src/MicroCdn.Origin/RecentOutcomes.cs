namespace MicroCdn.Origin;

/// <summary>Counts how many requests succeeded and failed in the last ten seconds, second by second.</summary>
/// <remarks>The running second and the nine before it: one place for each, used again after ten, so that its size does
/// not depend on how many requests there are.</remarks>
internal sealed class RecentOutcomes
{
    private const int Seconds = 10;

    private readonly Second[] _ring = new Second[Seconds];

    /// <summary>Counts one.</summary>
    /// <param name="now">Milliseconds of a clock that only goes forward.</param>
    /// <param name="hasFailed">How it went.</param>
    public void Count(long now, bool hasFailed)
    {
        long number = now / 1000;
        ref Second second = ref _ring[(int)(number % Seconds)];
        if (second.Number != number) second = new Second { Number = number };
        if (hasFailed) second.Failed++;
        else second.Succeeded++;
    }

    /// <summary>How many there were.</summary>
    public (long Succeeded, long Failed) Sum(long now)
    {
        long succeeded = 0, failed = 0;
        foreach (Second second in _ring)
        {
            if (second.Number <= (now / 1000) - Seconds) continue;
            succeeded += second.Succeeded;
            failed += second.Failed;
        }
        return (succeeded, failed);
    }

    /// <summary>Begins anew.</summary>
    public void Forget() => Array.Clear(_ring);

    private struct Second
    {
        public long Number;
        public long Succeeded;
        public long Failed;
    }
}
