namespace MicroCdn.Caching.Store;

/// <summary>How much a <see cref="CacheStore"/> may take, and from where.</summary>
public sealed record CacheStoreOptions
{
    /// <summary>The folder on disk, its own and nobody else's; null to keep copies in memory alone.</summary>
    public string? Folder { get; init; }

    /// <summary>The most bytes on disk, with those of copies that are still growing.</summary>
    public long DiskBytes { get; init; } = 10L * 1024 * 1024 * 1024;

    /// <summary>The most bytes of heads and bodies in memory.</summary>
    public long MemoryBytes { get; init; } = 256L * 1024 * 1024;

    /// <summary>The bytes that are left free for everything else on the same disk.</summary>
    public long LeastFreeBytes { get; init; } = 1024L * 1024 * 1024;

    /// <summary>The most copies: each takes about 250 bytes of memory, loaded or not.</summary>
    public int MostCopies { get; init; } = 1_000_000;

    /// <summary>The most files that are kept open, beyond those that are being sent.</summary>
    public int MostOpenFiles { get; init; } = 1024;
}
