namespace MicroCdn.Http.Http2;

/// <summary>Every bound on an HTTP/2 connection, beside those of HTTP itself.</summary>
internal static class Http2Limits
{
    /// <summary>Streams open at once: what browsers are used to, and RFC 9113, section 6.5.2 asks for at
    /// least.</summary>
    public const int Streams = 100;

    /// <summary>The longest payload taken and sent: the least that must be taken. Larger ones would only let others
    /// wait.</summary>
    public const int PayloadBytes = 16 * 1024;

    /// <summary>The longest frame of a body: with its head one TLS record exactly.</summary>
    public const int DataBytes = PayloadBytes - Frame.HeadBytes;

    /// <summary>The longest header block, and the longest list of fields as RFC 9113, section 10.5.1 counts it: a head
    /// of <see cref="HttpLimits.HeadBytes"/> with 100 fields.</summary>
    public const int BlockBytes = 32 * 1024;

    /// <summary>A body up to here is let come before it is refused: some clients take an early reset for a broken
    /// connection, and never read the answer.</summary>
    public const int BodyBytes = 32 * 1024;

    /// <summary>How long a larger one may still come after its answer, before its stream is reset: a reset at once
    /// makes curl forget the answer.</summary>
    public static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(2);

    /// <summary>Bodies that are read at once: each may hold <see cref="Window"/> unread.</summary>
    public const int Uploads = 16;

    /// <summary>Heads kept while their requests still come, of all streams together.</summary>
    public const int KeptHeads = 64 * 1024;

    /// <summary>What a window is at first (RFC 9113, section 6.9.2).</summary>
    public const int Window = 65_535;

    /// <summary>What a client may have sent for streams already reset: so many are remembered.</summary>
    public const int Resets = 32;

    /// <summary>A window opened by less is a crumb.</summary>
    public const int Crumb = 1024;

    /// <summary>Who opens streams, and less than this for them in <see cref="WindowTime"/>, only holds them.</summary>
    public const int LeastGranted = 4096;

    /// <inheritdoc cref="LeastGranted"/>
    public static readonly TimeSpan WindowTime = TimeSpan.FromSeconds(4);
}
