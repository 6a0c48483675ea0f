using System.Text;
using MicroCdn.Http;

namespace MicroCdn.Tests.Http;

// RFC 9112, and issue 3, bad input: what two programs could read differently is refused, before any routing.
public sealed class RequestParserTests
{
    private const string Good = "GET /a/b%20c.txt?x=1&y HTTP/1.1\r\nHost: edge.example:7003\r\nRange:  bytes=0-9 \r\n"
        + "X-Other: caf\u00e9\r\nconnection: keep-alive, Foo\r\n\r\n";

    public static TheoryData<string, int> Refused =>
    [
        // RFC 9112, section 3: one space, nothing else.
        ("GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET / HTTP/1.1 \r\nHost: x\r\n\r\n", 400),
        (" GET / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET /\r\nHost: x\r\n\r\n", 400),
        ("GET\t/\tHTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("G[T / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        ("GET / HTTP/1.2\r\nHost: x\r\n\r\n", 505),
        ("GET / http/1.1\r\nHost: x\r\n\r\n", 400),
        // RFC 9112, section 3.2: targets.
        ("GET * HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET a HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET /a\u0001 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n", 400),
        ("GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET http:///a HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET http://y/a HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET http://x@y/a HTTP/1.1\r\nHost: y\r\n\r\n", 400),
        ("GET http://x?a HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET /" + new string('a', 8192) + " HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        // RFC 9112, section 3.2: Host.
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400),
        ("GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400),
        // RFC 9112, sections 2.2 and 5: lines.
        ("GET / HTTP/1.1\nHost: x\n\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\n A: folded\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n\tfolded\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nnocolon\r\n\r\n", 400),
        // RFC 9112, section 6: bodies.
        ("GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nTRANSFER-ENCODING: identity\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 413),
        ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: +0\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -0\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x0\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 00\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0, 0\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", 413),
        // Limits.
        ("GET / HTTP/1.1\r\nHost: x\r\n" + string.Concat(Enumerable.Repeat("A: b\r\n", 100)) + "\r\n", 431),
        ("GET / HTTP/1.1\r\nHost: x\r\nA: " + new string('b', 16384) + "\r\n\r\n", 431),
    ];

    [Fact]
    public void A_sound_request_is_read_whole()
    {
        byte[] bytes = Encoding.UTF8.GetBytes(Good);
        Assert.Equal(bytes.Length, RequestParser.Parse([.. bytes, .. "GET /next"u8], out Request request, out _));
        Assert.Equal(Method.Get, request.Method);
        Assert.Equal("/a/b%20c.txt", Encoding.UTF8.GetString(request.Path));
        Assert.Equal("x=1&y", Encoding.UTF8.GetString(request.Query));
        Assert.Equal("bytes=0-9", Encoding.UTF8.GetString(request[Field.Range]));
        Assert.Equal("edge.example:7003", Encoding.UTF8.GetString(request[Field.Host]));
        Assert.False(request.Has(Field.IfRange));
        Assert.True(request.KeepsAlive);
    }

    [Fact]
    public void A_request_cut_at_any_byte_is_incomplete_and_not_refused()
    {
        byte[] bytes = Encoding.UTF8.GetBytes(Good);
        for (int cut = 0; cut < bytes.Length; cut++)
        {
            Assert.Equal(0, RequestParser.Parse(bytes.AsSpan(0, cut), out _, out Refusal? refusal));
            Assert.Null(refusal);
        }
    }

    [Theory, MemberData(nameof(Refused))]
    public void An_unsound_request_is_refused(string head, int status)
    {
        Assert.Equal(0, RequestParser.Parse(Encoding.UTF8.GetBytes(head), out _, out Refusal? refusal));
        Assert.Equal(status, refusal?.Status.Code);
    }

    [Theory, MemberData(nameof(Refused))]
    public void An_unsound_request_is_refused_also_when_it_comes_byte_by_byte(string head, int status)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(head);
        Refusal? refusal = null;
        for (int length = 1; length <= bytes.Length && refusal is null; length++)
        {
            Assert.Equal(0, RequestParser.Parse(bytes.AsSpan(0, length), out _, out refusal));
        }
        // A line cut short may look like another fault than the whole: refused it is.
        Assert.NotNull(refusal);
        Assert.InRange(refusal.Status.Code, 400, status == 505 ? 505 : 431);
    }

    [Theory]
    [InlineData("HTTP/1.1", "", true)]
    [InlineData("HTTP/1.1", "Connection: close\r\n", false)]
    [InlineData("HTTP/1.1", "Connection: x, CLOSE\r\n", false)]
    [InlineData("HTTP/1.1", "Connection: x\r\nConnection: close\r\n", false)]
    [InlineData("HTTP/1.1", "Connection: closed\r\n", true)]
    [InlineData("HTTP/1.0", "", false)]
    [InlineData("HTTP/1.0", "Connection: Keep-Alive\r\n", true)]
    public void A_connection_stays_open_by_the_rules_of_its_version(string version, string field, bool stays)
    {
        byte[] head = Encoding.UTF8.GetBytes($"GET / {version}\r\nHost: x\r\n{field}\r\n");
        Assert.True(RequestParser.Parse(head, out Request request, out _) > 0);
        Assert.Equal(stays, request.KeepsAlive);
    }

    [Fact]
    public void Repeated_lines_of_a_field_are_joined()
    {
        byte[] head = Encoding.UTF8.GetBytes("GET / HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"a\"\r\naccept: b\r\n"
            + "if-none-match: \"c\"\r\nIF-NONE-MATCH: *\r\n\r\n");
        Assert.True(RequestParser.Parse(head, out Request request, out _) > 0);
        Assert.Equal("\"a\", \"c\", *", Encoding.UTF8.GetString(request[Field.IfNoneMatch]));
        Assert.Equal("b", Encoding.UTF8.GetString(request[Field.Accept]));
    }

    [Theory]
    [InlineData("GET http://x:80/a?b HTTP/1.1\r\nHost: X:80\r\n\r\n", "/a", "b")]
    [InlineData("GET HTTPS://x HTTP/1.1\r\nHost: x\r\n\r\n", "/", "")]
    [InlineData("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "*", "")]
    [InlineData("GET /a?b?c HTTP/1.1\r\nHost: \r\n\r\n", "/a", "b?c")]
    [InlineData("GET //x/a HTTP/1.1\r\nHost: y\r\nContent-Length: 0\r\n\r\n", "//x/a", "")]
    public void A_target_has_a_path_and_a_query(string head, string path, string query)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(head);
        Assert.Equal(bytes.Length, RequestParser.Parse(bytes, out Request request, out _));
        Assert.Equal(path, Encoding.UTF8.GetString(request.Path));
        Assert.Equal(query, Encoding.UTF8.GetString(request.Query));
    }
}
