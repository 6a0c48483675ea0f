using System.Text.RegularExpressions;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>An index with its gateway, and content servers behind it, each by an address of its own.</summary>
internal sealed partial class Fleet(Stage stage)
{
    private int _servers;

    /// <summary>The folder in which tools run.</summary>
    public string Folder => stage.Folder;

    public int HttpPort { get; } = Stage.FreePort();

    public int HttpsPort { get; } = Stage.FreePort();

    /// <summary>Starts index and monitor.</summary>
    public static async Task<Fleet> StartAsync(Stage stage)
    {
        await stage.MonitorAsync();
        Fleet fleet = new(stage);
        (string certificate, string key) = Edge.CertificateIn(stage.Folder);
        RunningProcess index = await stage.IndexAsync("--http-port", $"{fleet.HttpPort}", "--https-port", $"{fleet.HttpsPort}",
            "--cert", certificate, "--key", key);
        await index.UntilLineAsync("for HTTPS");
        return fleet;
    }

    /// <summary>Starts the next server: 127.0.0.2, 127.0.0.3 and so on, since some tools tell servers by their
    /// hosts.</summary>
    public Task<Edge> AddAsync(string files, params string[] more)
    {
        int number = ++_servers;
        return Edge.StartAsync(stage, files, $"CS{number}", ["--advertise", $"127.0.0.{number + 1}", .. more]);
    }

    public string Url(string path) => $"http://127.0.0.1:{HttpPort}/{path}";

    public string SecureUrl(string path) => $"https://127.0.0.1:{HttpsPort}/{path}";

    /// <summary>Waits until the gateway offers so many copies of a file, and knows its digest.</summary>
    public Task UntilOfferedAsync(string path, int copies) => Stage.UntilAsync($"{copies} copies of {path} are offered",
        TimeSpan.FromSeconds(90), async () =>
        {
            string page = await Stage.ConverseAsync(HttpPort,
                $"GET /{path}.meta4 HTTP/1.1\r\nHost: 127.0.0.1:{HttpPort}\r\nConnection: close\r\n\r\n");
            return Copy().Count(page) == copies && page.Contains("<hash type=\"sha-256\">", StringComparison.Ordinal);
        });

    /// <summary>Waits until the gateway sends clients to this server: a dead one may be the one that is still
    /// offered.</summary>
    public Task UntilSentToAsync(string path, Edge server) => Stage.UntilAsync($"clients are sent to {server.HttpPort}",
        TimeSpan.FromSeconds(60), async () =>
        {
            string head = await Stage.ConverseAsync(HttpPort,
                $"HEAD /{path} HTTP/1.1\r\nHost: 127.0.0.1:{HttpPort}\r\nConnection: close\r\n\r\n");
            return RawResponse.FieldOf(head, "Location")?.Contains($":{server.HttpPort}/", StringComparison.Ordinal) == true;
        });

    public Task<ToolRun> CurlAsync(params IEnumerable<string> arguments) => ToolRun.OfAsync(Folder, "curl",
        ["--disable", "-sS", "--max-time", "120", "--cacert", Path.Combine(Folder, "cert.pem"), .. arguments]);

    public Task<ToolRun> Aria2Async(params IEnumerable<string> arguments) => ToolRun.OfAsync(Folder, "aria2c",
        ["--no-conf", "--log=aria2.log", "--log-level=info", "--retry-wait=1", "--max-tries=3", "--timeout=30",
            "--connect-timeout=10", "--file-allocation=none", "--allow-overwrite=true", .. arguments]);

    [GeneratedRegex("<url ")]
    private static partial Regex Copy();
}
