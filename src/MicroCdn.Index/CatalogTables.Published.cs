using MicroCdn.Index.Publishing;

namespace MicroCdn.Index;

// What those see who keep the copies of what is published.
internal sealed partial class CatalogTables
{
    /// <summary>The servers that have what is published of a file; null when nothing is.</summary>
    public ushort[]? PublishedAt(int row, out PublishedName published)
    {
        while (TryPublished(row, out published))
        {
            Copies copies = PublishedOf(Look(row, out Holding[]? note), note);
            // Else it was replaced in between.
            if (copies.Version >= 0 && Versions[copies.Version].Digest == published.State.Digest)
            {
                return Sets[copies.Set];
            }
        }
        return null;
    }
}
