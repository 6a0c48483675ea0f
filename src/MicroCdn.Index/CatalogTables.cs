using System.Collections.Concurrent;
using MicroCdn.Index.Publishing;
using MicroCdn.Protocol;

namespace MicroCdn.Index;

/// <summary>One claim about a file: who says it has this size and digest, and when a server last came to say
/// so.</summary>
/// <param name="Size">The size.</param>
/// <param name="Version">The number of the state with the digest; -1 for servers that told none.</param>
/// <param name="Set">The servers that say so.</param>
/// <param name="Change">When one of them last came to say so.</param>
internal readonly record struct Holding(long Size, int Version, int Set, long Change)
{
    /// <summary>The servers that are offered when this claim wins: those of its size without a digest too; none (0)
    /// for such a claim itself beside one with a digest, since it stands or falls with that.</summary>
    public int Offered { get; init; }

    /// <summary>When one of the offered last came to it.</summary>
    public long Recent { get; init; }
}

/// <summary>What is offered of a file: by whom, in which size and state (-1 without a digest).</summary>
internal readonly record struct Copies(int Set, long Size, int Version);

/// <summary>The cards and notes of a <see cref="Catalog"/>; one writer, any row of readers.</summary>
internal sealed partial class CatalogTables(long seed)
{
    private const int SizeBits = 43;                       // 8 TiB
    private const int SetShift = SizeBits + 1;
    private const int SetBits = 63 - SetShift;             // half a million different groups of servers ...
    private const int VersionBits = 30;                    // ... and any number beside a state, which needs less room
    private const long SizeMask = (1L << SizeBits) - 1;
    private const long HasVersion = 1L << SizeBits;        // the card says the number of a state instead of a size
    private const byte Spread = 0x80;                      // beside a number of copies, which is far smaller
    private const long Noted = long.MinValue;              // the card only says that there is a note

    private readonly ConcurrentDictionary<int, Holding[]> _notes = [];

    // While names change together: what readers are still told of them.
    private Dictionary<int, (Copies Copies, Holding[]? Note, PublishedName? Published)>? _curtain;

    public NameTable Names { get; } = new(seed);

    public ReplicaSets Sets { get; } = new();

    public FileVersions Versions { get; } = new();

    public int Held { get; private set; }

    /// <summary>The files of which there is a note, in any order.</summary>
    public IEnumerable<int> NotedRows
    {
        get
        {
            foreach ((int row, _) in _notes) yield return row;
        }
    }

    /// <summary>What a file's card or note says now; a note when servers disagree (or the card has no room).</summary>
    public Copies Look(int row, out Holding[]? note)
    {
        // In this sequence: whoever read a card that was changed behind the curtain finds the curtain, or that it is up
        // and everything else is changed too.
        Copies copies = LookBehind(row, out note);
        if (Volatile.Read(ref _curtain) is not { } curtain || !curtain.TryGetValue(row, out var before)) return copies;
        note = before.Note;
        return before.Copies;
    }

    private Copies LookBehind(int row, out Holding[]? note)
    {
        while (true)
        {
            long card = Card(row);
            note = null;
            if (card >= 0) return Read(card);
            if (_notes.TryGetValue(row, out note)) return default;
            // The note was taken away since the card was read; the card that took its place stands already.
        }
    }

    /// <summary>What is published of a file; false when it is not.</summary>
    public bool TryPublished(int row, out PublishedName published)
    {
        bool isPublished = TryPublishedBehind(row, out published);
        if (Volatile.Read(ref _curtain) is not { } curtain || !curtain.TryGetValue(row, out var before))
        {
            return isPublished;
        }
        published = before.Published.GetValueOrDefault();
        return before.Published is not null;
    }

    private bool TryPublishedBehind(int row, out PublishedName published)
    {
        int version = PublishedOf(LookBehind(row, out Holding[]? note), note).Version;
        published = default;
        if (version < 0) return false;
        (long revision, byte copies) = Versions[version].Published;
        published = new PublishedName(
            revision, Versions.StateOf(version), (byte)(copies & ~Spread), (copies & Spread) != 0);
        return true;
    }

