using MicroCdn.Protocol;

namespace MicroCdn.Index.Publishing;

/// <summary>What one server is being told to do so that a file has the copies that it should have.</summary>
/// <param name="Row">The file's row in the catalog.</param>
/// <param name="Name">Its name.</param>
/// <param name="File">Its bytes, as the book has them.</param>
/// <param name="Kind">Fetch, and show then; show; drop.</param>
/// <param name="Target">Who is told.</param>
/// <param name="Source">Whom it fetches from; null where it does not.</param>
internal sealed record HealJob(
    int Row, FileName Name, PublishedName File, OrderKind Kind, Server Target, Server? Source)
{
    /// <summary>How many bytes are fetched.</summary>
    public long Bytes => Kind == OrderKind.Fetch ? File.State.Size : 0;

    /// <summary>When what was done is expected to be told; null while it is not done.</summary>
    public long? DoneAt { get; set; }

    /// <summary>What is told to the target.</summary>
    public OrderLine Order(OrderKind kind) => new(kind, "")
    {
        Name = Name, Revision = File.Revision, Size = File.State.Size,
        Digest = kind == OrderKind.Drop ? FileDigest.None : File.State.Digest,
        Root = File.State.ToldRoot, Seconds = Math.Max(0, File.State.UnixSeconds),
    };
}
