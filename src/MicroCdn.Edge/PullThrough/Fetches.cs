using System.Collections.Concurrent;
using System.Text;
using MicroCdn.Caching;

namespace MicroCdn.Edge.PullThrough;

/// <summary>The fetches under way that others may join: one for a key, its variant and its part.</summary>
internal sealed class Fetches
{
    /// <summary>The most at once. Each holds a buffer of 64 KiB and a connection; who finds no room asks for
    /// himself.</summary>
    public const int Most = 4096;

    private readonly ConcurrentDictionary<(string Key, string Part), Fetch> _open = new();

    /// <summary>How many are under way.</summary>
    public int Count => _open.Count;

    /// <summary>Joins a fetch, or begins one.</summary>
    /// <param name="key">What is asked for.</param>
    /// <param name="part">Which variant and part of it.</param>
    /// <param name="make">Makes one when there is none.</param>
    /// <param name="leads">True for whoever began it.</param>
    public Fetch Join(CacheKey key, string part, Func<Fetch> make, out bool leads)
    {
        if (_open.TryGetValue((key.Text, part), out Fetch? fetch))
        {
            leads = false;
            return fetch;
        }
        Fetch mine = make();
        leads = true;
        if (_open.Count >= Most)
        {
            _ = mine.RunAsync();
            return mine;
        }
        fetch = _open.GetOrAdd((key.Text, part), mine);
        leads = fetch == mine;
        if (leads) _ = RunAsync(key, part, mine);
        return fetch;
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
