using System.Collections.Concurrent;
using System.Text;
using MicroCdn.Caching;
using MicroCdn.Caching.Store;

namespace MicroCdn.Edge.PullThrough;

/// <summary>The fetches under way that others may join: one for a key, its variant and its part.</summary>
internal sealed class Fetches(CacheStore store)
{
    /// <summary>The most at once. Each holds a buffer of 64 KiB and a connection; who finds no room asks for
    /// himself.</summary>
    public const int Most = 4096;

    private readonly ConcurrentDictionary<(string Key, string Part), Fetch> _open = new();

    /// <summary>How many are under way.</summary>
    public int Count => _open.Count;

    /// <summary>Joins a fetch, or begins one; null when the copies have changed since they were looked at: what is
    /// wanted may be there.</summary>
    /// <param name="key">What is asked for.</param>
    /// <param name="part">Which variant and part of it.</param>
    /// <param name="seen">The copies that were found not to do.</param>
    /// <param name="make">Makes one when there is none.</param>
    /// <param name="leads">True for whoever began it.</param>
    public Fetch? Join(CacheKey key, string part, CopySet seen, Func<Fetch> make, out bool leads)
    {
        leads = false;
        if (_open.TryGetValue((key.Text, part), out Fetch? fetch) && !fetch.HasFailed) return fetch;
        Fetch mine = make();
        if (_open.Count >= Most)
        {
            leads = true;
            _ = mine.RunAsync();
            return mine;
        }
        if (fetch is not null) _open.TryRemove(new((key.Text, part), fetch));
        fetch = _open.GetOrAdd((key.Text, part), mine);
        if (fetch != mine) return fetch;
        // One that ended in between has put away what it brought before it left the table.
        if (store.TryFind(key, out CopySet now) && now != seen)
        {
            _open.TryRemove(new((key.Text, part), mine));
            mine.GiveUp();
            return null;
        }
        leads = true;
        _ = RunAsync(key, part, mine);
        return fetch;
    }

    /// <summary>Lets nobody join what is under way for keys that were purged: it may bring what was there
    /// before.</summary>
    /// <param name="isPurged">Says so of the text of a key.</param>
    public void Part(Predicate<string> isPurged)
    {
        foreach ((string Key, string Part) one in _open.Keys)
        {
            if (isPurged(one.Key)) _open.TryRemove(one, out _);
        }
    }

    /// <summary>Names a variant of a key: by the fields that its copies were selected by.</summary>
    public static string PartOf(CopyRules? known, PullRequest request)
    {
        if (known is null) return "";
        return Encoding.Latin1.GetString(Vary.Selecting(known.Head.Fields, request.Fields).Bytes);
    }

    // Whoever comes when it is over finds the copy in the store.
    private async Task RunAsync(CacheKey key, string part, Fetch fetch)
    {
        await fetch.RunAsync().ConfigureAwait(false);
        _open.TryRemove(new((key.Text, part), fetch));
    }
}
