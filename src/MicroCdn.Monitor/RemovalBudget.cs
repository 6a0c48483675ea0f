namespace MicroCdn.Monitor;

/// <summary>Bounds how many servers a monitor may remove in a while on the ground of silence alone.</summary>
/// <remarks>Checks that remove capacity have emptied whole fleets; docs/decisions/0013-detection.md.</remarks>
internal sealed class RemovalBudget
{
    private const double Share = 0.3;
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(10);
    private readonly Queue<TimeSpan> _removals = new();

    /// <summary>True when one more may go; it then counts.</summary>
    /// <param name="fleet">How many servers are not dead, the one in question included.</param>
    /// <param name="now">The time.</param>
    public bool TryTake(int fleet, TimeSpan now)
    {
        while (_removals.TryPeek(out TimeSpan oldest) && now - oldest > Window) _removals.Dequeue();
        int most = Math.Max(1, (int)((fleet + _removals.Count) * Share));
        if (_removals.Count >= most) return false;
        _removals.Enqueue(now);
        return true;
    }
}
