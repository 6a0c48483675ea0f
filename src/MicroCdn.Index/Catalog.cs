using MicroCdn.Index.Publishing;
using MicroCdn.Protocol;

namespace MicroCdn.Index;

/// <summary>Which server holds which file, in which size and state: millions of files, read without a lock while one
/// writer writes.</summary>
/// <remarks>
/// <para>Think of a library's card drawer: each name has one small card with its size and the row of the group of
/// servers that hold it. The card is 8 bytes, so it is read and replaced in one step: a reader sees the old card or
/// the new one, never half of each. Where a digest is known, the card leads to a line of another book
/// (<see cref="FileVersions"/>) with size, digest and time, instead of saying the size.</para>
/// <para>Only where servers disagree about a file's size or digest does a card point to a longer note: one line for
/// each claim, with its holders and when the last of them changed. Such files are few; while a new version of
/// everything spreads they may be many, and cost some hundred bytes each until the fleet agrees again.</para>
/// <para>The book, which says what is published, is a holder too, though nobody is sent to it. Of a file that it
/// names, its word alone says which digest is the file, however many servers hold something else.</para>
/// <para>Cost for each file: what a name and its value cost in <see cref="NameTable"/>, and a line of the other book
/// where there is a digest.</para>
/// </remarks>
internal sealed class Catalog(long seed)
{
    private const int WorthCompacting = 100_000;

    private CatalogTables _tables = new(seed);
    private long _change;
    private bool _isTogether;

    /// <summary>How many files have a holder or are published.</summary>
    public int Count => Volatile.Read(ref _tables).Held;

    /// <summary>What is known now, for any row of look-ups that belong together.</summary>
    public View Now => new(Volatile.Read(ref _tables));

    /// <summary>Replaces everything that one server holds by its new list. One caller at a time.</summary>
    /// <returns>The files of the list about which servers disagree now, as rows valid in <see cref="Now"/>.</returns>
    public List<int> Replace(int server, FileList list)
    {
        CatalogTables tables = _tables;
        RowSet told = new();
        bool had = Enumerable.Range(0, tables.Sets.Count).Any(set => tables.Sets.Holds(set, server));
        List<int> disputed = Apply(tables, server, list, told);
        bool[] holds = [.. Enumerable.Range(0, tables.Sets.Count).Select(set => tables.Sets.Holds(set, server))];
        // All names are looked at, which only a server has to pay for that had something.
        if (had)
        {
            foreach (int row in tables.Names)
            {
                if (!told.Contains(row)) tables.Take(row, server, holds);
            }
        }
        return CompactIfWorth(tables, disputed);
    }

    /// <summary>Changes what one server holds by what a list adds and removes. One caller at a time.</summary>
    /// <returns>The same as <see cref="Replace"/>.</returns>
    public List<int> Change(int server, FileList list)
    {
        CatalogTables tables = _tables;
        return CompactIfWorth(tables, Apply(tables, server, list, null));
    }

    /// <summary>Notes that a file is published with these bytes, of which the digest is known, and with no others. One
    /// caller at a time.</summary>
    /// <returns>False when there is no room for one more name.</returns>
    public bool Publish(ReadOnlySpan<byte> name, in PublishedName published)
    {
        int row = _tables.Names.Add(name);
        if (row < 0) return false;
        _change++;
        _tables.Put(row, ReplicaSets.Book, published.State, _change);
        _tables.Publish(row, published);
        return true;
    }

    /// <summary>The same, with the servers that have these bytes, in one step. One caller at a time.</summary>
    public void Publish(ReadOnlySpan<byte> name, in PublishedName published, ReadOnlySpan<ushort> holders)
    {
        int row = _tables.Names.Add(name);
        if (row < 0) return;
        _tables.Publish(row, published, holders, ++_change);
        CompactIfWorth(_tables, []);
    }

    /// <summary>Notes that a file is published no more; what servers hold of that name by themselves is a file like
    /// others from now on. One caller at a time.</summary>
    /// <param name="name">The file.</param>
    /// <param name="holders">Servers that have only what was published of it.</param>
    public void Retract(ReadOnlySpan<byte> name, ReadOnlySpan<ushort> holders = default)
    {
        int row = _tables.Names.Find(name);
        if (row < 0) return;
        _tables.Take(row, ReplicaSets.Book);
        foreach (ushort holder in holders) _tables.Take(row, holder);
        CompactIfWorth(_tables, []);
    }

    /// <summary>Changes names together: whoever looks finds all of them as they were, or all of them changed. One
    /// caller at a time.</summary>
    /// <param name="names">The names.</param>
    /// <param name="change">Changes them here.</param>
    public void Together(IEnumerable<byte[]> names, Action change)
    {
        CatalogTables tables = _tables;
        tables.DrawDown(names.Select(name => tables.Names.Add(name)).Where(row => row >= 0));
        _isTogether = true;
        try
        {
            change();
        }
        finally
        {
            _isTogether = false;
            tables.DrawUp();
        }
        CompactIfWorth(tables, []);
    }

