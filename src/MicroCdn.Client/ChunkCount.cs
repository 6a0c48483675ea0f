using MicroCdn.Protocol;

namespace MicroCdn.Client;

/// <summary>The chunks of a file as a download counts them, in numbers that index an array.</summary>
internal static class ChunkCount
{
    /// <summary>Most chunks that a download keeps account of: those of 4 TiB, whose digests are 128 MiB. A larger file
    /// is fetched in order and verified as a whole.</summary>
    public const int Most = 4 * 1024 * 1024;

    /// <summary>How many chunks a file has; -1 when that is more than <see cref="Most"/>.</summary>
    public static int Of(long size) => Chunks.CountOf(size) is <= Most and var count ? (int)count : -1;

    /// <summary>Where a chunk begins, in bytes.</summary>
    public static long OffsetOf(int chunk) => (long)chunk * Chunks.Bytes;
}
