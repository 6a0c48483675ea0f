using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>A content server of ours as a process, with its HTTP and HTTPS ports.</summary>
internal sealed class Edge
{
    private Edge(RunningProcess process, string files, int http, int https, string certificate) =>
        (Process, Files, HttpPort, HttpsPort, Certificate) = (process, files, http, https, certificate);

    public RunningProcess Process { get; }

    /// <summary>The folder that it serves.</summary>
    public string Files { get; }

    public int HttpPort { get; }

    public int HttpsPort { get; }

    /// <summary>The PEM file that its clients have to trust.</summary>
    public string Certificate { get; }

    /// <summary>Starts one without waiting for an index; ready when the first of its files is served.</summary>
    public static async Task<Edge> StartAsync(Stage stage, string files, string id = "CS1", params string[] more)
    {
        (string certificate, string key) = CertificateIn(stage.Folder);
        (int http, int https) = (Stage.FreePort(), Stage.FreePort());
        RunningProcess process = stage.Content(id, files, Stage.FreePort(), ["--http-port", $"{http}",
            "--https-port", $"{https}", "--cert", certificate, "--key", key, .. more]);
        await process.UntilLineAsync("for HTTPS");
        Edge edge = new(process, files, http, https, certificate);
        string first = Directory.EnumerateFiles(files, "*", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(files, path)).Order().First();
        first = string.Join('/', first.Split('/').Select(Uri.EscapeDataString));
        await Stage.UntilAsync("it serves", TimeSpan.FromSeconds(60), async () =>
            (await edge.HeadOfAsync(first)).StartsWith("HTTP/1.1 200", StringComparison.Ordinal));
        return edge;
    }

    /// <summary>The address of a file; hosts from 127.0.0.1 on all lead here.</summary>
    public string Url(string path, string host = "127.0.0.1") => $"http://{host}:{HttpPort}/{path}";

    public string SecureUrl(string path) => $"https://127.0.0.1:{HttpsPort}/{path}";

    /// <summary>How many sockets the process has open.</summary>
    public int Sockets() => Directory.GetFileSystemEntries($"/proc/{Process.Id}/fd")
        .Count(path => new FileInfo(path).LinkTarget?.StartsWith("socket:", StringComparison.Ordinal) == true);

    /// <summary>The head of the answer to HEAD, over clear text.</summary>
    public Task<string> HeadOfAsync(string path) => Stage.ConverseAsync(
        HttpPort, $"HEAD /{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");

    /// <summary>Waits until the digest of a file is known: until then there is no ETag.</summary>
    public Task UntilTaggedAsync(string path) => Stage.UntilAsync($"{path} has its ETag", TimeSpan.FromSeconds(90),
        async () => (await HeadOfAsync(path)).Contains("\r\nETag: \"", StringComparison.Ordinal));

    // One for the whole stage: every server of a test presents the same.
    public static (string Certificate, string Key) CertificateIn(string folder)
    {
        string certificate = Path.Combine(folder, "cert.pem"), keyFile = Path.Combine(folder, "key.pem");
        if (File.Exists(certificate)) return (certificate, keyFile);
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=localhost", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddDnsName("localhost");
        for (byte last = 1; last <= 4; last++) names.AddIpAddress(new([127, 0, 0, last]));
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        using X509Certificate2 made = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(30));
        File.WriteAllText(certificate, made.ExportCertificatePem());
        File.WriteAllText(keyFile, key.ExportPkcs8PrivateKeyPem());
        return (certificate, keyFile);
    }
}
