using System.Text;

namespace MicroCdn.Http;

/// <summary>Lets pages of other origins read what is answered, as far as the settings say (CORS, the Fetch
/// standard).</summary>
/// <remarks>Each answer carries the fields, refusals and redirects too: without them a browser tells its page nothing,
/// and a redirect is followed only when it allows it itself.</remarks>
public sealed class CrossOrigin
{
    private const string Exposed = "Access-Control-Expose-Headers: "
        + "Accept-Ranges, Content-Length, Content-Range, Digest, ETag, Link, Repr-Digest\r\n";

    private readonly byte[] _toEveryone;
    private readonly (byte[] Origin, byte[] Fields)[] _allowed;

    /// <summary>Takes the origins whose pages may read: none, some, or <c>*</c> for all.</summary>
    public CrossOrigin(IReadOnlyList<string> origins)
    {
        bool isOpen = origins.Contains("*");
        IsOff = origins.Count == 0;
        _toEveryone = Encoding.ASCII.GetBytes(isOpen ? "Access-Control-Allow-Origin: *\r\n" + Exposed
            : IsOff ? "" : "Vary: Origin\r\n");
        _allowed = isOpen ? [] : [.. origins.Select(origin => (Encoding.ASCII.GetBytes(origin),
            Encoding.ASCII.GetBytes($"Vary: Origin\r\nAccess-Control-Allow-Origin: {origin}\r\n{Exposed}")))];
    }

    /// <summary>Nobody's pages.</summary>
    public static CrossOrigin None { get; } = new([]);

    /// <summary>True when the settings name no origin.</summary>
    public bool IsOff { get; }

    /// <summary>The lines that the answer to a request carries, with their ends.</summary>
    internal byte[] FieldsFor(in Request request)
    {
        if (_allowed.Length == 0) return _toEveryone;
        ReadOnlySpan<byte> origin = request[Field.Origin];
        foreach ((byte[] allowed, byte[] fields) in _allowed)
        {
            if (origin.SequenceEqual(allowed)) return fields;
        }
        return _toEveryone;
    }

    /// <summary>Answers OPTIONS with what may be asked, any other method with 405.</summary>
    public void AnswerMethod(in Request request, Response response)
    {
        bool asks = request.Method == Method.Options;
        response.Begin(asks ? HttpStatus.NoContent : HttpStatus.MethodNotAllowed);
        response.Field("Allow"u8, "GET, HEAD, OPTIONS"u8);
        if (!asks)
        {
            response.End([]);
            return;
        }
        if (!IsOff)
        {
            response.Field("Access-Control-Allow-Methods"u8, "GET, HEAD"u8);
            response.Field("Access-Control-Allow-Headers"u8,
                "If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since, If-Range, Range, Want-Repr-Digest"u8);
            response.Field("Access-Control-Max-Age"u8, 86_400);
        }
        response.EndEmpty();
    }
}