    /// <summary>Says which change published a file, for one that is, and how many copies were asked for; the writer's
    /// alone.</summary>
    public void Publish(int row, in PublishedName published) =>
        Versions[PublishedOf(LookBehind(row, out Holding[]? note), note).Version].Published =
            (published.Revision, CopiesWord(published));

    /// <summary>Notes what is published of a file and who has it, in one step: whoever looks finds what was before or
    /// this, with those who have it. The writer's alone.</summary>
    public void Publish(int row, in PublishedName published, ReadOnlySpan<ushort> holders, long change)
    {
        FileState state = published.State;
        List<Holding> holdings = [.. HoldingsOf(row)];
        if (holdings.Count == 0) Held++;
        int set = Sets.Of(holders, hasBook: true);
        for (int at = holdings.Count - 1; at >= 0; at--)
        {
            Holding left = holdings[at];
            int rest = Sets.MembersOf(set).Aggregate(left.Set, (all, server) => Sets.Without(all, server));
            bool isSame = left.Version >= 0 && IsClaim(left, state);
            holdings[at] = left with { Set = rest };
            if (isSame) set = Sets.MembersOf(rest).Aggregate(set, (all, server) => Sets.With(all, server));
            if (!isSame && rest != 0) continue;
            holdings.RemoveAt(at);
            if (left.Version >= 0) Versions.Drop();
        }
        int version = Versions.Add(state, set);
        Versions[version].Published = (published.Revision, CopiesWord(published));
        Publish(row, [.. holdings, new Holding(state.Size, version, set, change)]);
    }

    private static byte CopiesWord(in PublishedName published) =>
        (byte)(published.Replicas | (published.IsSpread ? Spread : 0));

    /// <summary>True when servers disagree about a file.</summary>
    public bool IsDisputed(int row)
    {
        LookBehind(row, out Holding[]? note);
        return note is not null && IsDisputed(note);
    }

    /// <summary>The claims about a file; the writer's alone.</summary>
    public Holding[] HoldingsOf(int row)
    {
        Copies copies = LookBehind(row, out Holding[]? note);
        if (note is not null) return note;
        if (copies.Set == 0) return [];
        if (copies.Version < 0) return [new Holding(copies.Size, -1, copies.Set, 0)];
        int claimants = Versions[copies.Version].Claimants;
        Holding claim = new(copies.Size, copies.Version, claimants, 0);
        int rest = Sets.MembersOf(claimants).Aggregate(copies.Set, (set, server) => Sets.Without(set, server));
        return rest == 0 ? [claim] : [claim, new Holding(copies.Size, -1, rest, 0)];
    }

    /// <summary>Notes what a server says a file is; true when servers disagree about it now.</summary>
    public bool Put(int row, int server, in FileState state, long change)
    {
        long card = Card(row);
        return (card < 0 || !TryPutOnCard(row, Read(card), server, state)) && Rewrite(row, server, state, change);
    }

    /// <summary>Notes that a server no longer holds a file.</summary>
    /// <param name="row">The file.</param>
    /// <param name="server">The server.</param>
    /// <param name="holds">For each set whether the server is in it, where that is known beforehand.</param>
    public void Take(int row, int server, bool[]? holds = null)
    {
        long card = Card(row);
        if (card < 0) Rewrite(row, server, null, 0);
        else if (holds is null ? Sets.Holds(SetOf(card), server) : holds[SetOf(card)])
        {
            TakeFromCard(row, Read(card), server);
        }
    }

    // Of what a card or note says: what is published; without a version when nothing is.
    private Copies PublishedOf(Copies copies, Holding[]? note)
    {
        Copies none = new(0, 0, -1);
        if (note is null) return Sets.HasBook(copies.Set) ? copies : none;
        Holding found = Array.Find(note, holding => Sets.HasBook(holding.Set));
        return found.Set == 0 ? none : new Copies(found.Set, found.Size, found.Version);
    }

    // The common case: nobody holds it yet, or all who do say the same, or some of them no digest.
    private bool TryPutOnCard(int row, Copies copies, int server, in FileState state)
    {
        bool isFirst = copies.Set == 0;
        if (!isFirst && copies.Size != state.Size) return false;
        if (!isFirst && IsPublished(copies, server) && !HasOneDigest(copies, state)) return false;
        int set = Sets.With(copies.Set, server);
        if (copies.Version < 0 && state.Digest.IsNone)
        {
            if (!FitsPlain(set, state.Size)) return false;
            WritePlain(row, set, state.Size);
        }
        else if (copies.Version < 0) WriteVersion(row, set, Versions.Add(state, Sets.With(0, server)));
        else if (!TryPutOnVersion(row, copies with { Set = set }, server, state)) return false;
        if (isFirst) Held++;
        return true;
    }