    /// <summary>Counts the changes: what has not moved says that nothing did.</summary>
    public long Changes => Volatile.Read(ref _change);

    /// <summary>Has published files of which no server has told yet be held by those that an earlier process knew. One
    /// caller at a time.</summary>
    /// <param name="last">What it knew.</param>
    /// <param name="groups">The servers of each of its groups.</param>
    public void Recall(HolderTable last, IReadOnlyDictionary<int, ushort[]> groups)
    {
        CatalogTables tables = _tables;
        _change++;
        Dictionary<int, int> sets = groups.Where(group => group.Value.Length > 0)
            .ToDictionary(group => group.Key, group => tables.Sets.Of(group.Value, hasBook: true));
        foreach (int row in tables.Names)
        {
            if (tables.PublishedSet(row, out FileDigest digest) != 0 || digest.IsNone) continue;
            int group = last.Find(HolderTable.KeyOf(tables.Names[row], digest));
            if (sets.TryGetValue(group, out int set)) tables.Recall(row, set);
        }
    }

    private List<int> Apply(CatalogTables tables, int server, FileList list, RowSet? told)
    {
        List<int> disputed = [];
        _change++;
        FileList.Reader rows = list.Read();
        while (rows.Next())
        {
            int row = rows.IsRemoval ? tables.Names.Find(rows.Name) : tables.Names.Add(rows.Name);
            // A full table keeps what it has; its capacity is far beyond what is promised.
            if (row < 0) continue;
            if (rows.IsRemoval)
            {
                told?.Remove(row);
                tables.Take(row, server);
                continue;
            }
            told?.Add(row);
            if (tables.Put(row, server, rows.State, _change)) disputed.Add(row);
        }
        // What a later row of the same list settled is no dispute.
        disputed.RemoveAll(row => !tables.IsDisputed(row));
        return disputed;
    }

    private List<int> CompactIfWorth(CatalogTables tables, List<int> disputed)
    {
        if (_isTogether) return disputed;
        bool mostlyGone = tables.Names.Count > WorthCompacting && tables.Held < tables.Names.Count / 2;
        return mostlyGone || tables.Versions.IsMostlyDropped ? Compact(tables, disputed) : disputed;
    }

    // Names and states are only ever appended; when most are of no use any more, what is left moves to new tables.
    private List<int> Compact(CatalogTables old, List<int> disputed)
    {
        CatalogTables tables = new(seed);
        HashSet<int> wanted = [.. disputed];
        List<int> moved = [];
        foreach (int row in old.Names)
        {
            // The one changed first goes first: a card keeps no time, so it becomes the oldest, which it is.
            foreach (Holding holding in old.HoldingsOf(row).OrderBy(holding => holding.Change))
            {
                int target = tables.Names.Add(old.Names[row]);
                FileState state =
                    holding.Version < 0 ? new FileState(holding.Size) : old.Versions.StateOf(holding.Version);
                foreach (ushort member in old.Sets.MembersOf(holding.Set))
                {
                    tables.Put(target, member, state, holding.Change);
                }
                if (old.Sets.HasBook(holding.Set) && old.TryPublished(row, out PublishedName published))
                {
                    tables.Publish(target, published);
                }
                if (wanted.Remove(row)) moved.Add(target);
            }
        }
        Volatile.Write(ref _tables, tables);
        return moved;
    }

