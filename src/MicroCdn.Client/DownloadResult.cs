namespace MicroCdn.Client;

/// <summary>How far a download is.</summary>
/// <param name="Done">Bytes of the file that are there; where chunks cannot be verified, those received from the server
/// now used.</param>
/// <param name="Size">The file's length in bytes.</param>
/// <param name="Server">The server that sent last.</param>
public readonly record struct DownloadProgress(long Done, long Size, string Server)
{
    /// <summary>Bytes that an earlier, interrupted download had left, and that were verified again.</summary>
    public long Resumed { get; init; }

    /// <summary>Servers asked at this moment.</summary>
    public int Servers { get; init; }
}

/// <summary>What a finished download was.</summary>
/// <param name="Size">The file's length in bytes.</param>
/// <param name="Server">The server that delivered it; when there were several, all of them with commas between, the
/// busiest first.</param>
/// <param name="Path">Where it was saved.</param>
public sealed record DownloadResult(long Size, string Server, string Path)
{
    /// <summary>Bytes that an earlier, interrupted download had left.</summary>
    public long Resumed { get; init; }

    /// <summary>Bytes that were received and were of no use: a server died in the middle of a chunk, or a second server
    /// was faster.</summary>
    public long Repeated { get; init; }

    /// <summary>True when the bytes were verified against a SHA-256 that the index told.</summary>
    public bool IsVerified { get; init; }

    /// <summary>The digests of the chunks by which they were verified, 32 bytes for each; empty when they came in
    /// another way.</summary>
    public ReadOnlyMemory<byte> ChunkDigests { get; init; }
}
