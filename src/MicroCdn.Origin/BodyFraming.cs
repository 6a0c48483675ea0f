namespace MicroCdn.Origin;

/// <summary>How the end of a body is known (RFC 9112, section 6.3).</summary>
public enum BodyFraming
{
    /// <summary>There is none: the answer to HEAD, 204, 304.</summary>
    None,

    /// <summary>By its length.</summary>
    Length,

    /// <summary>By its last chunk.</summary>
    Chunked,

    /// <summary>By the end of the connection, so that an end and a breakdown look the same.</summary>
    UntilClose,
}