    // The book's word is involved: a copy whose digest nobody told is no copy of what is published.
    private bool IsPublished(Copies copies, int server) => server == ReplicaSets.Book || Sets.HasBook(copies.Set);

    private bool HasOneDigest(Copies copies, in FileState state) => !state.Digest.IsNone && copies.Version >= 0
        && Versions[copies.Version].Claimants == copies.Set && state.HasBytesOf(Versions.StateOf(copies.Version));

    private bool TryPutOnVersion(int row, Copies copies, int server, in FileState state)
    {
        ref FileVersions.Entry version = ref Versions[copies.Version];
        int others = Sets.Without(version.Claimants, server);
        if (!state.Digest.IsNone && state.HasBytesOf(Versions.StateOf(copies.Version)))
        {
            Versions.LearnRoot(copies.Version, state);
            version.UnixSeconds = others == 0 || version.UnixSeconds < 0 ? state.UnixSeconds
                : state.UnixSeconds < 0 ? version.UnixSeconds : Math.Min(version.UnixSeconds, state.UnixSeconds);
            version.Claimants = Sets.With(others, server);
            WriteVersion(row, copies.Set, copies.Version);
            return true;
        }
        // Another digest while others stand by this one: a dispute.
        if (others != 0 && !state.Digest.IsNone) return false;
        if (others != 0)
        {
            version.Claimants = others;
            WriteVersion(row, copies.Set, copies.Version);
            return true;
        }
        // Nobody stands by the old digest any more.
        if (state.Digest.IsNone && !FitsPlain(copies.Set, state.Size)) return false;
        Versions.Drop();
        if (state.Digest.IsNone) WritePlain(row, copies.Set, state.Size);
        else WriteVersion(row, copies.Set, Versions.Add(state, Sets.With(0, server)));
        return true;
    }

    private void TakeFromCard(int row, Copies copies, int server)
    {
        int set = Sets.Without(copies.Set, server);
        int claimants = copies.Version < 0 ? 0 : Sets.Without(Versions[copies.Version].Claimants, server);
        if (claimants != 0)
        {
            Versions[copies.Version].Claimants = claimants;
            WriteVersion(row, set, copies.Version);
            return;
        }
        if (copies.Version >= 0) Versions.Drop();
        if (set == 0) Held--;
        Publish(row, set == 0 ? [] : [new Holding(copies.Size, -1, set, 0)]);
    }

    // The rare case: takes the server out of whatever claim it made and puts it to the one it makes now.
    private bool Rewrite(int row, int server, FileState? state, long change)
    {
        List<Holding> holdings = [.. HoldingsOf(row)];
        bool wasHeld = holdings.Count > 0;
        int from = holdings.FindIndex(h => Sets.Holds(h.Set, server));
        Holding? before = from < 0 ? null : holdings[from];
        // Repeating an old announcement is no change.
        if (state is { } repeated && before is { } same && IsClaim(same, repeated))
        {
            if (same.Version >= 0) Versions.LearnRoot(same.Version, repeated);
            return IsDisputed([.. holdings]);
        }
        if (before is { } left)
        {
            holdings[from] = left with { Set = Sets.Without(left.Set, server) };
            if (holdings[from].Set == 0)
            {
                holdings.RemoveAt(from);
                if (left.Version >= 0) Versions.Drop();
            }
        }
        if (state is { } told)
        {
            Join(holdings, server, told, IsNews(holdings, before, told) ? change : before!.Value.Change);
        }
        if (wasHeld != holdings.Count > 0) Held += wasHeld ? -1 : 1;
        Publish(row, [.. holdings]);
        return IsDisputed([.. holdings]);
    }

