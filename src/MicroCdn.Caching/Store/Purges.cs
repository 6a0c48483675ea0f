using System.Collections.Concurrent;

namespace MicroCdn.Caching.Store;

/// <summary>The purges that may still concern a copy: each with the number it came at.</summary>
/// <remarks>
/// <para>A purge touches no copy. It is one number, the generation of its URL, prefix or tag, and a copy whose own
/// number is lower is purged, which is found out when somebody wants it. So a purge takes as long with ten million
/// copies as with one. A copy's number is that of the moment when its origin was asked, so that a purge during the
/// fetch counts too.</para>
/// <para>Reading takes no lock. What was found out about a copy is kept with it until the next purge.</para>
/// </remarks>
internal sealed class Purges
{
    /// <summary>The most generations at a time: about 10 MiB, and more than a sweep leaves behind. Texts are kept as
    /// their hashes, however long they are: two of the same hash would be purged together, no more.</summary>
    public const int Most = 65_536;

    // Each length of a prefix is one look into the table for every copy that is judged.
    private const int MostLengths = 256;

    private readonly ConcurrentDictionary<UInt128, Generation> _urls = new();
    private readonly ConcurrentDictionary<UInt128, Generation> _prefixes = new();
    private readonly ConcurrentDictionary<UInt128, Generation> _tags = new();
    private volatile int[] _lengths = [];
    private Generation _all = Generation.None;
    private long _latest, _latestByHead;

    /// <summary>The number of the last purge; 0 when there was none.</summary>
    public long Latest => Volatile.Read(ref _latest);

    public int Count => _urls.Count + _prefixes.Count + _tags.Count;

    /// <summary>Takes a purge in; false when there are too many. Its owner holds a lock.</summary>
    public bool Add(PurgeRecord purge)
    {
        switch (purge.Scope)
        {
            case PurgeScope.All:
                Volatile.Write(ref _all, _all.With(purge));
                break;
            case PurgeScope.Prefix when !HasRoomFor(purge.Length):
                return false;
            default:
                ConcurrentDictionary<UInt128, Generation> table = TableOf(purge.Scope);
                Generation before = table.GetValueOrDefault(purge.Hash, Generation.None);
                if (before == Generation.None && Count >= Most) return false;
                table[purge.Hash] = before.With(purge);
                break;
        }
        bool isByName = purge.Scope == PurgeScope.Url || (purge.Scope == PurgeScope.All && !purge.IsSoft);
        if (!isByName) Volatile.Write(ref _latestByHead, Math.Max(_latestByHead, purge.Sequence));
        Volatile.Write(ref _latest, Math.Max(_latest, purge.Sequence));
        return true;
    }

    /// <summary>What the purges make of a copy of which only the name of its file is known.</summary>
    /// <param name="id">The hash of its key.</param>
    /// <param name="sequence">The number in its name: no smaller than the copy's own when it came.</param>
    /// <param name="after">It was judged by the purges up to this number.</param>
    /// <returns>Null when its head must be read to know.</returns>
    public PurgeState? JudgeName(UInt128 id, long sequence, long after)
    {
        Generation url = _urls.GetValueOrDefault(id, Generation.None);
        if (sequence < Math.Max(url.Hard, Volatile.Read(ref _all).Hard)) return PurgeState.Gone;
        return url == Generation.None && Volatile.Read(ref _latestByHead) <= after ? PurgeState.Valid : null;
    }

    /// <summary>What the purges make of a copy.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="tags">Its tags.</param>
    /// <param name="sequence">Its number.</param>
    public PurgeState Judge(CacheKey key, ReadOnlySpan<string> tags, long sequence)
    {
        PurgeState worst = Volatile.Read(ref _all).Judge(sequence);
        if (!_urls.IsEmpty) worst = Worse(worst, Judge(_urls, key.Text, sequence));
        if (!_tags.IsEmpty)
        {
            foreach (string tag in tags) worst = Worse(worst, Judge(_tags, tag, sequence));
        }
        foreach (int length in _lengths)
        {
            if (length > key.Text.Length) break;
            worst = Worse(worst, Judge(_prefixes, key.Text.AsSpan(0, length), sequence));
        }
        return worst;
    }

    /// <summary>Forgets what no copy can be older than. Its owner holds a lock.</summary>
    /// <param name="sequence">Every copy that is left has been judged by the purges up to this number.</param>
    public void Forget(long sequence)
    {
        foreach (var table in (ConcurrentDictionary<UInt128, Generation>[])[_urls, _prefixes, _tags])
        {
            foreach ((UInt128 hash, Generation generation) in table)
            {
                if (generation.Latest <= sequence) table.TryRemove(hash, out _);
            }
        }
        if (_all.Latest <= sequence) Volatile.Write(ref _all, Generation.None);
        _lengths = [.. _prefixes.Values.Select(prefix => prefix.Length).Distinct().Order()];
    }

    /// <summary>All that are remembered.</summary>
    public IEnumerable<PurgeRecord> Remembered()
    {
        IEnumerable<(PurgeScope Scope, UInt128 Hash, Generation Generation)> all =
        [
            (PurgeScope.All, 0, _all),
            .. _urls.Select(one => (PurgeScope.Url, one.Key, one.Value)),
            .. _prefixes.Select(one => (PurgeScope.Prefix, one.Key, one.Value)),
            .. _tags.Select(one => (PurgeScope.Tag, one.Key, one.Value)),
        ];
        foreach ((PurgeScope scope, UInt128 hash, Generation of) in all)
        {
            if (of.Hard > 0) yield return new PurgeRecord(scope, hash, of.Length, IsSoft: false, of.Hard);
            if (of.Soft > 0) yield return new PurgeRecord(scope, hash, of.Length, IsSoft: true, of.Soft);
        }
    }

    private static PurgeState Judge(
        ConcurrentDictionary<UInt128, Generation> table, ReadOnlySpan<char> text, long sequence) =>
        table.TryGetValue(CopyId.Of(text), out Generation? found) ? found.Judge(sequence) : PurgeState.Valid;

    private static PurgeState Worse(PurgeState one, PurgeState other) => one > other ? one : other;

    private ConcurrentDictionary<UInt128, Generation> TableOf(PurgeScope scope) => scope switch
    {
        PurgeScope.Url => _urls,
        PurgeScope.Prefix => _prefixes,
        _ => _tags,
    };

    private bool HasRoomFor(int length)
    {
        if (Array.BinarySearch(_lengths, length) >= 0) return Count < Most;
        if (_lengths.Length >= MostLengths || Count >= Most) return false;
        _lengths = [.. _lengths.Append(length).Order()];
        return true;
    }

    // The numbers of the last purges, hard and soft, of one URL, prefix or tag, and the length of its text.
    private sealed record Generation(long Hard, long Soft, int Length)
    {
        public static readonly Generation None = new(0, 0, 0);

        public long Latest => Math.Max(Hard, Soft);

        public Generation With(PurgeRecord purge) => purge.IsSoft
            ? this with { Soft = purge.Sequence, Length = purge.Length }
            : this with { Hard = purge.Sequence, Length = purge.Length };

        public PurgeState Judge(long sequence) => sequence < Hard ? PurgeState.Gone
            : sequence < Soft ? PurgeState.Soft : PurgeState.Valid;
    }
}
