using System.Text;
using MicroCdn.Protocol;
using MicroCdn.Records;

namespace MicroCdn.Index.Publishing;

/// <summary>What is about what in the book's rows. Numbers are never used again for something else.</summary>
internal enum BookKind : byte
{
    /// <summary>A name and what is published under it: <see cref="PublishedName"/>.</summary>
    Name = 1,

    /// <summary>A prefix and the policy of what lies below it: <see cref="ReplicationPolicy"/>.</summary>
    Policy = 2,

    /// <summary>A server and what operators said of it: <see cref="RetiredServers"/>.</summary>
    Server = 3,

    /// <summary>A release, or one with a file that is staged in it: <see cref="ReleaseHead"/>,
    /// <see cref="PublishedName"/>.</summary>
    Release = 4,

    /// <summary>The name of a token and what it allows: <see cref="TokenTable"/>.</summary>
    Token = 5,

    /// <summary>An active release with a name, and what was there before: <see cref="PublishedName"/>.</summary>
    Undo = 7,
}

/// <summary>What must not be forgotten, in memory: which names are published, and which were removed.</summary>
/// <remarks>
/// <para>Think of the land register: who lives in a house changes daily and can be asked at the door, but whose house
/// it is stands in one book, under numbers that only grow, and a page is never torn out: what is sold is crossed
/// out.</para>
/// <para>What is published stands in the <see cref="Catalog"/>, where the book is one more holder. Here are only the
/// removed names: by them a server that comes back with an old copy learns that it is one.</para>
/// <para>Changes come in the order of their numbers, from whoever wrote them, and are applied by the catalog's one
/// writer. Reading takes no lock.</para>
/// </remarks>
internal sealed class Book(Catalog catalog, long seed)
{
    private readonly NameTable _removed = new(seed);
    private PolicyTable _policies = PolicyTable.Empty;
    private long _number;
    private long _highest;
    private readonly Dictionary<FileName, ushort[]> _expected = [];

    /// <summary>The number of the last change that is applied.</summary>
    public long Number => Volatile.Read(ref _number);

    /// <summary>What the next change is to be called where it says when something became so: more than whatever said
    /// so before, also where the rows were copied from a store whose numbers were greater.</summary>
    public long NextRevision => Math.Max(Number, _highest) + 1;

    /// <summary>How many copies of what there are to be.</summary>
    public PolicyTable Policies => Volatile.Read(ref _policies);

    /// <summary>Who is let in over HTTP.</summary>
    public TokenTable Tokens { get; } = new();

    /// <summary>What is staged, and what the newest activation replaced.</summary>
    public Releases Releases { get; } = new();

    /// <summary>Which servers are retired.</summary>
    public RetiredServers Retired { get; init; } = new();

    /// <summary>Takes one row of those a store has at the start.</summary>
    /// <exception cref="RecordStoreException">It is none that this version can read: it is named.</exception>
    public void Load(byte kind, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        bool isRead = (BookKind)kind switch
        {
            BookKind.Name => TryTakeName(key, value),
            BookKind.Policy => TryTakePolicy(key, value),
            BookKind.Server => Retired.TryTake(key, value),
            BookKind.Token => Tokens.TryTake(key, value),
            BookKind.Release or BookKind.Undo => Releases.TryTake((BookKind)kind, key, value),
            _ => throw new RecordStoreException(
                $"the book has a row of kind {kind}, which this version does not know: use the version that wrote it"),
        };
        if (isRead) return;
        throw new RecordStoreException($"what the book says of '{Encoding.UTF8.GetString(key)}' (kind {kind}) is "
            + "damaged, or written by a later version");
    }

    /// <summary>Says up to which change the rows go that were loaded.</summary>
    public void Loaded(long number) => Volatile.Write(ref _number, number);

    /// <summary>Applies one change: whoever looks finds all of its names as they were, or all of them changed. The
    /// catalog's writer alone.</summary>
    public void Apply(RecordChange change)
    {
        byte[][] names = [.. change.Rows.Where(row => row.Kind == (byte)BookKind.Name).Select(row => row.Key)];
        if (names.Length > 1) catalog.Together(names, () => Apply(change.Rows));
        else Apply(change.Rows);
        _expected.Clear();
        Loaded(change.Number);
    }

    private void Apply(IReadOnlyList<RecordRow> rows)
    {
        foreach (RecordRow row in rows)
        {
            if (row.Value is not null) Load(row.Kind, row.Key, row.Value);
            else if (row.Kind == (byte)BookKind.Policy) Volatile.Write(ref _policies, Policies.With(row.Key, null));
            else if (row.Kind == (byte)BookKind.Token) Tokens.TakeOut(row.Key);
            else if (row.Kind == (byte)BookKind.Server) Retired.TakeOut(row.Key);
            else if ((BookKind)row.Kind is BookKind.Release or BookKind.Undo)
            {
                Releases.Drop((BookKind)row.Kind, row.Key);
            }
        }
    }

