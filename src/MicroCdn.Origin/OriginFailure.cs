namespace MicroCdn.Origin;

/// <summary>Every way in which asking an origin can fail: one word for the log, the metrics and the answer.</summary>
/// <param name="Word">The word.</param>
/// <param name="Status">The status for a client that cannot be given anything else.</param>
/// <param name="Meaning">One sentence.</param>
/// <param name="IsOutage">True when it says that the origin is down or cannot be reached: the circuit breaker
/// counts it.</param>
public sealed record OriginFailure(string Word, int Status, string Meaning, bool IsOutage)
{
    /// <summary>The host's name cannot be resolved.</summary>
    public static readonly OriginFailure UnknownHost =
        new("unknown-host", 502, "The origin's host name has no address, or no name server answers.", true);

    /// <summary>All its addresses are ones that are not dialed.</summary>
    public static readonly OriginFailure Forbidden = new("forbidden-address", 502,
        "The origin's addresses are link-local, multicast or unspecified (see `--origin-allow`).", false);

    /// <summary>No address accepts.</summary>
    public static readonly OriginFailure Unreachable =
        new("unreachable", 502, "No address of the origin accepts a connection.", true);

    /// <summary>No address accepts in time.</summary>
    public static readonly OriginFailure ConnectTimeout =
        new("connect-timeout", 504, "No address of the origin accepted a connection within 3 s.", true);

    /// <summary>TLS cannot be agreed on, or the certificate is not believed.</summary>
    public static readonly OriginFailure Tls =
        new("tls", 502, "TLS with the origin failed: its certificate is not believed, or it speaks something else.",
            true);

    /// <summary>All connections are in use.</summary>
    public static readonly OriginFailure Busy = new("busy", 503,
        "All 256 connections to the origin are in use, and 1,024 requests wait already or this one waited 10 s.",
        false);

    /// <summary>It failed too often, and is not asked for a while.</summary>
    public static readonly OriginFailure Open =
        new("circuit-open", 503, "The origin failed too often: it is left alone for 5 to 30 s.", false);

    /// <summary>It closed or reset before its answer began.</summary>
    public static readonly OriginFailure Closed =
        new("closed", 502, "The origin closed the connection before its answer was there.", true);

    /// <summary>No head in time.</summary>
    public static readonly OriginFailure NoAnswer =
        new("no-answer", 504, "The head of the answer was not there within 30 s.", true);

    /// <summary>The head cannot be believed.</summary>
    public static readonly OriginFailure Malformed = new("malformed", 502,
        "The answer breaks HTTP/1.1 in a way that two programs could read differently.", false);

    /// <summary>The head is too large.</summary>
    public static readonly OriginFailure HeadTooLarge =
        new("head-too-large", 502, "The head of the answer has more than 64 KiB or 1,000 fields.", false);

    /// <summary>The body ended before its end.</summary>
    public static readonly OriginFailure Truncated =
        new("truncated", 502, "The origin closed the connection within the body.", false);

    /// <summary>Nothing comes any more.</summary>
    public static readonly OriginFailure Stalled =
        new("stalled", 504, "The origin sent or took nothing for 30 s within a body.", false);

    /// <summary>The body of the request broke off.</summary>
    public static readonly OriginFailure RequestBody =
        new("request-body", 400, "The body of the request ended before its end.", false);

    /// <summary>All of them, in the order of docs/origins.md.</summary>
    public static IReadOnlyList<OriginFailure> All { get; } =
    [
        UnknownHost, Forbidden, Unreachable, ConnectTimeout, Tls, Busy, Open, Closed, NoAnswer, Malformed, HeadTooLarge,
        Truncated, Stalled, RequestBody,
    ];

    /// <inheritdoc/>
    public override string ToString() => Word;
}

/// <summary>An origin could not be asked, or its answer is not to be believed any further.</summary>
/// <param name="failure">Which way it failed.</param>
/// <param name="sentence">What happened, for the log.</param>
/// <param name="inner">What it came from.</param>
public sealed class OriginException(OriginFailure failure, string sentence, Exception? inner = null)
    : IOException(sentence, inner)
{
    /// <summary>Which way it failed.</summary>
    public OriginFailure Failure => failure;
}
