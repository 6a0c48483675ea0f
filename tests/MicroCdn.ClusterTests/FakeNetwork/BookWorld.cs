using System.Collections.Immutable;
using System.Text;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>What the book may say: names, what is staged, and how a release is taken back.</summary>
internal sealed class BookWorld
{
    private static string Nothing => PublishedModel.Nothing;

    private int _revision;
    private string? _shown;

    // Where there are several indexes: the world before the last change, and which they have seen.
    private BookWorld? _earlier;
    private ImmutableSortedDictionary<string, int> _seen = ImmutableSortedDictionary<string, int>.Empty;

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

    public BookWorld Once(PlayedChange change) => Open.Contains(change)
        ? Copy([.. Open.Where(one => one != change), change], [.. Done.Where(one => one != change)])
        : Copy(Open, [.. Done.Where(one => one != change)]);

    public BookWorld Left(IReadOnlyCollection<PlayedChange> waited) =>
        Copy([.. waited], [.. Done.Where(waited.Contains)]);

    /// <summary>The world after a change that may happen; null where it is refused.</summary>
    public BookWorld? After(PlayedChange change)
    {
        List<PlayedChange> open = [.. Open];
        open.Remove(change);
        BookWorld later = Copy(open, [.. Done, change]);
        later._revision++;
        if (!_seen.IsEmpty) later._earlier = this;
        return change.Do(later) ? later : null;
    }

    /// <summary>What is waited for may happen twice, and no more: a client asks once more at most.</summary>
    public BookWorld Again(IEnumerable<PlayedChange> waited) =>
        Copy([.. Open, .. waited.Where(change => Open.Concat(Done).Count(one => one == change) < 2)], Done);

    public BookWorld SeenBy(string index)
    {
        BookWorld world = Copy(Open, Done);
        world._seen = _seen.SetItem(index, _revision);
        return world;
    }

    public BookWorld UnseenBy(string index)
    {
        BookWorld world = Copy(Open, Done);
        world._seen = _seen.Remove(index);
        return world;
    }

    /// <summary>The world in which an index shows what holds, as early as may be; null when it never held since what
    /// that index showed before.</summary>
    public BookWorld? ShownBy(string index, Predicate<BookWorld> holds)
    {
        int first = -1;
        for (BookWorld? at = this; at is not null && at._revision >= _seen[index]; at = at._earlier)
        {
            if (holds(at)) first = at._revision;
        }
        if (first < 0 || first == _seen[index]) return first < 0 ? null : this;
        BookWorld world = Copy(Open, Done);
        world._seen = _seen.SetItem(index, first);
        return world;
    }

    public BookWorld AtRest()
    {
        BookWorld world = Copy([], []);
        world._earlier = null;
        foreach (string index in _seen.Keys) world._seen = world._seen.SetItem(index, _revision);
        return world;
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

    /// <summary>What tells it from another one: what it shows, what may come of it, and what indexes may show still that
    /// have not seen all. Of revisions the order counts.</summary>
    public override string ToString()
    {
        int[] revisions = [.. Names.Values.Select(one => one.Revision).Concat(Heads.Values.Select(one => one.Revision))
            .Distinct().Order()];
        int Rank(int revision) => Array.BinarySearch(revisions, revision);
        StringBuilder text = new();
        Add(text, Names.Select(one => $"{one.Key} {one.Value.Hash} {Rank(one.Value.Revision)}"));
        Add(text, Staged.Select(one => $"{one}"));
        Add(text, Before.Select(one => $"{one}"));
        Add(text, Heads.Select(one => $"{one.Key} {one.Value.State} {Rank(one.Value.Revision)}"));
        Add(text, Open.Select(one => one.What));
        Add(text, Done.Select(one => one.What));
        if (_seen.IsEmpty) return text.ToString();
        Add(text, _seen.Select(one => $"{one.Key} {_revision - one.Value}"));
        int first = _seen.Values.Min();
        for (BookWorld? at = _earlier; at is not null && at._revision >= first; at = at._earlier) text.Append(at.Shown);
        return text.ToString();
    }

    // What can be seen of it.
    private string Shown
    {
        get
        {
            if (_shown is not null) return _shown;
            StringBuilder text = new();
            Add(text, Names.Select(one => $"{one.Key} {one.Value.Hash}"));
            Add(text, Staged.Select(one => $"{one}"));
            return _shown = text.ToString();
        }
    }

    private static void Add(StringBuilder text, IEnumerable<string> words) =>
        text.AppendJoin(',', words.Order(StringComparer.Ordinal)).Append('|');

    private bool TakeStaged(string release)
    {
        foreach (var key in Staged.Keys.Where(key => key.Release == release).ToArray()) Staged.Remove(key);
        return true;
    }

    private BookWorld Copy(IReadOnlyList<PlayedChange> open, IReadOnlyList<PlayedChange> done) => new()
    {
        Names = new(Names), Staged = new(Staged), Before = new(Before), Heads = new(Heads), Open = open, Done = done,
        _revision = _revision, _earlier = _earlier, _seen = _seen,
    };
}
