using MicroCdn.Http;
using MicroCdn.Network;
using MicroCdn.Storage;
using Microsoft.Win32.SafeHandles;

namespace MicroCdn.Edge;

/// <summary>The compressed form of a file, open and ready to be sent: a representation of its own.</summary>
/// <remarks>The shelf holds it once, and every answer that sends it once more: each must release it.</remarks>
internal sealed class Variant(FolderFile file, VariantKey key) : IFileSource
{
    private readonly byte[] _entityTag = key.EntityTag();
    private int _holders = 1;

    /// <summary>How it is coded, for Content-Encoding.</summary>
    public Coding Coding => key.Coding;

    /// <summary>Its length in bytes.</summary>
    public long Length => file.Facts.Size;

    /// <summary>Its own strong entity tag, with the quotes.</summary>
    public ReadOnlySpan<byte> EntityTag => _entityTag;

    /// <inheritdoc/>
    public SafeFileHandle Handle => file.Handle;

    /// <inheritdoc/>
    public int Read(Span<byte> buffer, long offset) => file.Read(buffer, offset);

    /// <inheritdoc/>
    public bool Unchanged() => file.IsUnchanged();

    /// <summary>Holds it for one more answer.</summary>
    public void Hold() => Interlocked.Increment(ref _holders);

    /// <inheritdoc/>
    public void Release()
    {
        if (Interlocked.Decrement(ref _holders) == 0) file.Dispose();
    }
}
