using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.Processes;

/// <summary>HTTPS of a real process: certificates that cannot be used, and ones that change under way.</summary>
public sealed class CertificateTests
{
    [Theory]
    [InlineData("none.pem", "none.pem")]
    [InlineData("cert.pem", "none.pem")]
    [InlineData("cert.pem", "other-key.pem")]
    [InlineData("text.pem", "key.pem")]
    [InlineData("cert.pem", "empty.pem")]
    [InlineData("cut.pem", "key.pem")]
    public async Task A_certificate_that_cannot_be_used_is_one_sentence_and_exit_code_2(string certificate, string key)
    {
        await using Stage stage = new();
        TestCertificate one = new(), two = new();
        Write(stage, "cert.pem", one.Certificate);
        Write(stage, "key.pem", one.Key);
        Write(stage, "other-key.pem", two.Key);
        Write(stage, "text.pem", "no certificate\n");
        Write(stage, "empty.pem", "");
        Write(stage, "cut.pem", one.Certificate[..200]);
        RunningProcess content = Content(stage, Stage.FreePort(), certificate, key);
        Assert.True(await content.UntilEndAsync() == 2, content.Output);
        Assert.Contains($"microcdn: the certificate '{certificate}' with the key '{key}' cannot be used: ",
            content.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", content.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_for_https_without_a_certificate_or_in_use_is_one_sentence_and_exit_code_2()
    {
        await using Stage stage = new();
        RunningProcess without = stage.Content("CS1", ".", Stage.FreePort(), "--https-port", "7004");
        Assert.True(await without.UntilEndAsync() == 2, without.Output);
        Assert.StartsWith("microcdn: --https-port needs --cert FILE and --key FILE.", without.Output,
            StringComparison.Ordinal);

        TestCertificate one = new();
        Write(stage, "cert.pem", one.Certificate);
        Write(stage, "key.pem", one.Key);
        using TcpListener taken = new(IPAddress.Any, Stage.FreePort());
        taken.Start();
        int port = ((IPEndPoint)taken.LocalEndpoint).Port;
        RunningProcess content = Content(stage, port, "cert.pem", "key.pem");
        Assert.True(await content.UntilEndAsync() == 2, content.Output);
        Assert.Contains($"microcdn: TCP port {port} on 0.0.0.0 is already in use: ", content.Output,
            StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", content.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_replaced_certificate_serves_new_handshakes_and_the_open_connection_goes_on()
    {
        await using Stage stage = new();
        TestCertificate one = new("one"), two = new("two");
        Write(stage, "cert.pem", one.Certificate);
        Write(stage, "key.pem", one.Key);
        int port = Stage.FreePort();
        RunningProcess content = Content(stage, port, "cert.pem", "key.pem");
        await content.UntilLineAsync("for HTTPS");
        using TlsClient before = await TlsClient.ConnectAsync(port);
        Assert.Equal("CN=one", before.Subject);
        Assert.Equal("HTTP/1.1 200 OK", await before.AskAsync());

        // Half of the pair: the old one stays, and it is said.
        Write(stage, "cert.pem", two.Certificate);
        await content.UntilLineAsync("cannot be used, the one before stays");
        using (TlsClient between = await TlsClient.ConnectAsync(port)) Assert.Equal("CN=one", between.Subject);
        Assert.Equal("HTTP/1.1 200 OK", await before.AskAsync());

        Write(stage, "key.pem", two.Key);
        await content.UntilLineAsync("was read again; new handshakes use it");
        using TlsClient after = await TlsClient.ConnectAsync(port);
        Assert.Equal("CN=two", after.Subject);
        Assert.Equal("HTTP/1.1 200 OK", await after.AskAsync());
        Assert.Equal("HTTP/1.1 200 OK", await before.AskAsync());
    }

    private static RunningProcess Content(Stage stage, int port, string certificate, string key) => stage.Content(
        "CS1", stage.MakeFolder("one"), Stage.FreePort(), "--https-port", $"{port}", "--cert", certificate,
        "--key", key);

    private static void Write(Stage stage, string name, string text) =>
        File.WriteAllText(Path.Combine(stage.Folder, name), text);

    /// <summary>A client that looks at the certificate and keeps its connection.</summary>
    private sealed class TlsClient : IDisposable
    {
        private readonly TcpClient _tcp = new();
        private readonly SslStream _tls;

        private TlsClient(int port)
        {
            _tcp.Connect(IPAddress.Loopback, port);
            _tls = new SslStream(_tcp.GetStream(), false, (_, certificate, _, errors) =>
            {
                Subject = certificate!.Subject;
                // It signs itself, and is right in all else.
                return errors == SslPolicyErrors.RemoteCertificateChainErrors;
            });
        }

        public string Subject { get; private set; } = "";

        public static async Task<TlsClient> ConnectAsync(int port)
        {
            TlsClient client = new(port);
            await client._tls.AuthenticateAsClientAsync("localhost");
            return client;
        }

        /// <summary>Asks for the health of the server; returns the status line.</summary>
        public async Task<string> AskAsync()
        {
            await _tls.WriteAsync("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray());
            byte[] buffer = new byte[4096];
            StringBuilder answer = new();
            while (!answer.ToString().EndsWith("ok\n", StringComparison.Ordinal))
            {
                int read = await _tls.ReadAsync(buffer);
                Assert.True(read > 0, $"closed after '{answer}'");
                answer.Append(Encoding.UTF8.GetString(buffer, 0, read));
            }
            return answer.ToString().Split("\r\n")[0];
        }

        public void Dispose()
        {
            _tls.Dispose();
            _tcp.Dispose();
        }
    }
}
