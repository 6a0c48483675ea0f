namespace MicroCdn.Index.Publishing;

/// <summary>Counts what every server fetches and gives for healing, so that clients' downloads are unharmed.</summary>
internal sealed class HealSlots
{
    /// <summary>Most orders that a server has for healing: twice what it fetches at once, so that it never waits for
    /// the next.</summary>
    public const int MostAtTarget = 32;

    /// <summary>Most copies that are fetched from one server at a time.</summary>
    public const int MostAtSource = 24;

    private readonly Dictionary<int, (int Orders, long Bytes)> _targets = [];
    private readonly Dictionary<int, int> _sources = [];

    /// <summary>How many bytes a server was told to fetch and has not fetched yet.</summary>
    public long PromisedTo(int server) => _targets.GetValueOrDefault(server).Bytes;

    /// <summary>True when a server may be given one more order.</summary>
    public bool HasRoomAt(int target) => _targets.GetValueOrDefault(target).Orders < MostAtTarget;

    /// <summary>Of several sources the one that gives least; -1 when all give enough.</summary>
    /// <param name="sources">The servers.</param>
    /// <param name="skip">With which one to begin looking: after a failure another one.</param>
    public int Pick(IReadOnlyList<int> sources, int skip)
    {
        int best = -1, least = MostAtSource;
        for (int at = 0; at < sources.Count; at++)
        {
            int source = sources[(at + skip) % sources.Count];
            int gives = _sources.GetValueOrDefault(source);
            if (gives >= least) continue;
            (best, least) = (source, gives);
            // Whoever failed may be the least busy for that very reason.
            if (skip > 0) break;
        }
        return best;
    }

    /// <summary>An order is given.</summary>
    /// <param name="target">To whom.</param>
    /// <param name="source">From whom it fetches; -1 for nobody.</param>
    /// <param name="bytes">How many bytes.</param>
    public void Take(int target, int source, long bytes) => Count(target, source, 1, bytes);

    /// <summary>What was taken is given back.</summary>
    public void Free(int target, int source, long bytes) => Count(target, source, -1, -bytes);

    private void Count(int target, int source, int orders, long bytes)
    {
        (int given, long promised) = _targets.GetValueOrDefault(target);
        _targets[target] = (given + orders, promised + bytes);
        if (source >= 0) _sources[source] = _sources.GetValueOrDefault(source) + orders;
    }
}
