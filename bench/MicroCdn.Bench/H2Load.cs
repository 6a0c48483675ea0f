using System.Globalization;
using System.Text.RegularExpressions;

namespace MicroCdn.Bench;

/// <summary>Load over TLS by the program h2load, which nobody here wrote.</summary>
/// <remarks>Its few handshakes count in the server's time. What is under way at the end of a round counts by the bytes
/// that came.</remarks>
internal sealed partial class H2Load(int port, SampleFile file) : ILoad
{
    public const string Http1 = "HTTP/1.1", Http2 = "HTTP/2";

    // Requests at once on each HTTP/2 connection.
    private const int Streams = 16;

    // Both servers are to encrypt alike: each has another first choice among the suites of TLS 1.3.
    private const string Cipher = "TLS_AES_128_GCM_SHA256";

    public Load Run(TimeSpan time)
    {
        string[] protocol = file.Client == Http1 ? ["--h1"] : ["-m", $"{Streams}"];
        string said = Tool.Run(Machine.Program("h2load", "nghttp2-client"), time + TimeSpan.FromSeconds(30),
            ["-D", $"{time.TotalMilliseconds:F0}ms", "-c", $"{file.Connections}", "-t", "1",
            $"--tls13-ciphers={Cipher}", .. protocol, $"https://127.0.0.1:{port}/{file.Name}"]);
        long done = Number(Done().Match(said)), good = Number(Good().Match(said)), bytes = Number(Data().Match(said));
        string name = file.Client == Http1 ? "http/1.1" : "h2";
        if (done == 0 || good < done || !said.Contains($"Application protocol: {name}\n", StringComparison.Ordinal))
            throw new BenchException($"h2load was not served well on port {port}:\n{said.Trim()}");
        return new Load(done, bytes, time);
    }

    public void Dispose()
    {
    }

    private static long Number(Match match) => match.Success
        ? long.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture)
        : throw new BenchException("h2load said nothing of what it did: it is of another version.");

    [GeneratedRegex(@"^requests: .* (\d+) done", RegexOptions.Multiline)]
    private static partial Regex Done();

    [GeneratedRegex(@"^status codes: (\d+) 2xx", RegexOptions.Multiline)]
    private static partial Regex Good();

    [GeneratedRegex(@"^traffic: .*\((\d+)\) data", RegexOptions.Multiline)]
    private static partial Regex Data();
}
