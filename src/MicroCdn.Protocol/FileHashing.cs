using System.Buffers;
using System.Security.Cryptography;

namespace MicroCdn.Protocol;

/// <summary>Computes the digest of a file, those of its chunks and its chunk root, from its bytes read once from front
/// to back.</summary>
/// <remarks>Each byte is hashed twice, for the file and for its chunk, while it lies in the processor's cache; in a
/// file of at most one chunk once, since both are the same there.</remarks>
public sealed class FileHashing : IDisposable
{
    private readonly long _size;
    private readonly IncrementalHash _whole = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly IncrementalHash _root = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>Begins with nothing added.</summary>
    /// <param name="size">The file's length in bytes.</param>
    public FileHashing(long size) => _size = size;

    /// <summary>How many bytes were added.</summary>
    public long Done { get; private set; }

    /// <summary>Takes the next chunk, whole.</summary>
    /// <param name="chunk">Its bytes.</param>
    /// <param name="list">Where its digest is appended, for a file of more than one chunk.</param>
    public void Add(ReadOnlySpan<byte> chunk, IBufferWriter<byte>? list)
    {
        _whole.AppendData(chunk);
        Done += chunk.Length;
        if (Chunks.FollowFromDigest(_size)) return;
        Span<byte> digest = stackalloc byte[FileDigest.Length];
        SHA256.HashData(chunk, digest);
        _root.AppendData(digest);
        list?.Write(digest);
    }

    /// <summary>The digest and the chunk root, once every chunk was added.</summary>
    public (FileDigest Digest, FileDigest Root) End()
    {
        Span<byte> bytes = stackalloc byte[FileDigest.Length];
        _whole.GetHashAndReset(bytes);
        FileDigest digest = new(bytes);
        _root.GetHashAndReset(bytes);
        return (digest, Chunks.FollowFromDigest(_size) ? Chunks.RootOfOne(_size, digest) : new FileDigest(bytes));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _whole.Dispose();
        _root.Dispose();
    }
}