    // Learning the digest of what a server held anyway changes nothing about the file, unless it turns out to differ
    // from what others hold: else whoever computes slowest would win every tie.
    private bool IsNews(List<Holding> holdings, Holding? before, FileState state) =>
        before is not { } held || held.Version >= 0 || held.Size != state.Size || state.Digest.IsNone
        || holdings.Exists(h => h.Size == state.Size && h.Version >= 0 && !IsClaim(h, state));

    private void Join(List<Holding> holdings, int server, FileState state, long change)
    {
        int at = holdings.FindIndex(h => IsClaim(h, state));
        if (at < 0)
        {
            int version = state.Digest.IsNone ? -1 : Versions.Add(state, 0);
            holdings.Add(new Holding(state.Size, version, Sets.With(0, server), change));
            return;
        }
        Holding known = holdings[at];
        if (known.Version >= 0) Versions.LearnRoot(known.Version, state);
        holdings[at] = known with { Set = Sets.With(known.Set, server), Change = Math.Max(known.Change, change) };
    }

    private bool IsClaim(Holding holding, FileState state) => holding.Size == state.Size
        && (holding.Version < 0 ? state.Digest.IsNone : state.HasBytesOf(Versions.StateOf(holding.Version)));

    private bool IsDisputed(Holding[] holdings) => holdings.Length > 1
        && (Array.Exists(holdings, h => h.Size != holdings[0].Size) || holdings.Count(h => h.Version >= 0) > 1
            || Array.Exists(holdings, h => Sets.HasBook(h.Set)));

    private void Publish(int row, Holding[] holdings)
    {
        if (TryWriteCard(row, holdings))
        {
            _notes.TryRemove(row, out _);
            return;
        }
        // The note stands before the card points to it.
        _notes[row] = [.. holdings.Select(holding => WithUndigested(holding, holdings))];
        Write(row, Noted);
    }

    private bool TryWriteCard(int row, Holding[] holdings)
    {
        if (holdings is []) Write(row, 0);
        if (holdings is []) return true;
        if (IsDisputed(holdings)) return false;
        int digested = Array.FindIndex(holdings, h => h.Version >= 0);
        Holding all = WithUndigested(holdings[Math.Max(digested, 0)], holdings);
        if (digested < 0 && !FitsPlain(all.Offered, all.Size)) return false;
        if (digested < 0) WritePlain(row, all.Offered, all.Size);
        else
        {
            Versions[all.Version].Claimants = all.Set;
            WriteVersion(row, all.Offered, all.Version);
        }
        return true;
    }

    private Holding WithUndigested(Holding holding, Holding[] holdings)
    {
        bool hasDigest = holding.Version >= 0;
        // Beside what is published, each claim stands alone.
        if (Array.Exists(holdings, h => Sets.HasBook(h.Set)))
        {
            return holding with { Offered = holding.Set, Recent = holding.Change };
        }
        Holding other = Array.Find(holdings, h => h.Size == holding.Size && h.Version >= 0 != hasDigest);
        if (other.Set == 0) return holding with { Offered = holding.Set, Recent = holding.Change };
        int all = Sets.MembersOf(other.Set).Aggregate(holding.Set, (set, server) => Sets.With(set, server));
        return holding with { Offered = hasDigest ? all : 0, Recent = Math.Max(holding.Change, other.Change) };
    }

    private Copies Read(long card)
    {
        if ((card & HasVersion) == 0) return new Copies(SetOf(card), card & SizeMask, -1);
        int version = VersionOf(card);
        return new Copies(SetOf(card), Versions[version].Size, version);
    }

    private static int VersionOf(long card) => (int)(card & ((1 << VersionBits) - 1));

    private static int SetOf(long card) => (int)(card >> SetShift)
        | ((card & HasVersion) == 0 ? 0 : (int)((card & SizeMask) >> VersionBits) << SetBits);

    private static bool FitsPlain(int set, long size) => set < 1 << SetBits && size <= SizeMask;

    private void WritePlain(int row, int set, long size) => Write(row, ((long)set << SetShift) | size);

    private void WriteVersion(int row, int set, int version) => Write(row, ((set & ((1L << SetBits) - 1)) << SetShift)
        | HasVersion | ((long)(set >> SetBits) << VersionBits) | (uint)version);

    private void Write(int row, long card) => Volatile.Write(ref Names.ValueOf(row), card);

    private long Card(int row) => Volatile.Read(ref Names.ValueOf(row));
}
