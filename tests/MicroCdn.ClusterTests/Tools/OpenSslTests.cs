using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>The client of OpenSSL against a content server.</summary>
[Trait("Needs", "openssl")]
public sealed class OpenSslTests
{
    [Theory]
    [InlineData("-tls1_2")]
    [InlineData("-tls1_3")]
    public async Task A_session_is_resumed_without_a_second_full_handshake(string version)
    {
        await using Stage stage = new();
        Edge edge = await Edge.StartAsync(stage, stage.MakeFiles("one", ("hello.txt", "hello"u8.ToArray())));
        Assert.Contains("\nNew, TLS", await GetAsync("-sess_out"), StringComparison.Ordinal);
        Assert.Contains("\nReused, TLS", await GetAsync("-sess_in"), StringComparison.Ordinal);

        async Task<string> GetAsync(string session)
        {
            ToolRun run = await ToolRun.OfAsync(stage.Folder, "sh", "-c", "printf 'GET /hello.txt HTTP/1.1\\r\\n"
                + "Host: x\\r\\nConnection: close\\r\\n\\r\\n' | openssl s_client -ign_eof -connect "
                + $"127.0.0.1:{edge.HttpsPort} -CAfile {edge.Certificate} {version} {session} session.pem");
            Assert.Contains("\r\n\r\nhello", run.Succeeded().Text, StringComparison.Ordinal);
            return run.Text;
        }
    }

    [Fact]
    public async Task A_renegotiation_is_refused_and_the_server_goes_on()
    {
        await using Stage stage = new();
        Edge edge = await Edge.StartAsync(stage, stage.MakeFiles("one", ("hello.txt", "hello"u8.ToArray())));
        ToolRun run = await ToolRun.OfAsync(stage.Folder, "sh", "-c", "(sleep 1; echo R; sleep 2) | openssl s_client "
            + $"-connect 127.0.0.1:{edge.HttpsPort} -CAfile {edge.Certificate} -tls1_2");
        Assert.Contains("no renegotiation", run.Errors + run.Text, StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 200", await edge.HeadOfAsync("hello.txt"), StringComparison.Ordinal);
        Assert.DoesNotContain("session failed", edge.Process.Output, StringComparison.Ordinal);
    }
}
