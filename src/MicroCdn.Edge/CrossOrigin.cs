using System.Text;
using MicroCdn.Http;

namespace MicroCdn.Edge;

/// <summary>Lets pages of other origins read the files, as far as the settings say (CORS, the Fetch standard); and
/// answers every method but GET and HEAD.</summary>
internal sealed class CrossOrigin(IReadOnlyList<string> origins)
{
    private readonly bool _everyone = origins.Contains("*");
    private readonly byte[][] _origins = [.. origins.Select(Encoding.UTF8.GetBytes)];

    /// <summary>Writes what a response says to the page that asked.</summary>
    public void Write(in Request request, Response response)
    {
        if (_origins.Length == 0) return;
        if (_everyone) response.Field("Access-Control-Allow-Origin"u8, "*"u8);
        else
        {
            response.Field("Vary"u8, "Origin"u8);
            ReadOnlySpan<byte> origin = request[Field.Origin];
            if (!IsAllowed(origin)) return;
            response.Field("Access-Control-Allow-Origin"u8, origin);
        }
        response.Field("Access-Control-Expose-Headers"u8,
            "Accept-Ranges, Content-Length, Content-Range, ETag, Repr-Digest"u8);
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
        Write(request, response);
        if (_origins.Length > 0)
        {
            response.Field("Access-Control-Allow-Methods"u8, "GET, HEAD"u8);
            response.Field("Access-Control-Allow-Headers"u8,
                "If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since, If-Range, Range, Want-Repr-Digest"u8);
            response.Field("Access-Control-Max-Age"u8, 86_400);
        }
        response.EndEmpty();
    }

    private bool IsAllowed(ReadOnlySpan<byte> origin)
    {
        foreach (byte[] allowed in _origins)
        {
            if (origin.SequenceEqual(allowed)) return true;
        }
        return false;
    }
}
