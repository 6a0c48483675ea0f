using MicroCdn.Index.Publishing;
using MicroCdn.Protocol;

namespace MicroCdn.Index;

/// <summary>Which files somebody looks for.</summary>
/// <param name="Text">What the name contains, in UTF-8; small and capital letters of ASCII are the same. Empty for
/// any.</param>
/// <param name="Prefix">What the name begins with.</param>
/// <param name="After">Only names that come after this one, byte by byte.</param>
/// <param name="IsMissing">Only published files that miss copies.</param>
/// <param name="Most">Most files of the answer.</param>
public sealed record FileSearch(byte[] Text, byte[] Prefix, byte[] After, bool IsMissing, int Most)
{
    private byte[] Small { get; } = [.. Text.Select(Lower)];

    internal bool Fits(ReadOnlySpan<byte> name) => name.StartsWith(Prefix)
        && (After.Length == 0 || name.SequenceCompareTo(After) > 0) && Contains(name);

    private bool Contains(ReadOnlySpan<byte> name)
    {
        if (Small.Length == 0) return true;
        byte first = Small[0], capital = first is >= (byte)'a' and <= (byte)'z' ? (byte)(first - 32) : first;
        while (name.Length >= Small.Length)
        {
            int at = name[..(name.Length - Small.Length + 1)].IndexOfAny(first, capital);
            if (at < 0) return false;
            if (Begins(name[at..])) return true;
            name = name[(at + 1)..];
        }
        return false;
    }

    private bool Begins(ReadOnlySpan<byte> name)
    {
        for (int at = 1; at < Small.Length; at++)
        {
            if (Lower(name[at]) != Small[at]) return false;
        }
        return true;
    }

    private static byte Lower(byte letter) => letter is >= (byte)'A' and <= (byte)'Z' ? (byte)(letter + 32) : letter;
}

/// <summary>A file that was found.</summary>
/// <param name="Name">Its name, in UTF-8.</param>
/// <param name="Size">Its length in bytes; -1 when it is not known.</param>
/// <param name="Digest">SHA-256 of its bytes, or none.</param>
/// <param name="UnixSeconds">Last change of its bytes in seconds since 1970; -1 when unknown.</param>
/// <param name="Revision">The number of the change that published it; 0 when none did.</param>
/// <param name="Copies">Servers that have it and may be asked.</param>
/// <param name="Wanted">Copies that there should be of a published one.</param>
public sealed record FoundFile(
    byte[] Name, long Size, FileDigest Digest, long UnixSeconds, long Revision, int Copies, int Wanted);

/// <summary>Walks over all names, and keeps the first of those that fit.</summary>
internal sealed class FileFinder(Router router, Func<PolicyTable> policies)
{
    /// <summary>The first files that fit, in the order of their names.</summary>
    /// <param name="search">What fits.</param>
    /// <param name="hasMore">Whether more fit.</param>
    public List<FoundFile> Find(FileSearch search, out bool hasMore)
    {
        Catalog.View view = router.Catalog.Now;
        Server[] servers = router.Fleet.Servers;
        PolicyTable rules = policies();
        // One more than is wanted, to know whether there is more; the largest name last.
        List<int> first = new(search.Most + 2);
        foreach (int row in view.Names)
        {
            ReadOnlySpan<byte> name = view.NameOf(row);
            if (!search.Fits(name)) continue;
            if (first.Count > search.Most && name.SequenceCompareTo(view.NameOf(first[^1])) > 0) continue;
            if (!IsThere(view, row, servers, search.IsMissing, rules)) continue;
            first.Insert(PlaceOf(view, first, name), row);
            if (first.Count > search.Most + 1) first.RemoveAt(first.Count - 1);
        }
        hasMore = first.Count > search.Most;
        return [.. first.Take(search.Most).Select(row => Look(view, row, servers, rules))];
    }

    private static int PlaceOf(Catalog.View view, List<int> rows, ReadOnlySpan<byte> name)
    {
        (int low, int high) = (0, rows.Count);
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (view.NameOf(rows[middle]).SequenceCompareTo(name) < 0) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    private static bool IsThere(Catalog.View view, int row, Server[] servers, bool isMissing, PolicyTable rules)
    {
        bool isPublished = view.TryPublished(row, out PublishedName published) && !published.IsRemoved;
        if (!isMissing) return isPublished || view.Holders(row, servers, out FileState _).Length > 0;
        return isPublished && Asked(view.Holders(row, servers, out FileState _), servers)
            < WantedOf(view.NameOf(row), published, rules);
    }

    private static FoundFile Look(Catalog.View view, int row, Server[] servers, PolicyTable rules)
    {
        ReadOnlySpan<byte> name = view.NameOf(row);
        ushort[] holders = view.Holders(row, servers, out FileState state);
        bool isPublished = view.TryPublished(row, out PublishedName published) && !published.IsRemoved;
        if (isPublished) state = published.State;
        return new FoundFile(name.ToArray(), state.Size, state.Digest, state.UnixSeconds,
            isPublished ? published.Revision : 0, Asked(holders, servers), WantedOf(name, published, rules));
    }

    /// <summary>How many copies there should be of a published file.</summary>
    public static int WantedOf(ReadOnlySpan<byte> name, in PublishedName published, PolicyTable rules) =>
        published.Replicas > 0 ? published.Replicas : rules.Of(name).Replicas;

    private static int Asked(ReadOnlySpan<ushort> holders, Server[] servers)
    {
        int asked = 0;
        foreach (ushort holder in holders) asked += holder < servers.Length && servers[holder].IsAsked ? 1 : 0;
        return asked;
    }
}
