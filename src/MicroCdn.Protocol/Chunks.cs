using System.Security.Cryptography;

namespace MicroCdn.Protocol;

/// <summary>A file's mebibytes, each with a SHA-256 of its own, so that a wrong byte is noticed, and fetched again, a
/// mebibyte at a time.</summary>
/// <remarks>The SHA-256 over these digests, one behind another in binary, is the file's chunk root. That of a file of
/// at most one chunk follows from its digest, so nobody stores or tells it.</remarks>
public static class Chunks
{
    /// <summary>The length of every chunk but the last, in bytes.</summary>
    public const int Bytes = 1 << 20;

    /// <summary>How many chunks a file of so many bytes has; an empty one has none.</summary>
    public static long CountOf(long size) => (size / Bytes) + (size % Bytes == 0 ? 0 : 1);

    /// <summary>The length of one chunk in bytes.</summary>
    /// <param name="size">The file's length in bytes.</param>
    /// <param name="chunk">Its number, 0 to <see cref="CountOf"/> - 1.</param>
    public static int LengthOf(long size, long chunk) => (int)Math.Min(Bytes, size - (chunk * Bytes));

    /// <summary>True for a file whose chunk root and chunk digests follow from its digest.</summary>
    public static bool FollowFromDigest(long size) => size <= Bytes;

    /// <summary>The chunk root of a file of at most one chunk.</summary>
    public static FileDigest RootOfOne(long size, FileDigest digest)
    {
        Span<byte> bytes = stackalloc byte[FileDigest.Length];
        digest.CopyTo(bytes);
        return RootOf(size == 0 ? [] : bytes);
    }

    /// <summary>The chunk root over the digests of a file's chunks, one behind another.</summary>
    public static FileDigest RootOf(ReadOnlySpan<byte> digests)
    {
        Span<byte> root = stackalloc byte[FileDigest.Length];
        SHA256.HashData(digests, root);
        return new FileDigest(root);
    }
}