    /// <summary>Puts all rows of a store in the place of what is here. The catalog's writer alone.</summary>
    /// <remarks>No name is gone for a moment that is there before and after, and names that change do so
    /// together.</remarks>
    public void Replace(long number, IReadOnlyList<RecordRow> rows)
    {
        List<byte[]> gone = PublishedBeside(rows);
        catalog.Together(rows.Where(IsNews).Select(row => row.Key).Concat(gone), () =>
        {
            foreach (RecordRow row in rows) Load(row.Kind, row.Key, row.Value);
            foreach (byte[] name in gone) catalog.Retract(name);
        });
        HashSet<string> prefixes = [.. rows.Where(row => row.Kind == (byte)BookKind.Policy)
            .Select(row => Encoding.UTF8.GetString(row.Key))];
        foreach (PolicyWords policy in Policies.All.Where(one => !prefixes.Contains(one.Prefix)))
        {
            Volatile.Write(ref _policies, Policies.With(Encoding.UTF8.GetBytes(policy.Prefix), null));
        }
        Tokens.KeepOnly(rows.Where(row => row.Kind == (byte)BookKind.Token).Select(row => row.Key));
        Releases.KeepOnly(rows);
        Retired.KeepOnly(rows.Where(row => row.Kind == (byte)BookKind.Server).Select(row => row.Key));
        Catalog.RowSet removed = new();
        foreach (RecordRow row in rows.Where(row => row.Kind == (byte)BookKind.Name))
        {
            if (_removed.Find(row.Key) is >= 0 and int tombstone) removed.Add(tombstone);
        }
        foreach (int row in _removed)
        {
            if (!removed.Contains(row)) Volatile.Write(ref _removed.ValueOf(row), 0);
        }
        _expected.Clear();
        Loaded(number);
    }

    // What is published here and not named by any of these rows.
    private List<byte[]> PublishedBeside(IReadOnlyList<RecordRow> rows)
    {
        Catalog.View view = catalog.Now;
        Catalog.RowSet named = new();
        foreach (RecordRow row in rows.Where(row => row.Kind == (byte)BookKind.Name))
        {
            if (view.Names.Find(row.Key) is >= 0 and int found) named.Add(found);
        }
        List<byte[]> beside = [];
        foreach (int row in view.Names)
        {
            if (!named.Contains(row) && view.TryPublished(row, out _)) beside.Add(view.NameOf(row).ToArray());
        }
        return beside;
    }

    private bool IsNews(RecordRow row) => row.Kind == (byte)BookKind.Name
        && PublishedName.TryRead(row.Value, out PublishedName read)
        && (TryFind(row.Key, out PublishedName now) ? now.Revision != read.Revision : !read.IsRemoved);

    /// <summary>Says who has what the next change publishes under a name, or had what it removes: it is noted in the
    /// same step. The catalog's writer alone.</summary>
    public void Expect(ReadOnlySpan<byte> name, ushort[] holders)
    {
        if (FileName.TryCreate(name, out FileName read)) _expected[read] = holders;
    }

    /// <summary>Takes what servers show of a change that was not seen yet, and who they are; it counts until the change
    /// comes. The catalog's writer alone.</summary>
    public void Foresee(ReadOnlySpan<byte> name, in PublishedName published, ReadOnlySpan<ushort> holders)
    {
        if (_removed.Find(name) is >= 0 and int removed) Volatile.Write(ref _removed.ValueOf(removed), 0);
        catalog.Publish(name, published, holders);
    }

    /// <summary>What is published under a name; false when nothing is.</summary>
    public bool TryFind(ReadOnlySpan<byte> name, out PublishedName published) =>
        catalog.Now.TryPublished(name, out published);

    /// <summary>The number of the change that removed a name; 0 for one that is published or never was.</summary>
    public long RemovedAt(ReadOnlySpan<byte> name)
    {
        int row = _removed.Find(name);
        return row < 0 ? 0 : Volatile.Read(ref _removed.ValueOf(row));
    }

    private bool TryTakeName(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        if (!PublishedName.TryRead(value, out PublishedName name) || !FileName.IsValid(key)) return false;
        _highest = Math.Max(_highest, name.Revision);
        int removed = name.IsRemoved ? _removed.Add(key) : _removed.Count == 0 ? -1 : _removed.Find(key);
        if (removed >= 0) Volatile.Write(ref _removed.ValueOf(removed), name.IsRemoved ? name.Revision : 0);
        ushort[]? holders = _expected.Count > 0 && FileName.TryCreate(key, out FileName read)
            ? _expected.GetValueOrDefault(read) : null;
        if (name.IsRemoved) catalog.Retract(key, holders);
        else if (holders is null) catalog.Publish(key, name);
        else catalog.Publish(key, name, holders);
        return true;
    }

    private bool TryTakePolicy(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        if (ReplicationPolicy.Read(value) is not { } policy) return false;
        Volatile.Write(ref _policies, Policies.With(key, policy));
        return true;
    }
}
