namespace MicroCdn.ClusterTests.Tools;

/// <summary>Bytes that two programs may take for different numbers of requests.</summary>
/// <remarks>
/// Each stands by what must come of it at our server: the statuses in order; a sentinel that follows on the same
/// connection is answered only where the last word is <c>sentinel</c>, else the connection is closed before it.
/// <c>@</c> is the probe's own file, and <c>%S</c> a whole request for another, which only who is fooled answers.
/// </remarks>
internal static class SmugglingProbes
{
    private const string Get = "GET /@ HTTP/1.1\r\nHost: x\r\n";

    public static readonly (string Name, string Expected, string Bytes)[] All =
    [
        .. TransferEncodings(), .. Lengths(), .. Lines(), .. Targets(), .. Others(),
    ];

    /// <summary>Proxies answer these in another version of HTTP, rightly.</summary>
    public static readonly string[] AnsweredOtherwise = ["version 0.9", "the preface of HTTP/2"];

    private static IEnumerable<(string, string, string)> TransferEncodings()
    {
        yield return ("a length over all, and no chunks", "400",
            $"{Get}Content-Length: 60\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n%S");
        yield return ("no chunks, and a length over all", "400",
            $"{Get}Transfer-Encoding: chunked\r\nContent-Length: 60\r\n\r\n0\r\n\r\n%S");
        yield return ("a length of a part, and chunks over all", "400",
            $"{Get}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n2f\r\n%S\r\n0\r\n\r\n");
        foreach (string coding in new[]
        {
            "chunked", "xchunked", "identity", "chunked, identity", "identity, chunked", "CHUNKED", "\"chunked\"",
            "chunked\r\nTransfer-Encoding: chunked", "chunked\r\nTransfer-Encoding: cow", "\tchunked", "", "chunked,",
        })
        {
            yield return ($"coding {coding}", "400", $"{Get}Transfer-Encoding: {coding}\r\n\r\n0\r\n\r\n%S");
        }
        yield return ("coding behind a vertical tab", "400", $"{Get}Transfer-Encoding:\vchunked\r\n\r\n0\r\n\r\n%S");
        yield return ("coding behind a NUL", "400", $"{Get}Transfer-Encoding: \0chunked\r\n\r\n0\r\n\r\n%S");
        yield return ("a space before the colon", "400", $"{Get}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n%S");
        yield return ("a space before the name", "400", $"{Get} Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n%S");
        yield return ("coding behind a bare CR", "400", $"{Get}X: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n%S");
        yield return ("coding behind a bare LF", "400", $"{Get}X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n%S");
        yield return ("another name with underscore", "200 400", $"{Get}Transfer_Encoding: chunked\r\n\r\n0\r\n\r\n%S");
        yield return ("coding in HTTP/1.0", "400",
            "GET /@ HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n%S");
        foreach (string chunk in new[] { "0x1\r\nX\r\n", "1;a=\nb\r\nX\r\n", "FFFFFFFFFFFFFFFF1\r\nX\r\n", "1\r\nXX\r\n", "1 \r\nX\r\n" })
        {
            yield return ($"chunk {chunk}", "400", $"{Get}Transfer-Encoding: chunked\r\n\r\n{chunk}0\r\n\r\n%S");
        }
    }

    private static IEnumerable<(string, string, string)> Lengths()
    {
        foreach (string length in new[]
        {
            "+5", "-1", "5, 5", "5 5", "0x5", "5\r\nContent-Length: 5", "5\r\nContent-Length: 6", "", "00", "05",
            "0\r\nContent-Length: 0", "0,", "\v5", "5\0", "0\r\nContent-Length: 47",
        })
        {
            yield return ($"length {length}", "400", $"{Get}Content-Length: {length}\r\n\r\n%S");
        }
        yield return ("a body", "413", $"{Get}Content-Length: 5\r\n\r\nhello");
        yield return ("a request for a body", "413", $"{Get}Content-Length: 47\r\n\r\n%S");
        yield return ("a length beyond all numbers", "413", $"{Get}Content-Length: 99999999999999999999\r\n\r\n%S");
        yield return ("a body that waits for 100", "413", $"{Get}Content-Length: 5\r\nExpect: 100-continue\r\n\r\nhello");
        yield return ("no body, said", "200 200 sentinel", $"{Get}Content-Length: 0\r\n\r\n%S");
        yield return ("a length with a space before the colon", "400", $"{Get}Content-Length : 47\r\n\r\n%S");
    }

