namespace MicroCdn.Network;

/// <summary>A role that counts downloads by file and day.</summary>
public interface IDownloadCounts
{
    /// <summary>What was counted on a day (UTC), the most first; at most 10,000 names.</summary>
    IReadOnlyList<DownloadRow> Downloads(DateOnly day);
}

/// <summary>How much of a file was sent on a day.</summary>
/// <param name="Name">The file.</param>
/// <param name="Count">How often its bytes were sent whole; the ranges of one download count once.</param>
/// <param name="Bytes">Bytes that were sent of it.</param>
public readonly record struct DownloadRow(string Name, long Count, long Bytes);
