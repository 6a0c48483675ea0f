namespace MicroCdn.Caching;

/// <summary>What is known of the status codes of responses (RFC 9110, section 15).</summary>
internal static class StatusCodes
{
    /// <summary>True when a lifetime may be guessed although the response does not even say public (RFC 9110, section
    /// 15.1).</summary>
    public static bool MayBeGuessed(int status) =>
        status is 200 or 203 or 204 or 206 or 300 or 301 or 308 or 404 or 405 or 410 or 414 or 501;

    /// <summary>True when the code's own rules for caches are known here, and followed: what must-understand asks for
    /// (RFC 9111, section 5.2.2.3).</summary>
    public static bool IsUnderstood(int status) => status is (>= 200 and <= 206) or (>= 300 and <= 305) or 307 or 308
        or (>= 400 and <= 417) or 421 or 422 or 426 or 428 or 429 or 431 or 451 or (>= 500 and <= 505) or 511;

    /// <summary>True when the answer is about conditions or ranges that this one request set, or about a proxy: it says
    /// nothing to another request for the same target.</summary>
    public static bool IsForOneRequest(int status) => status is 304 or 407 or 412 or 416;

    /// <summary>True when an origin that answers so has failed (RFC 5861, section 4).</summary>
    public static bool IsFailure(int status) => status is 500 or 502 or 503 or 504;
}
