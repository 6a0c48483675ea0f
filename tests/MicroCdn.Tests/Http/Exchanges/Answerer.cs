using System.Text;
using MicroCdn.Http;
using MicroCdn.Network;

namespace MicroCdn.Tests.Http.Exchanges;

/// <summary>Answers as the path says: with so many bytes, from memory, a source or later.</summary>
internal sealed class Answerer : IHttpHandler
{
    private Response _later;

    /// <summary>The source of <c>/drip</c>.</summary>
    public Drip Drip { get; } = new();

    public bool Takes(in Request request) => request.Path.StartsWith("/taken"u8);

    public void Handle(in Request request, Response response, IPeer peer)
    {
        string path = Encoding.ASCII.GetString(request.Path);
        int length = int.TryParse(path.Split('/')[^1], out int told) ? told : 0;
        switch (path.Split('/')[1])
        {
            case "later":
                _later = response;
                response.Later();
                break;
            case "drip":
                response.Begin(HttpStatus.Ok);
                response.EndWithPieces(Drip, length);
                break;
            case "stream":
                response.Begin(HttpStatus.Ok);
                response.EndWithStream(Drip);
                break;
            case "memory":
                response.Begin(HttpStatus.Ok);
                response.EndWithMemory(new byte[length]);
                break;
            case "empty":
                response.Begin(HttpStatus.NotModified);
                response.EndEmpty();
                break;
            default:
                response.Begin(HttpStatus.Ok);
                response.End(new byte[length]);
                break;
        }
    }

    /// <summary>Gives what <c>/later</c> postponed.</summary>
    public void Give(int length) => _later.Give(response =>
    {
        response.Begin(HttpStatus.NotFound);
        response.End(new byte[length]);
    });
}
