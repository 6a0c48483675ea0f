using System.Globalization;
using System.Text;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>Requests over HTTP/2 that would become two on their way to an origin, asked over HTTP/1.1.</summary>
public sealed class PulledDowngradeTests : IAsyncLifetime
{
    private const string Smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

    private static readonly (string Method, string Path, string[] Fields, string? Body)[] Attacks =
    [
        ("POST", "/a", ["transfer-encoding: chunked"], $"0\r\n\r\n{Smuggled}"),
        ("POST", "/a", ["transfer-encoding: chunked", "content-length: 5"], $"0\r\n\r\n{Smuggled}"),
        ("POST", "/a", ["transfer_encoding: chunked"], $"0\r\n\r\n{Smuggled}"),
        ("POST", "/a", ["connection: transfer-encoding", "transfer-encoding: chunked"], $"0\r\n\r\n{Smuggled}"),
        ("POST", "/a", ["content-length: 0"], Smuggled),
        ("POST", "/a", ["content-length: 5"], $"hello{Smuggled}"),
        ("POST", "/a", ["content-length: 500"], Smuggled),
        ("POST", "/a", ["content-length: +5"], $"hello{Smuggled}"),
        ("POST", "/a", ["content-length: 5", "content-length: 6"], $"hello{Smuggled}"),
        ("POST", "/a", ["content-length: 5, 5"], $"hello{Smuggled}"),
        ("POST", "/a", ["content_length: 0"], Smuggled),
        ("POST", "/a", ["expect: 100-continue"], Smuggled),
        ("GET", "/a", [], Smuggled),
        ("HEAD", "/a", [], Smuggled),
        ("GET", "/a", [$"x: y\r\n\r\n{Smuggled}"], null),
        ("GET", "/a", [$"x: y\nz: {Smuggled}"], null),
        ("GET", "/a", ["x\r\ny: z"], null),
        ("GET", "/a", ["x: y\0"], null),
        ("GET", "/a", ["x y: z"], null),
        ("GET", "/a", ["x: y\r"], null),
        ("GET", "/a", ["X-Big: letters"], null),
        ("GET", $"/a HTTP/1.1\r\nHost: x\r\n\r\n{Smuggled}", [], null),
        ("GET", "/a HTTP/1.1", [], null),
        ("GET", "/a\t/smuggled", [], null),
        ("GET", "/a#/smuggled", [], null),
        ("GET", "smuggled", [], null),
        ("GET", "", [], null),
        ("GET", "*", [], null),
        ("GET", "http://x/smuggled", [], null),
        ("GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\nGET", "/a", [], null),
        ("GET /smuggled", "/a", [], null),
        ("CONNECT", "/a", [], null),
        ("GET", "/a", ["host: evil"], null),
        ("GET", "/a", ["host: evil", "host: worse"], null),
        ("GET", "/a", [":path: /smuggled"], null),
        ("GET", "/a", [":method: POST"], null),
        ("GET", "/a", [":status: 200"], null),
        ("GET", "/a", ["upgrade: h2c", "connection: upgrade, http2-settings", "http2-settings: AAMAAABk"], null),
        ("GET", "/a", ["keep-alive: 5", "proxy-connection: keep-alive"], null),
        ("GET", "/a", ["te: chunked"], null),
    ];

    private readonly Stage _stage = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Fact]
    public async Task No_request_over_HTTP_2_becomes_two_at_the_origin()
    {
        await using ScriptedOrigin origin = new(call => call.AnswerAsync(call.Target, "Cache-Control: no-store\r\n"));
        (string certificate, string key) = Edge.CertificateIn(_stage.Folder);
        int port = Stage.FreePort();
        Cache cache = await Cache.StartAsync(_stage, origin.Url,
            "--https-port", $"{port}", "--cert", certificate, "--key", key);
        await cache.Process.UntilLineAsync("for HTTPS");
        for (int number = 0; number < Attacks.Length; number++)
        {
            (string method, string path, string[] fields, string? body) = Attacks[number];
            using Http2Client client = await Http2Client.OpenAsync(port, []);
            byte[] head = Block(method, path, [.. fields, $"x-attack: {number}"]);
            byte flags = Http2Client.EndHeaders;
            await client.SendAsync(Http2Client.Frame(Http2Client.Headers,
                body is null ? (byte)(flags | Http2Client.EndStream) : flags, 1, head));
            if (body is not null)
            {
                await client.SendAsync(Http2Client.Frame(
                    Http2Client.Data, Http2Client.EndStream, 1, Encoding.ASCII.GetBytes(body)));
            }
            // Answered behind it on the same connection, unless this is cut for what it said.
            await client.SendAsync(Http2Client.Get($"/last/{number}", 3));
            await Stage.UntilAsync($"attack {number} is over", TimeSpan.FromSeconds(20), () =>
                Task.FromResult(client.IsCut || origin.CountOf($"/last/{number}") == 1));
            // Over the connections that are kept to the origin.
            for (int times = 0; times < 3; times++)
            {
                Assert.Equal($"/honest/{number}/{times}", (await cache.GetAsync($"/honest/{number}/{times}")).Body);
            }
        }
        Assert.DoesNotContain(origin.Calls, call => call.Target.Contains("smuggled", StringComparison.Ordinal));
        string[] odd = [.. origin.Calls.Where(call => call.Head.Contains("evil", StringComparison.Ordinal)
            || call.Head.Contains("\r\nTransfer-Encoding: chunked\r\n", StringComparison.Ordinal)
                && call.Head.Contains("\r\nContent-Length:", StringComparison.Ordinal)).Select(call => call.Head)];
        Assert.Empty(odd);
        // Only those came whose body can be read in one way, and each once.
        int[] came = [.. origin.Calls.Select(call => call.Field("X-Attack")).OfType<string>()
            .Select(name => int.Parse(name, CultureInfo.InvariantCulture)).Order()];
        int[] sound = [.. Enumerable.Range(0, Attacks.Length).Where(number => Attacks[number].Fields is
            ["transfer_encoding: chunked"] or ["content_length: 0"] or ["expect: 100-continue"])];
        Assert.Equal(sound, came);
    }

    // By literals without indexing (RFC 7541, section 6.2.2).
    private static byte[] Block(string method, string path, string[] fields)
    {
        List<byte> block = [0x87];
        Add(":method", method);
        Add(":path", path);
        Add(":authority", "localhost");
        foreach (string field in fields)
        {
            int colon = field.IndexOf(": ", StringComparison.Ordinal);
            Add(field[..colon], field[(colon + 2)..]);
        }
        return [.. block];

        void Add(string name, string value)
        {
            block.AddRange([0, (byte)name.Length, .. Encoding.ASCII.GetBytes(name)]);
            block.AddRange([(byte)value.Length, .. Encoding.ASCII.GetBytes(value)]);
        }
    }
}
