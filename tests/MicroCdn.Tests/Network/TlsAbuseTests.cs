using System.Net.Security;
using System.Text;
using MicroCdn.Http;
using MicroCdn.Network;
using MicroCdn.Tests.Http.Http2;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Network;

/// <summary>Clients that keep to TLS and still mean no good: they stop reading, and change their keys without
/// end.</summary>
public sealed class TlsAbuseTests : IDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);
    private static readonly byte[] AskH2 = [.. Http2Peer.Preface, .. Http2Peer.Setting(4, 100_000_000),
        .. Http2Peer.Update(0, 100_000_000), .. Http2Peer.Get(1, "/large")];

    private readonly FakeTimeProvider _time = new();
    private readonly TlsPort _port;

    public TlsAbuseTests() => _port = new TlsPort(new HttpService(new Pages(), new TrustedNetworks([]),
        new Complaints(new LogBook(), _time), _time), _time);

    public void Dispose() => _port.Dispose();

    [Theory]
    [InlineData("h2")]
    [InlineData("http/1.1")]
    public async Task Who_stops_reading_is_cut_within_two_minutes(string protocol)
    {
        await using SslStream tls = await _port.ShakeAsync(protocol: protocol);
        await tls.WriteAsync(protocol == "h2" ? AskH2 : Request("/large"));
        await tls.ReadExactlyAsync(new byte[1]).AsTask().WaitAsync(Bound);
        int seconds = 0;
        for (; _port.Loop.Open > 0 && seconds < 600; seconds++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await _port.Loop.RoundAsync();
        }
        Assert.InRange(seconds, 20, 120);
    }

    [Fact]
    public async Task Keys_changed_without_end_cut_the_connection()
    {
        await using OpenSslClient client = await new OpenSslClient(_port.Connect(), "http/1.1").ShakeAsync();
        await client.ChangeKeysAsync(600, asks: false);
        try
        {
            await client.WriteAsync(Request("/small"));
        }
        catch (IOException)
        {
            // Cut already.
        }
        Assert.Equal(0, await client.ReadAsync(new byte[1000]));
        Assert.Equal(0, _port.Loop.Open);
        Assert.Empty(_port.Log.Lines);
    }

    [Fact]
    public async Task Keys_changed_before_each_request_are_honest()
    {
        await using OpenSslClient client = await new OpenSslClient(_port.Connect(), "http/1.1").ShakeAsync();
        byte[] some = new byte[1000];
        for (int request = 0; request < 100; request++)
        {
            await client.ChangeKeysAsync(1, asks: true);
            await client.WriteAsync(Request("/small"));
            string answer = Encoding.ASCII.GetString(some, 0, await client.ReadAsync(some));
            Assert.StartsWith("HTTP/1.1 200 ", answer, StringComparison.Ordinal);
            Assert.EndsWith("small", answer, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task What_one_connection_is_told_while_its_socket_is_full_never_leaves_on_another()
    {
        await using SslStream other = await _port.ShakeAsync();
        await using OpenSslClient full = await new OpenSslClient(_port.Connect(), "h2").ShakeAsync();
        await full.WriteAsync(AskH2);
        // More turns than its socket takes: it is full.
        for (int visit = 0; visit < 100; visit++) await GetSmallAsync(other);
        for (int change = 0; change < 20; change++)
        {
            await full.ChangeKeysAsync(1, asks: true);
            await GetSmallAsync(other);
            await using SslStream another = await _port.ShakeAsync();
            await GetSmallAsync(another);
        }
        byte[] some = new byte[100_000];
        int count = 0;
        for (int read = 1; read > 0 && count <= Pages.LargeBytes; count += read) read = await full.ReadAsync(some);
        Assert.True(count > Pages.LargeBytes, $"ended after {count} bytes");
    }

    private static byte[] Request(string path) => Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");

    private static async Task GetSmallAsync(SslStream tls)
    {
        await tls.WriteAsync(Request("/small"));
        byte[] some = new byte[1000];
        int read = await tls.ReadAsync(some).AsTask().WaitAsync(Bound);
        Assert.EndsWith("small", Encoding.ASCII.GetString(some, 0, read), StringComparison.Ordinal);
    }
}
