namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>A change that somebody asked for, and what it makes of a world; false where it is refused.</summary>
internal sealed record PlayedChange(string What, Func<BookWorld, bool> Do);

/// <summary>All that the book may say, as far as whoever published and looked can know.</summary>
/// <remarks>A change that was given up may have happened, or happen yet, as long as the index lives that was asked for
/// it. So there are several worlds, each of which is one sequence of whole changes; what is seen takes out those in
/// which it could not be. When none is left somebody saw what no sequence makes: half a change, or a lost one.</remarks>
internal sealed class PossibleWorlds
{
    private readonly Dictionary<string, HashSet<string>> _shown = [];
    private List<BookWorld> _worlds = [new()];

    /// <summary>What a name may show, for whoever reads a failure.</summary>
    public string ExpectedOf(string name) => string.Join(" or ", _worlds.Select(world => world.HashOf(name)).Distinct());

    /// <summary>Somebody asks for a change: from now on it may happen.</summary>
    public void Begin(PlayedChange change) => Replace(_worlds.Select(world => world.With(change)));

    /// <summary>It was acknowledged; false when it cannot have happened.</summary>
    public bool Acknowledge(PlayedChange change, Predicate<BookWorld>? seen = null) =>
        Keep(world => world.Done.Contains(change) && seen?.Invoke(world) != false, change);

    /// <summary>It was refused: nothing came of it, and nothing will.</summary>
    public bool Refuse(PlayedChange change) => Keep(world => !world.Done.Contains(change), change);

    /// <summary>The index was killed: what nobody waits for any more does not happen. What is waited for may be asked
    /// for once more.</summary>
    public void Kill(IReadOnlyCollection<PlayedChange> waited) => Replace(_worlds.Select(world => world.Left(waited)));

    /// <summary>Somebody saw something; false when that cannot be.</summary>
    public bool See(Predicate<BookWorld> seen) => Keep(seen, null);

    /// <summary>Whether a name ever showed this, in a world that may be.</summary>
    public bool Showed(string name, string hash) => _shown.TryGetValue(name, out var hashes) && hashes.Contains(hash);

    private bool Keep(Predicate<BookWorld> holds, PlayedChange? over)
    {
        BookWorld[] kept = [.. _worlds.Where(world => holds(world))];
        if (kept.Length == 0) return false;
        Replace(over is null ? kept : kept.Select(world => world.Without(over)));
        return true;
    }

    // And all worlds that these may become.
    private void Replace(IEnumerable<BookWorld> worlds)
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
            foreach (PlayedChange change in world.Open)
            {
                if (world.After(change) is { } later) next.Push(later);
            }
        }
        _worlds = [.. all.Values];
    }
}

/// <summary>What the book may say: names, what is staged, and how a release is taken back.</summary>
internal sealed class BookWorld
{
    private static string Nothing => PublishedModel.Nothing;

    private int _revision;

    /// <summary>What names show, and since which change; also of those that show nothing any more.</summary>
    public Dictionary<string, (string Hash, int Revision)> Names { get; private init; } = [];

    /// <summary>What is staged, by release and name.</summary>
    public Dictionary<(string Release, string Name), string> Staged { get; private init; } = [];

    /// <summary>What was there before, by release and name.</summary>
    public Dictionary<(string Release, string Name), string> Before { get; private init; } = [];

    /// <summary>The releases: <c>staged</c>, <c>active</c> or <c>rolled-back</c>, and since which change.</summary>
    public Dictionary<string, (string State, int Revision)> Heads { get; private init; } = [];

    /// <summary>What may happen yet.</summary>
    public IReadOnlyList<PlayedChange> Open { get; private init; } = [];

    /// <summary>What happened of that which somebody waits for.</summary>
    public IReadOnlyList<PlayedChange> Done { get; private init; } = [];

    public string HashOf(string name) => Names.TryGetValue(name, out var shown) ? shown.Hash : Nothing;

