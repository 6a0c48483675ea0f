namespace MicroCdn.Client;

/// <summary>Why a request could not be fulfilled.</summary>
public enum CdnFailure
{
    /// <summary>No live server has the file.</summary>
    NotFound,

    /// <summary>The index, or every server that it named, did not answer.</summary>
    Unreachable,
}

/// <summary>A request that could not be fulfilled; the message is one sentence for the user.</summary>
public sealed class CdnException(CdnFailure failure, string message, Exception? inner = null)
    : Exception(message, inner)
{
    /// <summary>The kind of failure.</summary>
    public CdnFailure Failure => failure;
}
