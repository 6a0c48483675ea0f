namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>A change that somebody asked for, and what it makes of a world; false where it is refused.</summary>
internal sealed record PlayedChange(string What, Func<BookWorld, bool> Do);

/// <summary>All that the book may say, as far as whoever published and looked can know.</summary>
/// <remarks>A change that was given up may have happened, or happen yet, as long as the index lives that was asked for
/// it. So there are several worlds, each of which is one sequence of whole changes; what is seen takes out those in
/// which it could not be. When none is left somebody saw what no sequence makes: half a change, or a lost one.
/// <para>Of several indexes each has seen the sequence up to somewhere, and never less than before.</para></remarks>
internal sealed class PossibleWorlds
{
    private readonly Dictionary<string, HashSet<string>> _shown = [];
    private List<BookWorld> _worlds = [new()];
    private long _known;

    /// <summary>How many changes are in the log, where that is known: without a new one nothing happened.</summary>
    public Func<long>? Written { get; init; }

    /// <summary>What a name may show, for whoever reads a failure.</summary>
    public string ExpectedOf(string name) => string.Join(" or ", Now.Select(world => world.HashOf(name)).Distinct());

    /// <summary>Somebody asks for a change: from now on it may happen.</summary>
    public void Begin(PlayedChange change) => Replace(Now.Select(world => world.With(change)));

    /// <summary>It was acknowledged; false when it cannot have happened.</summary>
    public bool Acknowledge(PlayedChange change, Predicate<BookWorld>? seen = null) =>
        Keep(world => world.Done.Contains(change) && seen?.Invoke(world) != false, world => world.Without(change));

    /// <summary>It was refused: nothing came of it, and nothing will.</summary>
    public bool Refuse(PlayedChange change) =>
        Keep(world => !world.Done.Contains(change), world => world.Without(change));

    /// <summary>Whoever asked for it waits no longer: it may have happened, or happen yet.</summary>
    public void GiveUp(PlayedChange change) => Replace(Now.Select(world => world.Once(change)));

    /// <summary>The index was killed: what nobody waits for any more does not happen. What is waited for may be asked
    /// for once more.</summary>
    public void Kill(IReadOnlyCollection<PlayedChange> waited) => Replace(Now.Select(world => world.Left(waited)));

    /// <summary>Somebody saw something; false when that cannot be.</summary>
    public bool See(Predicate<BookWorld> seen) => Keep(seen, world => world);

    /// <summary>An index starts: it has seen all that happened.</summary>
    public void Enter(string index) => Replace(Now.Select(world => world.SeenBy(index)));

    /// <summary>An index is gone.</summary>
    public void Leave(string index) => Replace(Now.Select(world => world.UnseenBy(index)));

    /// <summary>Somebody asked this index and saw something; false when that cannot be.</summary>
    public bool SeeAt(string index, Predicate<BookWorld> seen) =>
        Keep(world => world.ShownBy(index, seen) is not null, world => world.ShownBy(index, seen)!);

    /// <summary>Somebody saw something at one of these indexes, which may show it before all that belongs to it; false
    /// when that cannot be.</summary>
    public bool SeeAmong(IReadOnlyCollection<string> indexes, Predicate<BookWorld> seen) =>
        Keep(world => indexes.Any(index => world.ShownBy(index, seen) is not null), world => world);

    /// <summary>Something makes those who wait ask again: what they wait for may happen once more.</summary>
    public void Reopen(IReadOnlyCollection<PlayedChange> waited) => Replace(Now.Select(world => world.Again(waited)));

    /// <summary>All indexes have seen all, and nothing that was given up happens any more.</summary>
    public void Rest() => Replace(Now.Select(world => world.AtRest()));

    /// <summary>The names that a change turns, if it happens.</summary>
    public HashSet<string> TurnedBy(PlayedChange change)
    {
        HashSet<string> turned = [];
        foreach (BookWorld world in Now)
        {
            if (world.After(change) is not { } later) continue;
            turned.UnionWith(later.Names.Where(name => world.Names.GetValueOrDefault(name.Key) != name.Value)
                .Select(name => name.Key));
        }
        return turned;
    }

    /// <summary>Whether a name ever showed this, in a world that may be.</summary>
    public bool Showed(string name, string hash)
    {
        _ = Now;
        return _shown.TryGetValue(name, out var hashes) && hashes.Contains(hash);
    }

    private List<BookWorld> Now
    {
        get
        {
            long written = Written?.Invoke() ?? 0;
            if (written == _known) return _worlds;
            _known = written;
            Replace(_worlds, mayHappen: true);
            return _worlds;
        }
    }

    private bool Keep(Predicate<BookWorld> holds, Func<BookWorld, BookWorld> become)
    {
        BookWorld[] kept = [.. Now.Where(world => holds(world))];
        if (kept.Length > 0) Replace(kept.Select(become));
        return kept.Length > 0;
    }

    private void Replace(IEnumerable<BookWorld> worlds) => Replace(worlds, mayHappen: Written is null);

    // And all worlds that these may become.
    private void Replace(IEnumerable<BookWorld> worlds, bool mayHappen)
    {
        Dictionary<string, BookWorld> all = [];
        Stack<BookWorld> next = new(worlds);
        while (next.TryPop(out BookWorld? world))
        {
            if (!all.TryAdd(world.ToString(), world)) continue;
            foreach ((string name, (string hash, _)) in world.Names)
            {
                if (!_shown.TryGetValue(name, out var hashes)) _shown.Add(name, hashes = []);
                hashes.Add(hash);
            }
            if (!mayHappen) continue;
            foreach (PlayedChange change in world.Open)
            {
                if (world.After(change) is { } later) next.Push(later);
            }
        }
        _worlds = [.. all.Values];
    }
}
