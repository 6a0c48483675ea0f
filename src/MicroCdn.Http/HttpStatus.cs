using System.Text;

namespace MicroCdn.Http;

/// <summary>A status code with its line as it is sent.</summary>
/// <param name="Code">The code (RFC 9110, section 15).</param>
/// <param name="Phrase">Its words.</param>
public sealed record HttpStatus(int Code, string Phrase)
{
    /// <summary>The request succeeded.</summary>
    public static readonly HttpStatus Ok = new(200, "OK");

    /// <summary>There is something now that was not there.</summary>
    public static readonly HttpStatus Created = new(201, "Created");

    /// <summary>It was begun, and goes on.</summary>
    public static readonly HttpStatus Accepted = new(202, "Accepted");

    /// <summary>It succeeded, and there is nothing to send.</summary>
    public static readonly HttpStatus NoContent = new(204, "No Content");

    /// <summary>Part of the representation.</summary>
    public static readonly HttpStatus PartialContent = new(206, "Partial Content");

    /// <summary>The folder's name ends in a slash.</summary>
    public static readonly HttpStatus MovedPermanently = new(301, "Moved Permanently");

    /// <summary>Another server has it, for now.</summary>
    public static readonly HttpStatus Found = new(302, "Found");

    /// <summary>Another server takes it, for now, by the same method.</summary>
    public static readonly HttpStatus TemporaryRedirect = new(307, "Temporary Redirect");

    /// <summary>The client's copy is still good.</summary>
    public static readonly HttpStatus NotModified = new(304, "Not Modified");

    /// <summary>The request is malformed.</summary>
    public static readonly HttpStatus BadRequest = new(400, "Bad Request");

    /// <summary>Who asks has to say who it is.</summary>
    public static readonly HttpStatus Unauthorized = new(401, "Unauthorized");

    /// <summary>Not for this client.</summary>
    public static readonly HttpStatus Forbidden = new(403, "Forbidden");

    /// <summary>There is no such file.</summary>
    public static readonly HttpStatus NotFound = new(404, "Not Found");

    /// <summary>Only GET, HEAD and OPTIONS.</summary>
    public static readonly HttpStatus MethodNotAllowed = new(405, "Method Not Allowed");

    /// <summary>The request took too long to come.</summary>
    public static readonly HttpStatus RequestTimeout = new(408, "Request Timeout");

    /// <summary>It does not fit how things are.</summary>
    public static readonly HttpStatus Conflict = new(409, "Conflict");

    /// <summary>The representation is not the one that the client has in mind.</summary>
    public static readonly HttpStatus PreconditionFailed = new(412, "Precondition Failed");

    /// <summary>Requests here have no body.</summary>
    public static readonly HttpStatus ContentTooLarge = new(413, "Content Too Large");

    /// <summary>The target is too long.</summary>
    public static readonly HttpStatus UriTooLong = new(414, "URI Too Long");

    /// <summary>A body in a form that is not taken.</summary>
    public static readonly HttpStatus UnsupportedMediaType = new(415, "Unsupported Media Type");

    /// <summary>No byte of the asked ranges exists.</summary>
    public static readonly HttpStatus RangeNotSatisfiable = new(416, "Range Not Satisfiable");

    /// <summary>It is understood, and cannot be done.</summary>
    public static readonly HttpStatus UnprocessableContent = new(422, "Unprocessable Content");

    /// <summary>This client says too much at a time.</summary>
    public static readonly HttpStatus TooManyRequests = new(429, "Too Many Requests");

    /// <summary>The head is too long, or has too many fields.</summary>
    public static readonly HttpStatus FieldsTooLarge = new(431, "Request Header Fields Too Large");

    /// <summary>A fault of ours.</summary>
    public static readonly HttpStatus InternalServerError = new(500, "Internal Server Error");

    /// <summary>The method is none that is known here.</summary>
    public static readonly HttpStatus NotImplemented = new(501, "Not Implemented");

    /// <summary>The server behind us did not deliver.</summary>
    public static readonly HttpStatus BadGateway = new(502, "Bad Gateway");

    /// <summary>It cannot be answered now.</summary>
    public static readonly HttpStatus ServiceUnavailable = new(503, "Service Unavailable");

    /// <summary>The server behind us did not deliver in time, or was not to be asked.</summary>
    public static readonly HttpStatus GatewayTimeout = new(504, "Gateway Timeout");

    /// <summary>There is no room for it.</summary>
    public static readonly HttpStatus InsufficientStorage = new(507, "Insufficient Storage");

    /// <summary>The request has been here before.</summary>
    public static readonly HttpStatus LoopDetected = new(508, "Loop Detected");

    /// <summary>Not a version of HTTP/1.</summary>
    public static readonly HttpStatus VersionNotSupported = new(505, "HTTP Version Not Supported");

    /// <summary>The status line, CR LF included.</summary>
    internal byte[] Line { get; } = Encoding.ASCII.GetBytes($"HTTP/1.1 {Code} {Phrase}\r\n");
}
