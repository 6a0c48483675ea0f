using MicroCdn.Caching;
using MicroCdn.Caching.Store;
using MicroCdn.Protocol;
using Microsoft.Extensions.Logging.Abstractions;

namespace MicroCdn.Bench;

/// <summary>A folder with very many copies of 1 KiB, written by the store itself as if it had asked.</summary>
internal static class ManyCopies
{
    private const int BlockBytes = 4096 + 512;          // of a file of up to 4 KiB, with its name
    private const long Spare = 2L << 30;

    /// <summary>The target of one of them, which <see cref="WebOrigin"/> has too.</summary>
    public static string TargetOf(int number) => $"/keep/1024/folder-{number / 1000:D5}/{number:D8}";

    /// <summary>Its key behind an origin.</summary>
    public static CacheKey KeyOf(string url, int number) => new($"{url}{TargetOf(number)}");

    /// <summary>Opens a store over a folder; it keeps next to nothing in memory.</summary>
    public static CacheStore Open(string folder, int count) => new(new CacheStoreOptions
    {
        Folder = folder, DiskBytes = 1L << 40, MemoryBytes = 1 << 20, MostCopies = Math.Max(count, 1_000_000),
    }, TimeProvider.System, NullLogger.Instance);

    /// <summary>Writes copies with the numbers of a range.</summary>
    /// <exception cref="BenchException">There is not enough room for them.</exception>
    public static void Write(CacheStore store, string folder, string url, Range range)
    {
        (int first, int end) = (range.Start.Value, range.End.Value);
        long free = new DriveInfo(Path.GetFullPath(folder)).AvailableFreeSpace;
        if (free < ((long)(end - first) * BlockBytes) + Spare)
            throw new BenchException($"{end - first:N0} copies need more room than {folder} has: "
                + "use fewer, --objects N.");
        Machine.Say($"writing {end - first:N0} copies");
        long now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        for (int number = first; number < end; number++)
        {
            string target = TargetOf(number);
            StoredHead head = new()
            {
                Status = 200, Reason = "OK"u8.ToArray(), RequestedAt = now, ReceivedAt = now,
                Fields = new HeaderFields.Builder().Add("Content-Type"u8, "application/octet-stream"u8)
                    .Add("Cache-Control"u8, "max-age=86400"u8).Build(),
            };
            using GrowingCopy growing = store.Begin(KeyOf(url, number), head, 1024, store.Mark());
            bool isTaken = growing.WriteAsync(Body.BlockOf(target, 1024)).AsTask().GetAwaiter().GetResult();
            if (!isTaken || growing.Complete() is null)
                throw new BenchException($"Copy {number} was not stored: {growing.Reason}.");
            if ((number + 1) % 100_000 == 0) Machine.Say($"{number + 1:N0} written");
        }
    }
}
