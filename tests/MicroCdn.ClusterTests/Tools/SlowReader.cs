using System.Net;
using System.Net.Security;
using System.Net.Sockets;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>A client of HTTP/1.1 that takes the bytes of one file as slowly as a test likes.</summary>
internal static class SlowReader
{
    /// <summary>The length of the file, big.bin.</summary>
    public const int Length = 64 << 20;

    // Asks for the file; what follows the head of the answer is its bytes.
    public static async Task<Stream> OpenAsync(Edge edge, bool secure)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 256 * 1024 };
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, secure ? edge.HttpsPort : edge.HttpPort));
        Stream stream = new NetworkStream(socket, ownsSocket: true);
        if (secure)
        {
            SslStream tls = new(stream, false, (_, certificate, _, _) => certificate is not null);
            await tls.AuthenticateAsClientAsync("localhost");
            stream = tls;
        }
        await stream.WriteAsync("GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray());
        byte[] one = new byte[1];
        for (int ending = 0; ending < 4;)
        {
            await stream.ReadExactlyAsync(one);
            ending = one[0] == "\r\n\r\n"[ending] ? ending + 1 : one[0] == '\r' ? 1 : 0;
        }
        return stream;
    }
}