    /// <summary>One moment of the catalog; look-ups in it agree with one another about rows.</summary>
    public readonly struct View(CatalogTables tables)
    {
        /// <summary>All names, also of files that nobody holds any more.</summary>
        public NameTable Names => tables.Names;

        /// <summary>The files about which servers may disagree; all others are offered by whoever holds them.</summary>
        public IEnumerable<int> Noted => tables.NotedRows;

        public ReadOnlySpan<byte> NameOf(int row) => tables.Names[row];

        /// <summary>Where it stands that a file has this state, of which the digest is known; null where it does not
        /// stand so.</summary>
        public long? PlaceOf(ReadOnlySpan<byte> name, in FileState state)
        {
            int row = tables.Names.Find(name);
            if (row < 0) return null;
            Copies copies = tables.Look(row, out Holding[]? note);
            if (note is not null || copies.Set == 0 || copies.Version < 0) return null;
            // A root that follows from the digest is not kept.
            FileState told = Chunks.FollowFromDigest(state.Size) ? state with { ToldRoot = FileDigest.None } : state;
            return tables.Versions.StateOf(copies.Version) == told
                ? ((long)row << 32) | (uint)copies.Version : null;
        }

        /// <summary>The name at a place.</summary>
        public ReadOnlySpan<byte> NameAt(long place) => tables.Names[(int)(place >> 32)];

        /// <summary>The state at a place; neither ever changes, but for the time and a root that is learned.</summary>
        public FileState StateAt(long place) => tables.Versions.StateOf((int)place);

        /// <summary>Which servers have what is published of a row, as a number of <see cref="Members"/>; 0 when nobody
        /// has it, and where nothing is published.</summary>
        public int PublishedSet(int row, out FileDigest digest) => tables.PublishedSet(row, out digest);

        /// <summary>The servers of a set.</summary>
        public ushort[] Members(int set) => tables.Sets[set];

        /// <summary>What is published of a row; false when nothing is.</summary>
        public bool TryPublished(int row, out PublishedName published) => tables.TryPublished(row, out published);

        /// <summary>What is published under a name; false when nothing is.</summary>
        public bool TryPublished(ReadOnlySpan<byte> name, out PublishedName published)
        {
            published = default;
            int row = tables.Names.Find(name);
            return row >= 0 && tables.TryPublished(row, out published);
        }

        /// <summary>Brings near what looking up these names will ask for: <see cref="NameTable.BringNear"/>.</summary>
        public long BringNear(ReadOnlySpan<byte> text, ReadOnlySpan<Range> names) => tables.BringNear(text, names);

        /// <summary>The row of the file that a GET asks for: the raw words first, then their decoded form; -1 when
        /// none.</summary>
        public int Find(ReadOnlySpan<byte> words)
        {
            int row = tables.Names.Find(words);
            return row >= 0 || !words.Contains((byte)'%') ? row : FindDecoded(words);
        }

        /// <summary>The holders and the size of a file; where servers disagree, those that most live servers side
        /// with.</summary>
        /// <returns>No holder when the file is gone.</returns>
        public ReadOnlySpan<ushort> Holders(int row, Server[] servers, out long size)
        {
            Copies copies = Offered(row, servers);
            size = copies.Size;
            return tables.Sets[copies.Set];
        }

        /// <summary>The same, with digest and time where they are known.</summary>
        public ushort[] Holders(int row, Server[] servers, out FileState state)
        {
            Copies copies = Offered(row, servers);
            state = StateOf(copies);
            return tables.Sets[copies.Set];
        }

        /// <summary>What is published of a row, and the servers that have it, ascending; null when nothing is.
        /// Allocates nothing.</summary>
        public ushort[]? PublishedAt(int row, out PublishedName published) =>
            tables.PublishedAt(row, out published);

        /// <summary>True for a server that has what is published under a name.</summary>
        public bool HasPublished(ReadOnlySpan<byte> name, int server)
        {
            int row = tables.Names.Find(name);
            return row >= 0 && tables.IsPublishedAt(row, server);
        }

        /// <summary>Every claim about a file, with those who make it; copies of one size without a digest are a claim
        /// of their own, unless nobody disagrees.</summary>
        public IEnumerable<(FileState State, ushort[] Servers)> Claims(int row)
        {
            Copies copies = tables.Look(row, out Holding[]? note);
            if (note is null && copies.Set != 0) yield return (StateOf(copies), tables.Sets[copies.Set]);
            foreach (Holding holding in note ?? [])
            {
                Copies claim = new(holding.Set, holding.Size, holding.Version);
                yield return (StateOf(claim), tables.Sets[holding.Set]);
            }
        }

        private FileState StateOf(Copies copies) =>
            copies.Version < 0 ? new FileState(copies.Size) : tables.Versions.StateOf(copies.Version);

        private Copies Offered(int row, Server[] servers)
        {
            Copies copies = tables.Look(row, out Holding[]? note);
            return note is null ? copies : Judge(note, tables.Sets, servers);
        }

        private int FindDecoded(ReadOnlySpan<byte> words)
        {
            Span<byte> decoded = stackalloc byte[Limits.LineBytes];
            return tables.Names.Find(decoded[..PercentText.Decode(words, decoded)]);
        }
    }

    // What is published is the file; else what most live servers hold, on a tie the one last changed.
    private static Copies Judge(Holding[] holdings, ReplicaSets sets, Server[] servers)
    {
        Holding best = default;
        int most = -1;
        foreach (Holding holding in holdings)
        {
            if (sets.HasBook(holding.Set)) return new Copies(holding.Set, holding.Size, holding.Version);
            if (holding.Offered == 0) continue;
            int live = 0;
            foreach (ushort server in sets[holding.Offered])
            {
                if (server < servers.Length && servers[server].IsAsked) live++;
            }
            bool later = holding.Recent > best.Recent
                || (holding.Recent == best.Recent && holding.Change > best.Change);
            if (live > most || (live == most && later)) (best, most) = (holding, live);
        }
        return new Copies(best.Offered, best.Size, best.Version);
    }

    // One bit for each row there may be.
    internal sealed class RowSet
    {
        private ulong[] _words = new ulong[1024];

        public bool Contains(int row) => row >> 6 < _words.Length && (_words[row >> 6] & (1UL << (row & 63))) != 0;

        public void Add(int row)
        {
            if (row >> 6 >= _words.Length) Array.Resize(ref _words, Math.Max(_words.Length * 2, (row >> 6) + 1));
            _words[row >> 6] |= 1UL << (row & 63);
        }

        public void Remove(int row)
        {
            if (row >> 6 < _words.Length) _words[row >> 6] &= ~(1UL << (row & 63));
        }
    }
}
