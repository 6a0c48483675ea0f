using MicroCdn.Protocol;

namespace MicroCdn.Content.Publishing;

/// <summary>What a name is to show from now on.</summary>
/// <param name="Name">The decoded name.</param>
/// <param name="Digest">The bytes; none to show nothing.</param>
/// <param name="Revision">Which revision of the name that is; a name never goes back to a smaller one.</param>
/// <param name="Seconds">When it was published, in seconds since 1970.</param>
internal sealed record NameChange(byte[] Name, FileDigest Digest, long Revision, long Seconds)
{
    public bool IsDrop => Digest.IsNone;

    public string Text => System.Text.Encoding.UTF8.GetString(Name);
}

/// <summary>What came of a <see cref="NameChange"/>.</summary>
internal enum NameResult
{
    /// <summary>It is so, now or already.</summary>
    Done,

    /// <summary>The blob is not here.</summary>
    Missing,

    /// <summary>The name shows a later revision.</summary>
    Stale,

    /// <summary>No further names can be kept.</summary>
    Full,

    /// <summary>Another one of the same group could not be done.</summary>
    WithOthers,
}
