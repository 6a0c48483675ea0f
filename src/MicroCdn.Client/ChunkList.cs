using System.Runtime.InteropServices;
using System.Security.Cryptography;
using MicroCdn.Protocol;

namespace MicroCdn.Client;

/// <summary>The digests of all chunks of one version of a file, proven by the chunk root.</summary>
internal sealed class ChunkList
{
    private readonly FileDigest[] _digests;

    private ChunkList(long size, FileDigest[] digests) => (Size, _digests) = (size, digests);

    /// <summary>The file's length in bytes.</summary>
    public long Size { get; }

    /// <summary>The number of chunks.</summary>
    public int Count => _digests.Length;

    /// <summary>The digests, one behind another in binary: what the root is computed over, and what is kept.</summary>
    public ReadOnlySpan<byte> Bytes => MemoryMarshal.AsBytes(_digests.AsSpan());

    /// <summary>Takes digests when they are those of the root; whoever told them need not be believed.</summary>
    /// <param name="size">The file's length in bytes.</param>
    /// <param name="root">The chunk root, from the index.</param>
    /// <param name="digests">The digests in binary, 32 bytes for each chunk.</param>
    public static ChunkList? TryCreate(long size, FileDigest root, ReadOnlySpan<byte> digests)
    {
        int count = ChunkCount.Of(size);
        if (count < 0 || digests.Length != (long)count * FileDigest.Length) return null;
        if (Chunks.RootOf(digests) != root) return null;
        return new ChunkList(size, MemoryMarshal.Cast<byte, FileDigest>(digests).ToArray());
    }

    /// <summary>The list that nobody need tell: that of a file of one chunk, whose digest is the file's.</summary>
    public static ChunkList? OfOne(long size, FileDigest digest) => digest.IsNone ? null : ChunkCount.Of(size) switch
    {
        0 => new ChunkList(size, []),
        1 => new ChunkList(size, [digest]),
        _ => null,
    };

    /// <summary>The list as somebody who is believed told it, who told no root.</summary>
    public static ChunkList? TryTrust(long size, ReadOnlySpan<byte> digests) =>
        TryCreate(size, Chunks.RootOf(digests), digests);

    /// <summary>True when these are the bytes of a chunk.</summary>
    public bool IsRight(int chunk, ReadOnlySpan<byte> bytes)
    {
        Span<byte> actual = stackalloc byte[FileDigest.Length];
        SHA256.HashData(bytes, actual);
        return bytes.Length == Chunks.LengthOf(Size, chunk) && new FileDigest(actual) == _digests[chunk];
    }
}
