using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using MicroCdn.Http;
using MicroCdn.Http.Http2;
using MicroCdn.Network;
using MicroCdn.Tests.Http.Http2;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Network;

/// <summary>HTTPS on the event loops: whole bodies, cut ones, handshakes that are none, and certificates that
/// change.</summary>
public sealed class TlsTests : IDisposable
{
    private const int Length = Pages.LargeBytes;
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);

    private readonly TlsPort _port;
    private readonly LogBook _refusals = new();

    public TlsTests() => _port = new TlsPort(new HttpService(new Pages(), new TrustedNetworks([]),
        new Complaints(_refusals, TimeProvider.System), TimeProvider.System));

    public void Dispose() => _port.Dispose();

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task A_reader_that_pauses_gets_every_byte_once(SslProtocols version)
    {
        await using SslStream tls = await _port.ShakeAsync(version: version);
        Assert.Equal(version, tls.SslProtocol);
        await AskAsync(tls, "/large");
        byte[] some = new byte[100_000];
        for (int at = 0, pauses = 0; at < Length;)
        {
            // A pause as long as another's whole visit.
            if (at >= pauses * 2_000_000)
            {
                pauses++;
                await using SslStream other = await _port.ShakeAsync();
                Assert.Equal("small", await GetAsync(other, "/small"));
            }
            int read = await tls.ReadAsync(some).AsTask().WaitAsync(Bound);
            Assert.True(read > 0, $"ended after {at} bytes");
            for (int each = 0; each < read; each++) Assert.Equal(Pages.At(at + each), some[each]);
            at += read;
        }
        Assert.Equal("small", await GetAsync(tls, "/small"));
    }

    [Fact]
    public async Task Many_requests_in_one_record_are_answered_in_turn()
    {
        await using SslStream tls = await _port.ShakeAsync();
        await tls.WriteAsync(Encoding.ASCII.GetBytes(string.Concat(
            Enumerable.Repeat("GET /small HTTP/1.1\r\nHost: x\r\n\r\n", 300))));
        for (int each = 0; each < 300; each++) Assert.Equal("small", await ReadAsync(tls));
    }

    [Fact]
    public async Task A_body_that_ends_early_is_cut_and_never_closed_in_order()
    {
        await using SslStream tls = await _port.ShakeAsync();
        byte[] some = new byte[100_000];
        await Assert.ThrowsAsync<IOException>(async () =>
        {
            await AskAsync(tls, "/cut");
            while (await tls.ReadAsync(some).AsTask().WaitAsync(Bound) > 0)
            {
            }
        });
    }

    [Fact]
    public async Task A_file_that_is_edited_while_it_is_sent_is_cut()
    {
        await using SslStream tls = await _port.ShakeAsync();
        await Assert.ThrowsAnyAsync<IOException>(() => GetAsync(tls, "/edited"));
    }

    [Fact]
    public async Task A_client_of_HTTP2_that_opens_windows_until_the_end_gets_all()
    {
        await using SslStream tls = await _port.ShakeAsync(protocol: "h2");
        await tls.WriteAsync((byte[])[.. Http2Peer.Preface, .. Http2Peer.Setting(4, 100_000_000),
            .. Http2Peer.Update(0, 100_000_000), .. Http2Peer.Get(1, "/large"),
            .. Http2Peer.Frame(FrameType.GoAway, 0, 0, new byte[8])]);
        byte[] some = new byte[100_000];
        int count = 0;
        for (int read = 1, next = 500_000; read > 0; count += read)
        {
            if (count > next)
            {
                next += 500_000;
                await tls.WriteAsync((byte[])[.. Http2Peer.Update(0, 4096), .. Http2Peer.Update(1, 4096)]);
            }
            read = await tls.ReadAsync(some).AsTask().WaitAsync(Bound);
        }
        Assert.True(count > Length, $"ended after {count} bytes");
    }

    [Fact]
    public async Task A_refused_request_is_told_why_and_the_end_is_in_order()
    {
        await using SslStream tls = await _port.ShakeAsync();
        await tls.WriteAsync("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"u8.ToArray());
        using StreamReader reader = new(tls);
        Assert.StartsWith("HTTP/1.1 400 ", await reader.ReadToEndAsync().WaitAsync(Bound), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bytes_may_come_one_at_a_time()
    {
        await using SslStream tls = await _port.ShakeAsync(below => new DrippingStream(below));
        Assert.Equal("small", await GetAsync(tls, "/small"));
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("HELLO 2\n")]
    [InlineData("\u0016\u0003\u0001\u0040\u0000\u0001")]
    [InlineData("\u0016\u0003\u0001\u0000\u0005\u0001\u0000\u0000\u0001\u0003")]
    public async Task Whoever_speaks_no_TLS_is_let_go_and_nothing_is_logged(string text)
    {
        await using SslStream before = await _port.ShakeAsync();
        await using (NetworkStream plain = _port.Connect())
        {
            await plain.WriteAsync(Encoding.Latin1.GetBytes(text));
            // What comes, if anything, is an alert of seven bytes.
            plain.Socket.Shutdown(SocketShutdown.Send);
            Assert.InRange(await CountAsync(plain), 0, 7);
        }
        Assert.Equal("small", await GetAsync(before, "/small"));
        Assert.Empty(_port.Log.Lines);
        Assert.Empty(_refusals.Lines);
    }

    [Fact]
    public async Task Half_a_handshake_that_is_cut_anywhere_ends_that_connection_alone()
    {
        DrippingStream? seen = null;
        await using (SslStream tls = await _port.ShakeAsync(below => seen = new DrippingStream(below)))
        {
            Assert.Equal("small", await GetAsync(tls, "/small"));
        }
        byte[] sent = [.. seen!.Written];
        for (int length = 1; length < sent.Length; length += 13)
        {
            await using NetworkStream half = _port.Connect();
            await half.WriteAsync(sent.AsMemory(0, length));
            half.Socket.Shutdown(SocketShutdown.Send);
            await CountAsync(half);
        }
        await using SslStream after = await _port.ShakeAsync();
        Assert.Equal("small", await GetAsync(after, "/small"));
        Assert.Empty(_port.Log.Lines);
    }

    [Fact]
    public async Task A_new_certificate_serves_new_handshakes_while_a_download_goes_on()
    {
        await using SslStream download = await _port.ShakeAsync();
        await AskAsync(download, "/large");
        await SkipAsync(download, Length / 2);
        _port.Current = TlsPort.Context("two");
        GC.Collect();
        GC.WaitForPendingFinalizers();
        await using SslStream after = await _port.ShakeAsync();
        Assert.Equal("CN=two", after.RemoteCertificate!.Subject);
        Assert.Equal("CN=one", download.RemoteCertificate!.Subject);
        await SkipAsync(download, Length - (Length / 2));
        Assert.Equal("small", await GetAsync(download, "/small"));
        Assert.Equal("small", await GetAsync(after, "/small"));
    }

    [Fact]
    public async Task Older_versions_and_other_protocols_are_refused_in_the_handshake()
    {
        await using SslStream named = await _port.ShakeAsync(protocol: "http/1.1");
        Assert.Equal("http/1.1", named.NegotiatedApplicationProtocol.ToString());
        await Assert.ThrowsAnyAsync<Exception>(() => _port.ShakeAsync(protocol: "spdy/3"));
        await Assert.ThrowsAsync<AuthenticationException>(() => _port.ShakeAsync(version: OlderVersion));
        Assert.Equal("small", await GetAsync(named, "/small"));
        Assert.Empty(_port.Log.Lines);
    }

#pragma warning disable SYSLIB0039, CA5397 // Asked for so that it can be refused.
    private static SslProtocols OlderVersion => SslProtocols.Tls11;
#pragma warning restore SYSLIB0039, CA5397

    private static async Task<int> CountAsync(Stream stream)
    {
        byte[] some = new byte[4096];
        int count = 0;
        try
        {
            for (int read = 1; read > 0; count += read) read = await stream.ReadAsync(some).AsTask().WaitAsync(Bound);
        }
        catch (IOException)
        {
            // A reset is an end too.
        }
        return count;
    }

    private static async Task SkipAsync(Stream stream, int count)
    {
        byte[] skipped = new byte[count];
        await stream.ReadExactlyAsync(skipped).AsTask().WaitAsync(Bound);
    }

    private static async Task<string> GetAsync(Stream stream, string path)
    {
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
        return await ReadAsync(stream);
    }

    private static async Task<string> ReadAsync(Stream stream)
    {
        byte[] body = new byte[await HeadAsync(stream)];
        await stream.ReadExactlyAsync(body).AsTask().WaitAsync(Bound);
        return Encoding.UTF8.GetString(body);
    }

    private static async Task AskAsync(Stream stream, string path)
    {
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
        Assert.Equal(Length, await HeadAsync(stream));
    }

    // Reads a head; returns the length of the body.
    private static async Task<int> HeadAsync(Stream stream)
    {
        StringBuilder head = new();
        byte[] one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await stream.ReadExactlyAsync(one).AsTask().WaitAsync(Bound);
            head.Append((char)one[0]);
        }
        const string length = "Content-Length: ";
        string line = head.ToString().Split("\r\n").Single(each => each.StartsWith(length, StringComparison.Ordinal));
        return int.Parse(line[length.Length..], CultureInfo.InvariantCulture);
    }
}
