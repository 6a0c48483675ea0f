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
    /// <summary>The most generations at a time: about 10 MiB, and more than a sweep leaves behind.</summary>
    public const int Most = 65_536;

    // Each length of a prefix is one look into the table for every copy that is judged.
    private const int MostLengths = 256;

    private readonly ConcurrentDictionary<string, Generation> _urls = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Generation> _prefixes = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Generation> _tags = new(StringComparer.Ordinal);
    private volatile int[] _lengths = [];
    private Generation _all = Generation.None;
    private long _latest;

    /// <summary>The number of the last purge; 0 when there was none.</summary>
    public long Latest => Volatile.Read(ref _latest);

    public int Count => _urls.Count + _prefixes.Count + _tags.Count;

    /// <summary>Takes a purge in; false when there are too many. Its owner holds a lock.</summary>
    public bool Add(PurgeOrder order, long sequence)
    {
        switch (order.Scope)
        {
            case PurgeScope.All:
                Volatile.Write(ref _all, _all.With(order.IsSoft, sequence));
                break;
            case PurgeScope.Prefix when !HasRoomFor(order.Text.Length):
                return false;
            default:
                ConcurrentDictionary<string, Generation> table = TableOf(order.Scope);
                Generation before = table.GetValueOrDefault(order.Text, Generation.None);
                if (before == Generation.None && Count >= Most) return false;
                table[order.Text] = before.With(order.IsSoft, sequence);
                break;
        }
        Volatile.Write(ref _latest, Math.Max(_latest, sequence));
        return true;
    }

    /// <summary>What the purges make of a copy.</summary>
    /// <param name="key">The text of its key.</param>
    /// <param name="tags">Its tags.</param>
    /// <param name="sequence">Its number.</param>
    public PurgeState Judge(string key, ReadOnlySpan<string> tags, long sequence)
    {
        PurgeState worst = Volatile.Read(ref _all).Judge(sequence);
        if (_urls.TryGetValue(key, out Generation? url)) worst = Worse(worst, url.Judge(sequence));
        if (!_tags.IsEmpty)
        {
            foreach (string tag in tags)
            {
                if (_tags.TryGetValue(tag, out Generation? found)) worst = Worse(worst, found.Judge(sequence));
            }
        }
        int[] lengths = _lengths;
        if (lengths.Length == 0) return worst;
        var prefixes = _prefixes.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach (int length in lengths)
        {
            if (length > key.Length) break;
            if (prefixes.TryGetValue(key.AsSpan(0, length), out Generation? found))
            {
                worst = Worse(worst, found.Judge(sequence));
            }
        }
        return worst;
    }

    /// <summary>Forgets what no copy can be older than. Its owner holds a lock.</summary>
    /// <param name="sequence">Every copy that is left has been judged by the purges up to this number.</param>
    public void Forget(long sequence)
    {
        foreach (var table in (ConcurrentDictionary<string, Generation>[])[_urls, _prefixes, _tags])
        {
            foreach ((string text, Generation generation) in table)
            {
                if (generation.Latest <= sequence) table.TryRemove(text, out _);
            }
        }
        if (_all.Latest <= sequence) Volatile.Write(ref _all, Generation.None);
        _lengths = [.. _prefixes.Keys.Select(prefix => prefix.Length).Distinct().Order()];
    }

    /// <summary>All that are remembered, as orders with their numbers.</summary>
    public IEnumerable<(PurgeOrder Order, long Sequence)> Remembered()
    {
        IEnumerable<(PurgeScope Scope, string Text, Generation Generation)> all =
        [
            (PurgeScope.All, "", _all),
            .. _urls.Select(one => (PurgeScope.Url, one.Key, one.Value)),
            .. _prefixes.Select(one => (PurgeScope.Prefix, one.Key, one.Value)),
            .. _tags.Select(one => (PurgeScope.Tag, one.Key, one.Value)),
        ];
        foreach ((PurgeScope scope, string text, Generation generation) in all)
        {
            if (generation.Hard > 0) yield return (new PurgeOrder(scope, text, false), generation.Hard);
            if (generation.Soft > 0) yield return (new PurgeOrder(scope, text, true), generation.Soft);
        }
    }

    private static PurgeState Worse(PurgeState one, PurgeState other) => one > other ? one : other;

    private ConcurrentDictionary<string, Generation> TableOf(PurgeScope scope) => scope switch
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

    // The numbers of the last purges, hard and soft, of one URL, prefix or tag.
    private sealed record Generation(long Hard, long Soft)
    {
        public static readonly Generation None = new(0, 0);

        public long Latest => Math.Max(Hard, Soft);

        public Generation With(bool isSoft, long sequence) =>
            isSoft ? this with { Soft = sequence } : this with { Hard = sequence };

        public PurgeState Judge(long sequence) => sequence < Hard ? PurgeState.Gone
            : sequence < Soft ? PurgeState.Soft : PurgeState.Valid;
    }
}