    public BookWorld With(PlayedChange change) => Copy([.. Open, change], Done);

    public BookWorld Without(PlayedChange change) =>
        Copy([.. Open.Where(one => one != change)], [.. Done.Where(one => one != change)]);

    public BookWorld Left(IReadOnlyCollection<PlayedChange> waited) =>
        Copy([.. waited], [.. Done.Where(waited.Contains)]);

    /// <summary>The world after a change that may happen; null where it is refused.</summary>
    public BookWorld? After(PlayedChange change)
    {
        BookWorld later = Copy([.. Open.Where(one => one != change)], [.. Done, change]);
        later._revision++;
        return change.Do(later) ? later : null;
    }

    public bool Put(string name, string hash, bool isNew)
    {
        if (isNew && HashOf(name) != Nothing) return false;
        Names[name] = (hash, _revision);
        return true;
    }

    public bool Remove(string name) => HashOf(name) != Nothing && Put(name, Nothing, isNew: false);

    public bool Move(string old, string name, bool isForced)
    {
        string hash = HashOf(old);
        return hash != Nothing && Put(name, hash, !isForced) && Remove(old);
    }

    public bool Stage(string release, string name, string hash)
    {
        if (StateOf(release) == "active") return false;
        if (StateOf(release) != "staged") Heads[release] = ("staged", _revision);
        Staged[(release, name)] = hash;
        return true;
    }

    public bool Unstage(string release) => StateOf(release) == "staged" && TakeStaged(release) && Heads.Remove(release);

    public bool Activate(string release)
    {
        var staged = Staged.Where(file => file.Key.Release == release).ToArray();
        foreach ((var key, string hash) in staged)
        {
            Before[key] = HashOf(key.Name);
            Names[key.Name] = (hash, _revision);
        }
        Heads[release] = ("active", _revision);
        return staged.Length > 0 && TakeStaged(release);
    }

    public bool RollBack(string? release)
    {
        (string newest, (string State, int Revision) head) =
            Heads.Where(one => one.Value.State != "staged").OrderBy(one => one.Value.Revision).LastOrDefault();
        if (head.State != "active" || (release is not null && release != newest)) return false;
        foreach ((var key, string hash) in Before.Where(file => file.Key.Release == newest).ToArray())
        {
            if (Names[key.Name].Revision == head.Revision) Names[key.Name] = (hash, _revision);
            Before.Remove(key);
        }
        Heads[newest] = ("rolled-back", _revision);
        return true;
    }

    public string StagedIn(string release) => string.Join(',', Staged.Where(file => file.Key.Release == release)
        .Select(file => $"{file.Key.Name}={file.Value}").Order(StringComparer.Ordinal));

    public string StateOf(string release) => Heads.GetValueOrDefault(release).State ?? "";

    public override string ToString() => string.Join('|',
        string.Join(',', Names.Select(one => $"{one}").Order(StringComparer.Ordinal)),
        string.Join(',', Staged.Select(one => $"{one}").Order(StringComparer.Ordinal)),
        string.Join(',', Before.Select(one => $"{one}").Order(StringComparer.Ordinal)),
        string.Join(',', Heads.Select(one => $"{one}").Order(StringComparer.Ordinal)),
        string.Join(',', Open.Select(one => one.What).Order(StringComparer.Ordinal)),
        string.Join(',', Done.Select(one => one.What).Order(StringComparer.Ordinal)));

    private bool TakeStaged(string release)
    {
        foreach (var key in Staged.Keys.Where(key => key.Release == release).ToArray()) Staged.Remove(key);
        return true;
    }

    private BookWorld Copy(IReadOnlyList<PlayedChange> open, IReadOnlyList<PlayedChange> done) => new()
    {
        Names = new(Names), Staged = new(Staged), Before = new(Before), Heads = new(Heads), Open = open, Done = done,
        _revision = _revision,
    };
}