    private static IEnumerable<(string, string, string)> Lines()
    {
        yield return ("bare LF everywhere", "400", "GET /@ HTTP/1.1\nHost: x\n\n%S");
        yield return ("bare LF behind a field", "400", "GET /@ HTTP/1.1\r\nHost: x\nX: y\r\n\r\n%S");
        yield return ("bare LF at the end of the head", "400", "GET /@ HTTP/1.1\r\nHost: x\r\n\n%S");
        yield return ("CR CR LF", "400", "GET /@ HTTP/1.1\r\r\nHost: x\r\n\r\n%S");
        yield return ("a folded field", "400", $"{Get}X: a\r\n b\r\n\r\n%S");
        yield return ("a folded length", "400", $"{Get}Content-Length:\r\n 47\r\n\r\n%S");
        yield return ("a line without colon", "400", $"{Get}Nonsense\r\n\r\n%S");
        yield return ("a name with a space", "400", $"{Get}Two words: x\r\n\r\n%S");
        yield return ("a NUL in a value", "400", $"{Get}X: a\0b\r\n\r\n%S");
        yield return ("an empty line before the request", "400", $"\r\n{Get}\r\n%S");
    }

    private static IEnumerable<(string, string, string)> Targets()
    {
        yield return ("two hosts", "400", $"{Get}Host: y\r\n\r\n%S");
        yield return ("the same host twice", "400", $"{Get}Host: x\r\n\r\n%S");
        yield return ("no host", "400", "GET /@ HTTP/1.1\r\nX: y\r\n\r\n%S");
        yield return ("two hosts in one", "400", "GET /@ HTTP/1.1\r\nHost: x, y\r\n\r\n%S");
        yield return ("a host with a path", "400", "GET /@ HTTP/1.1\r\nHost: x/y\r\n\r\n%S");
        yield return ("an absolute target", "200 sentinel", "GET http://x/@ HTTP/1.1\r\nHost: x\r\n\r\n");
        yield return ("an absolute target elsewhere", "400", "GET http://y/@ HTTP/1.1\r\nHost: x\r\n\r\n%S");
        yield return ("an absolute target with a user", "400", "GET http://u@x/@ HTTP/1.1\r\nHost: x\r\n\r\n%S");
        yield return ("a fragment", "400", "GET /@#f HTTP/1.1\r\nHost: x\r\n\r\n%S");
        yield return ("a NUL in the target", "400", "GET /@\0 HTTP/1.1\r\nHost: x\r\n\r\n%S");
        yield return ("a space in the target", "400", "GET /@ x HTTP/1.1\r\nHost: x\r\n\r\n%S");
        yield return ("a request line in the target", "400", "GET /@ HTTP/1.1 HTTP/1.1\r\nHost: x\r\n\r\n%S");
        yield return ("a way back up", "404 sentinel", "GET /x/../@ HTTP/1.1\r\nHost: x\r\n\r\n");
        yield return ("a backslash", "404 sentinel", "GET /\\@ HTTP/1.1\r\nHost: x\r\n\r\n");
        yield return ("an encoded line end", "404 sentinel", "GET /@%0d%0aX:%20y HTTP/1.1\r\nHost: x\r\n\r\n");
    }

    private static IEnumerable<(string, string, string)> Others()
    {
        yield return ("two in one piece", "200 200 sentinel", $"{Get}\r\n%S");
        yield return ("tabs between the words", "400", "GET\t/@\tHTTP/1.1\r\nHost: x\r\n\r\n%S");
        yield return ("a small version", "400", "GET /@ http/1.1\r\nHost: x\r\n\r\n%S");
        yield return ("version 0.9", "400", "GET /@\r\n\r\n%S");
        yield return ("version 1.2", "505", "GET /@ HTTP/1.2\r\nHost: x\r\n\r\n%S");
        yield return ("version 1.10", "505", "GET /@ HTTP/1.10\r\nHost: x\r\n\r\n%S");
        yield return ("the preface of HTTP/2", "505", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n%S");
        yield return ("an upgrade that nobody wants", "200 sentinel",
            $"{Get}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n");
        yield return ("a tunnel", "400", "CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n%S");
        yield return ("a small method", "405 sentinel", "get /@ HTTP/1.1\r\nHost: x\r\n\r\n");
        yield return ("a post without a body", "405 sentinel", "POST /@ HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
        yield return ("a post of a request", "413", "POST /@ HTTP/1.1\r\nHost: x\r\nContent-Length: 47\r\n\r\n%S");
        yield return ("a connection field that names the host", "200 sentinel", $"{Get}Connection: host, keep-alive\r\n\r\n");
        yield return ("too many fields", "431",
            $"{Get}{string.Concat(Enumerable.Range(0, 120).Select(n => $"X{n}: y\r\n"))}\r\n%S");
        yield return ("too long a head", "431", $"{Get}X: {new string('y', 17_000)}\r\n\r\n%S");
    }
}
