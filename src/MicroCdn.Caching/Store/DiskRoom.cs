namespace MicroCdn.Caching.Store;

/// <summary>What may still be written to the disk: within the store's own limit, and above the floor that is left to
/// everything else.</summary>
/// <remarks>What grows has its bytes reserved before they are written, so that a thousand fills at once stay within the
/// limits too. Its owner holds a lock.</remarks>
internal sealed class DiskRoom(CacheStoreOptions options)
{
    private long _free;

    /// <summary>Bytes of the copies that are on the disk.</summary>
    public long Used { get; private set; }

    /// <summary>Bytes that belong to what grows.</summary>
    public long Reserved { get; private set; }

    /// <summary>True when so many more bytes may be written now.</summary>
    public bool HasRoomFor(long bytes) =>
        bytes <= options.DiskBytes - Used - Reserved && _free - bytes >= options.LeastFreeBytes;

    /// <summary>Notes how many bytes of the disk are free just now, since others write to it too.</summary>
    public void Look(long free)
    {
        // What is reserved and was written already is counted twice until it is complete, to be on the safe side.
        _free = free - Reserved;
    }

    public void Reserve(long bytes)
    {
        Reserved += bytes;
        _free -= bytes;
    }

    /// <summary>Gives back what was reserved, wholly or for what became a copy.</summary>
    public void Unreserve(long bytes)
    {
        Reserved -= bytes;
        _free += bytes;
    }

    public void Take(long bytes)
    {
        Used += bytes;
        _free -= bytes;
    }

    public void Give(long bytes)
    {
        Used -= bytes;
        _free += bytes;
    }
}
