namespace MicroCdn.Client;

/// <summary>How a file is divided: into mebibytes, the last one shorter.</summary>
internal static class Chunks
{
    /// <summary>Length of every chunk but the last, in bytes.</summary>
    public const int Bytes = 1024 * 1024;

    /// <summary>Most chunks that a download keeps account of: those of 4 TiB, whose digests are 128 MiB. A larger file
    /// is fetched in order and verified as a whole.</summary>
    public const int Most = 4 * 1024 * 1024;

    /// <summary>How many chunks a file has; -1 when that is more than <see cref="Most"/>.</summary>
    public static int CountOf(long size)
    {
        long count = (size / Bytes) + (size % Bytes == 0 ? 0 : 1);
        return count <= Most ? (int)count : -1;
    }

    /// <summary>Where a chunk begins, in bytes.</summary>
    public static long OffsetOf(int chunk) => (long)chunk * Bytes;

    /// <summary>How long a chunk is, in bytes.</summary>
    public static int LengthOf(int chunk, long size) => (int)Math.Min(Bytes, size - OffsetOf(chunk));
}
