using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using MicroCdn.Http;
using MicroCdn.Network;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Network;

/// <summary>Bodies both ways over real sockets: what is sent comes back, by chunks and frames, at another thread's
/// pace.</summary>
public sealed class UploadOverSocketsTests : IDisposable
{
    private const int Length = 1_000_000;

    private readonly EventLoops _loops = new(new LogBook(), TimeProvider.System);
    private readonly TlsPort _secure;
    private readonly IPEndPoint _plain;

    public UploadOverSocketsTests()
    {
        HttpService service = new(new Mirror(), new TrustedNetworks([]), new Complaints(new LogBook(),
            TimeProvider.System), TimeProvider.System);
        _secure = new TlsPort(service);
        _plain = _loops.Listen(new Listener(new IPEndPoint(IPAddress.Loopback, 0), service), null);
    }

    [Theory]
    [InlineData("http", "1.1", true)]
    [InlineData("http", "1.1", false)]
    [InlineData("https", "1.1", true)]
    [InlineData("https", "2.0", true)]
    [InlineData("https", "2.0", false)]
    public async Task What_is_sent_comes_back(string scheme, string version, bool hasLength)
    {
        using SocketsHttpHandler sockets = new()
        {
            ConnectCallback = async (_, _) => scheme == "http" ? await ConnectAsync() : _secure.Connect(),
            SslOptions = new SslClientAuthenticationOptions
            {
                RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
            },
        };
        using HttpClient client = new(sockets);
        byte[] bytes = new byte[Length];
        new Random(1).NextBytes(bytes);
        using HttpRequestMessage request = new(HttpMethod.Put, $"{scheme}://x/mirror")
        {
            Version = Version.Parse(version),
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new StreamContent(new MemoryStream(bytes)),
        };
        request.Content.Headers.ContentLength = hasLength ? Length : null;
        if (!hasLength) request.Headers.TransferEncodingChunked = version == "1.1";
        using HttpResponseMessage response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(scheme, Assert.Single(response.Headers.GetValues("Scheme")));
        Assert.Equal(bytes, await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
    }

    public void Dispose()
    {
        _secure.Dispose();
        _loops.Dispose();
    }

    private async Task<Stream> ConnectAsync()
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(_plain);
        return new NetworkStream(socket, ownsSocket: true);
    }

    // Reads the whole body, then sends it back without telling its length.
    private sealed class Mirror : IHttpHandler
    {
        public bool Takes(in Request request) => true;

        public void Handle(in Request request, Response response, IPeer peer)
        {
            RequestBody body = request.TakeBody()!;
            string scheme = peer.IsSecure ? "https" : "http";
            response.Later();
            _ = Task.Run(async () =>
            {
                using MemoryStream all = new();
                byte[] piece = new byte[20_000];
                int read;
                while ((read = await body.ReadAsync(piece, default)) > 0) all.Write(piece, 0, read);
                response.Give(later =>
                {
                    later.BeginRelayed(200, "OK"u8, Http.Taker.FieldsOf($"Scheme: {scheme}"));
                    later.EndWithStream(new PageSource(all.ToArray()));
                });
            });
        }
    }
}
