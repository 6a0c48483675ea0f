namespace MicroCdn.Http;

/// <summary>Why a request is refused before anyone looks at what it asks for; the connection is closed with
/// it.</summary>
/// <param name="Status">The status of the answer.</param>
/// <param name="Reason">One sentence for the one who sent it.</param>
public sealed record Refusal(HttpStatus Status, string Reason)
{
    /// <summary>The line is not METHOD SP target SP HTTP-version.</summary>
    public static readonly Refusal RequestLine =
        new(HttpStatus.BadRequest, "The request line is not: method, one space, target, one space, HTTP/1.1.");

    /// <summary>Not a target that can be answered (RFC 9112, section 3.2).</summary>
    public static readonly Refusal Target =
        new(HttpStatus.BadRequest, "The target must be a path that starts with '/', with no '#' or control character.");

    /// <summary>The target is too long.</summary>
    public static readonly Refusal TargetTooLong = new(HttpStatus.UriTooLong, "The target is longer than 8 KiB.");

    /// <summary>Another version.</summary>
    public static readonly Refusal Version = new(HttpStatus.VersionNotSupported, "Only HTTP/1.1 and HTTP/1.0 here.");

    /// <summary>A line that ends in LF alone, or CR within a line (RFC 9112, section 2.2).</summary>
    public static readonly Refusal LineEnd = new(HttpStatus.BadRequest, "Every line must end in CR LF.");

    /// <summary>Not a field line (RFC 9112, section 5).</summary>
    public static readonly Refusal FieldLine =
        new(HttpStatus.BadRequest, "A field line must be: name, colon, value; without folding or control characters.");

    /// <summary>None or several, or not a host (RFC 9112, section 3.2).</summary>
    public static readonly Refusal Host = new(HttpStatus.BadRequest, "There must be exactly one valid Host.");

    /// <summary>The absolute target and Host name different places.</summary>
    public static readonly Refusal OtherHost =
        new(HttpStatus.BadRequest, "The authority of the target differs from Host.");

    /// <summary>A transfer coding: nobody sends a body here.</summary>
    public static readonly Refusal TransferEncoding =
        new(HttpStatus.BadRequest, "A request here has no body: Transfer-Encoding is not taken.");

    /// <summary>Not a length, or several.</summary>
    public static readonly Refusal ContentLength =
        new(HttpStatus.BadRequest, "Content-Length must be one number in digits.");

    /// <summary>A body.</summary>
    public static readonly Refusal Body = new(HttpStatus.ContentTooLarge, "A request here has no body.");

    /// <summary>Too long, or too many fields.</summary>
    public static readonly Refusal HeadTooLong =
        new(HttpStatus.FieldsTooLarge, "The head is longer than 16 KiB or has more than 100 fields.");

    /// <summary>It did not come in time.</summary>
    public static readonly Refusal Late = new(HttpStatus.RequestTimeout, "The head was not complete within 10 s.");

    /// <summary>One address has too many connections.</summary>
    public static readonly Refusal TooMany =
        new(HttpStatus.ServiceUnavailable, "Your address has too many connections open; try again soon.");
}
