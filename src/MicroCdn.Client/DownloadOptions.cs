namespace MicroCdn.Client;

/// <summary>How one file is downloaded.</summary>
public sealed record DownloadOptions
{
    /// <summary>Most servers asked at once for a file of 64 MiB and more, 1 to 16; smaller files come from
    /// one.</summary>
    public int Parallel { get; init; } = 4;

    /// <summary>Told how far the download is, by one thread at a time, several times a second for each
    /// server.</summary>
    public IProgress<DownloadProgress>? Progress { get; init; }

    /// <summary>Told, in a sentence for people, what is out of the ordinary: that an interrupted download is gone on
    /// with, that the file changed and is begun anew, that a server sent wrong bytes.</summary>
    public Action<string>? Notice { get; init; }
}
