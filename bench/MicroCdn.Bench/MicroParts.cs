using System.Net;
using MicroCdn.Http;
using MicroCdn.Network;

namespace MicroCdn.Bench;

/// <summary>The other end of a connection that is not there.</summary>
internal sealed class Loopback : IPeer
{
    public IPAddress Remote => IPAddress.Loopback;

    public IPAddress Local => IPAddress.Loopback;
}

/// <summary>Answers 1 KiB with the fields that the edge gives for a file.</summary>
internal sealed class Kibibyte : IHttpHandler
{
    private readonly byte[] _body = new byte[1024];

    public void Handle(in Request request, Response response, IPeer peer)
    {
        response.Begin(HttpStatus.Ok);
        response.Fields("Content-Type: application/octet-stream\r\nAccept-Ranges: bytes\r\n"u8);
        response.Fields("ETag: \"2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae\"\r\n"u8);
        response.Fields("Last-Modified: Sat, 28 Nov 2026 12:00:00 GMT\r\nVary: Accept-Encoding\r\n"u8);
        response.End(_body);
    }
}
