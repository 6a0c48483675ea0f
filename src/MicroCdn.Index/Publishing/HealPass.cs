using MicroCdn.Protocol;

namespace MicroCdn.Index.Publishing;

/// <summary>One look over all that is published: counts it, and gathers the files about which something is to be
/// done.</summary>
/// <remarks>It goes row by row through the catalog beside its writer. What it finds may be over when it is worked on,
/// and is decided anew then. A file that is as it should be costs a microsecond and no memory.</remarks>
/// <param name="view">The moment of the catalog.</param>
/// <param name="wishes">What there should be.</param>
/// <param name="keepers">The servers.</param>
/// <param name="troubles">What is not tried now.</param>
/// <param name="popularity">What is asked for lately.</param>
internal sealed class HealPass(
    Catalog.View view, Wishes wishes, CopyKeeper[] keepers, HealTroubles troubles, Popularity popularity)
{
    private readonly int _popular = popularity.Threshold;
    private readonly HealRule _rule = new(keepers);
    private readonly HealNeed _need = new();
    private int _next;

    /// <summary>The names whose rows it goes through.</summary>
    public NameTable Names => view.Names;

    /// <summary>What it counted so far.</summary>
    public HealTally Tally { get; } = new(keepers);

    /// <summary>What is to be done.</summary>
    public HealQueue Found { get; } = new();

    /// <summary>When the first of the files that failed is to be tried again; null for never.</summary>
    public long? NextTry { get; private set; }

    /// <summary>Looks at so many more rows; false when it is at the end.</summary>
    public bool Advance(int rows)
    {
        for (; rows > 0; rows--)
        {
            if (_next >= view.Names.End)
            {
                Tally.Full = _rule.Full;
                return false;
            }
            Look(_next);
            _next = view.Names.After(_next);
        }
        return true;
    }

    private void Look(int row)
    {
        if (!wishes.TryOf(view, row, out PublishedName published, out ushort[] holders, out WantedCopies wanted))
        {
            return;
        }
        _rule.Decide(wanted, holders, _need);
        Tally.Add(view.NameOf(row), published.State.Size, holders, _need);
        if (_need.IsHealthy) return;
        if (troubles.PauseOf(row) is { } until) NextTry = Math.Min(until, NextTry ?? long.MaxValue);
        else Found.Add(row, _need, popularity.Of(row) > _popular);
    }
}

/// <summary>Files about which something is to be done, the most urgent first.</summary>
/// <remarks>First those of which there is no copy or one left, then two and so on; last what is only to be moved. Of
/// each first what is asked for lately.</remarks>
internal sealed class HealQueue
{
    /// <summary>Most files of one urgency; what is more is found by the next look.</summary>
    public const int Most = 65_536;

    private const int Moves = 4;

    private readonly Queue<int>[] _rows = [.. Enumerable.Range(0, 2 * (Moves + 1)).Select(_ => new Queue<int>())];

    /// <summary>True when there were more than it keeps.</summary>
    public bool IsCut { get; private set; }

    /// <summary>True when there is nothing.</summary>
    public bool IsEmpty => Array.TrueForAll(_rows, rows => rows.Count == 0);

    /// <summary>The files of each urgency, the most urgent first.</summary>
    public IReadOnlyList<Queue<int>> Rows => _rows;

    public void Add(int row, HealNeed need, bool isPopular)
    {
        int urgency = need.Missing > 0 ? Math.Min(need.Live, Moves - 1) : Moves;
        Queue<int> rows = _rows[(2 * urgency) + (isPopular ? 0 : 1)];
        if (rows.Count < Most) rows.Enqueue(row);
        else IsCut = true;
    }
}
