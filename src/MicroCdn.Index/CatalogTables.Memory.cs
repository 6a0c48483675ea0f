using MicroCdn.Protocol;

namespace MicroCdn.Index;

// Who has what is published, also for an index that is started later.
internal sealed partial class CatalogTables
{
    /// <summary>True for a server that has what is published of a file.</summary>
    public bool IsPublishedAt(int row, int server)
    {
        Copies published = PublishedOf(Look(row, out Holding[]? note), note);
        return published.Version >= 0 && Sets.Holds(published.Set, server);
    }

    /// <summary>The servers that have what is published of a file, and its digest; the empty set, and no digest, where
    /// nothing is.</summary>
    public int PublishedSet(int row, out FileDigest digest)
    {
        Copies published = PublishedOf(LookBehind(row, out Holding[]? note), note);
        digest = published.Version < 0 ? FileDigest.None : Versions[published.Version].Digest;
        return published.Version < 0 || Sets[published.Set].Length == 0 ? 0 : published.Set;
    }

    /// <summary>Notes who is said to have what is published of a file that nobody else has told of; the writer's
    /// alone.</summary>
    /// <param name="row">The file.</param>
    /// <param name="set">The servers, and the book.</param>
    public void Recall(int row, int set)
    {
        Copies published = PublishedOf(LookBehind(row, out Holding[]? note), note);
        if (Card(row) < 0 || published.Version < 0) return;
        Versions[published.Version].Claimants = set;
        WriteVersion(row, set, published.Version);
    }
}
