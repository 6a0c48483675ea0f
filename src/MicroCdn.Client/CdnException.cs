namespace MicroCdn.Client;

/// <summary>Why a request could not be fulfilled.</summary>
public enum CdnFailure
{
    /// <summary>No live server has the file. The program's exit code is 3.</summary>
    NotFound,

    /// <summary>The index, or every server that it named, did not answer. The program's exit code is 4.</summary>
    Unreachable,

    /// <summary>No server has the bytes that the index tells the SHA-256 of. The program's exit code is 5.</summary>
    WrongBytes,

    /// <summary>The index or a server refused what was asked. The program's exit code is 1.</summary>
    Refused,

    /// <summary>Something else is there than what was to be changed. The program's exit code is 1.</summary>
    Changed,

    /// <summary>Not enough servers have room. The program's exit code is 6.</summary>
    NoRoom,
}

/// <summary>A request that could not be fulfilled; the message is one sentence for the user.</summary>
public sealed class CdnException(CdnFailure failure, string message, Exception? inner = null)
    : Exception(message, inner)
{
    /// <summary>The kind of failure.</summary>
    public CdnFailure Failure => failure;

    /// <summary>True when whatever else is to be published would fail for the same reason: the index cannot be
    /// reached, cannot write, or does not take anything for that release.</summary>
    public bool ConcernsAll { get; init; }
}
