namespace MicroCdn.Storage;

/// <summary>How much of a disk is free.</summary>
public static class FreeSpace
{
    /// <summary>Bytes that a user of this process may still write to the disk of a folder; 0 when that cannot be
    /// told.</summary>
    public static long Of(string folder)
    {
        try
        {
            return new DriveInfo(folder).AvailableFreeSpace;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    /// <summary>The same with the size of that disk; null when that cannot be told.</summary>
    public static (long Free, long Size)? WithSize(string folder)
    {
        try
        {
            DriveInfo disk = new(folder);
            return (disk.AvailableFreeSpace, disk.TotalSize);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
