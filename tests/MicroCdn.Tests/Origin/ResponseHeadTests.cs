using System.Text;
using CsCheck;
using MicroCdn.Origin;

namespace MicroCdn.Tests.Origin;

/// <summary>What a head of an origin means, and which are refused. Sections are those of RFC 9112 unless
/// said.</summary>
public sealed class ResponseHeadTests
{
    private const string Ok = "HTTP/1.1 200 OK\r\n";

    [Theory]
    // 6.3: the list of how a body ends; then whether it may be stored, and whether the connection goes on.
    [InlineData(Ok + "Content-Length: 5\r\n", "Length 5 exact keeps")]
    [InlineData(Ok + "content-length:5\r\n", "Length 5 exact keeps")]
    [InlineData(Ok + "Content-Length: 0005\r\n", "Length 5 exact keeps")]
    [InlineData(Ok + "Content-Length: 0\r\n", "Length 0 exact keeps")]
    [InlineData(Ok + "Content-Length: 9223372036854775799\r\n", "Length 9223372036854775799 exact keeps")]
    [InlineData(Ok + "Transfer-Encoding: chunked\r\n", "Chunked exact keeps")]
    [InlineData(Ok + "Transfer-Encoding: CHUNKED\r\n", "Chunked exact keeps")]
    [InlineData(Ok + "Transfer-Encoding: , chunked ,\r\n", "Chunked exact keeps")]
    [InlineData(Ok, "UntilClose")]
    // 6.3, rule 5: the same several times is that one; a proxy may read it.
    [InlineData(Ok + "Content-Length: 5\r\nContent-Length: 5\r\n", "Length 5")]
    [InlineData(Ok + "Content-Length: 5, 5\r\n", "Length 5")]
    [InlineData(Ok + "Content-Length: 5\r\nContent-Length: 05\r\n", "Length 5")]
    // 6.3, rule 3: chunks win over a length, and something is wrong.
    [InlineData(Ok + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Chunked")]
    [InlineData(Ok + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "Chunked")]
    // 6.3, rule 4: codings that nobody knows, without chunks, end with the connection.
    [InlineData(Ok + "Transfer-Encoding: identity\r\n", "UntilClose")]
    [InlineData(Ok + "Transfer-Encoding: whatever\r\nContent-Length: 5\r\n", "UntilClose")]
    [InlineData(Ok + "Transfer-Encoding:\r\nContent-Length: 5\r\n", "UntilClose")]
    [InlineData(Ok + "Transfer-Encoding: whatever, chunked\r\n", "Chunked")]
    // 6.1: HTTP/1.0 has no codings.
    [InlineData("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n", "Chunked")]
    // 6.3, rule 1: these have no body, whatever they say.
    [InlineData("HTTP/1.1 204 No Content\r\n", "None exact keeps")]
    [InlineData("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n", "None exact")]
    [InlineData("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n", "None")]
    [InlineData("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n", "None exact keeps")]
    [InlineData("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n", "None exact keeps")]
    // 9.3: when the connection goes on.
    [InlineData(Ok + "Content-Length: 5\r\nConnection: close\r\n", "Length 5 exact")]
    [InlineData(Ok + "Content-Length: 5\r\nConnection: a, Close\r\n", "Length 5 exact")]
    [InlineData(Ok + "Content-Length: 5\r\nConnection: a\r\nConnection: close\r\n", "Length 5 exact")]
    [InlineData("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n", "Length 5 exact")]
    [InlineData("HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n", "Length 5 exact keeps")]
    // 4, and RFC 9110, section 15: any status of three digits from 100 on.
    [InlineData("HTTP/1.1 999 \r\nContent-Length: 5\r\n", "Length 5 exact keeps")]
    [InlineData("HTTP/1.1 599\r\nContent-Length: 5\r\n", "Length 5 exact keeps")]
    [InlineData("HTTP/1.1 299 \u00e4\u00f6\r\nContent-Length: 5\r\n", "Length 5 exact keeps")]
    public void A_body_ends_where_the_RFC_says(string head, string meaning) =>
        Assert.Equal(meaning, Meaning(head + "\r\n"));

    [Theory]
    // 6.3, rule 5: a length that is none. The answer to the client is 502.
    [InlineData(Ok + "Content-Length: 5\r\nContent-Length: 6\r\n", "two lengths")]
    [InlineData(Ok + "Content-Length: 5, 6\r\n", "two lengths")]
    [InlineData(Ok + "Content-Length: +5\r\n", "digits")]
    [InlineData(Ok + "Content-Length: -5\r\n", "digits")]
    [InlineData(Ok + "Content-Length: 5.0\r\n", "digits")]
    [InlineData(Ok + "Content-Length: 0x5\r\n", "digits")]
    [InlineData(Ok + "Content-Length: 5 5\r\n", "digits")]
    [InlineData(Ok + "Content-Length: 5,\r\n", "digits")]
    [InlineData(Ok + "Content-Length: ,5\r\n", "digits")]
    [InlineData(Ok + "Content-Length:\r\n", "digits")]
    [InlineData(Ok + "Content-Length: 9223372036854775808\r\n", "too large")]
    [InlineData(Ok + "Content-Length: 99999999999999999999999\r\n", "too large")]
    // 5.1 and 5.2: what may be repaired elsewhere may not be where the body's end depends on it.
    [InlineData(Ok + "Content-Length : 5\r\n", "spaces before")]
    [InlineData(Ok + "Content-Length:\r\n 5\r\n", "folded")]
    [InlineData(Ok + "Transfer-Encoding : chunked\r\n", "spaces before")]
    // 6.1: codings that nobody asked for, and something behind chunked.
    [InlineData(Ok + "Transfer-Encoding: gzip, chunked\r\n", "nobody asked")]
    [InlineData(Ok + "Transfer-Encoding: gzip\r\n", "nobody asked")]
    [InlineData(Ok + "Transfer-Encoding: chunked, chunked\r\n", "after chunking")]
    [InlineData(Ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "after chunking")]
    // 5: field lines.
    [InlineData(Ok + ": 5\r\n", "no field name")]
    [InlineData(Ok + "X\r\n", "no field name")]
    [InlineData(Ok + " X: 5\r\n", "name")]
    [InlineData(Ok + "X Y: 5\r\n", "name is none")]
    [InlineData(Ok + "X\u00e4: 5\r\n", "name is none")]
    [InlineData(Ok + "X: a\0b\r\n", "CR or NUL")]
    [InlineData(Ok + "X: a\rb\r\n", "CR or NUL")]
    // 4: the status line.
    [InlineData("HTTP/1.1 20 OK\r\n", "first line")]
    [InlineData("HTTP/1.1 2000 OK\r\n", "first line")]
    [InlineData("HTTP/1.1  200 OK\r\n", "first line")]
    [InlineData("HTTP/1.1 +20 OK\r\n", "first line")]
    [InlineData("HTTP/1.1 099 OK\r\n", "below 100")]
    [InlineData("HTTP/1.1 200 O\0K\r\n", "CR or NUL")]
    [InlineData("HTTP/1.x 200 OK\r\n", "first line")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\n", "nobody asked")]
    public void What_two_programs_could_read_differently_is_refused(string head, string why)
    {
        Assert.Null(ResponseHead.Read(Bytes(head + "\r\n"), toHead: false, out string? fault, out bool isTooLarge));
        Assert.Contains(why, fault, StringComparison.Ordinal);
        Assert.False(isTooLarge);
    }

    [Theory]
    [InlineData("HTTP/2 200 OK\r\n\r\n", "begin")]
    [InlineData("HTTP/0.9 200 OK\r\n\r\n", "begin")]
    [InlineData("<html>", "begin")]
    [InlineData("\r\nHTTP/1.1 200 OK\r\n\r\n", "begin")]
    [InlineData("http/1.1 200 OK\r\n\r\n", "begin")]
    [InlineData("HTTP/1.1 200 OK\nX: y\n\n", "LF alone")]
    [InlineData("HTTP/1.1 200 OK\r\nX: y\n", "LF alone")]
    [InlineData("HTTP/1.1 200 OK\r\nX: y\r\n\n", "LF alone")]
    public void What_is_no_head_is_known_before_its_end(string input, string why)
    {
        foreach (int step in (int[])[1, input.Length])
        {
            HeadEnd end = default;
            string? fault = null;
            for (int seen = step; fault is null && seen <= input.Length; seen += step)
            {
                Assert.Equal(0, end.Find(Bytes(input).AsSpan(0, seen), out fault));
            }
            Assert.Contains(why, fault, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_end_of_a_head_is_found_wherever_it_is_cut()
    {
        byte[] head = Bytes(Ok + "Content-Length: 5\r\nX: y\r\n\r\nhello\r\n\r\n");
        int length = head.AsSpan().IndexOf("hello"u8);
        for (int cut = 0; cut <= head.Length; cut++)
        {
            HeadEnd end = default;
            Assert.Equal(cut >= length ? length : 0, end.Find(head.AsSpan(0, cut), out _));
            if (cut < length) Assert.Equal(length, end.Find(head, out _));
        }
        HeadEnd bytewise = default;
        int found = 0, given = 0;
        while (found == 0) found = bytewise.Find(head.AsSpan(0, ++given), out _);
        Assert.Equal((length, length), (found, given));
    }

    [Fact]
    public void Fields_stay_as_they_came_but_for_what_a_proxy_has_to_repair()
    {
        ResponseHead head = Read(
            "HTTP/1.1 200 Fine \u00fc\r\nx-a:  caf\u00e9 \t\r\nSet-Cookie: a=1\r\nX-A: 2\r\nset-cookie: b=2\r\n"
            + "Folded: one \r\n\t two\r\n   three\r\nSpaced \t: x\r\nEmpty:\r\n"
            + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n");
        Assert.Equal(
            "x-a: caf\u00e9\r\nSet-Cookie: a=1\r\nX-A: 2\r\nset-cookie: b=2\r\nFolded: one two three\r\nSpaced: x\r\n"
            + "Empty: \r\nContent-Length: 5\r\n", head.Fields.ToString());
        Assert.Equal("Fine \u00fc", Encoding.Latin1.GetString(head.Reason));
    }

    [Fact]
    public void A_length_beside_chunks_is_taken_out_as_the_RFC_demands() => Assert.Equal(
        "Transfer-Encoding: chunked\r\n",
        Read(Ok + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n").Fields.ToString());

    [Fact]
    public void The_answer_to_HEAD_has_no_body_and_keeps_its_length()
    {
        ResponseHead? head = ResponseHead.Read(
            Bytes(Ok + "Content-Length: 5\r\n\r\n"), toHead: true, out _, out _);
        Assert.Equal((BodyFraming.None, true, true), (head!.Framing, head.IsExact, head.KeepsAlive));
        Assert.Equal("5"u8, head.Fields.First("Content-Length"u8));
    }

    [Fact]
    public void A_thousand_fields_are_taken_and_one_more_is_not()
    {
        string thousand = Ok + string.Concat(Enumerable.Repeat("a:\r\n", 1_000));
        Assert.Equal(1_000, Read(thousand + "\r\n").Fields.Count);
        Assert.Null(ResponseHead.Read(Bytes(thousand + "a:\r\n\r\n"), false, out _, out bool isTooLarge));
        Assert.True(isTooLarge);
    }

    [Fact]
    public void Whatever_comes_is_either_refused_or_read_with_one_framing() =>
        Gen.OneOf("Content-Length", "Transfer-Encoding", "Connection", ":", " ", "\r\n", "5", ",", "chunked",
            "HTTP/1.1 200 OK\r\n", "HTTP/1.", "\n", "\r", "\0", "X").Array[0, 30].Sample(words =>
        {
            byte[] input = Bytes(Ok + string.Concat(words) + "\r\n\r\n");
            HeadEnd end = default;
            int length = end.Find(input, out string? fault);
            if (fault is not null) return;
            ResponseHead? head = ResponseHead.Read(input.AsSpan(0, length), false, out fault, out _);
            Assert.Equal(head is null, fault is not null);
            if (head is null) return;
            Assert.False(head.Fields.Has("Content-Length"u8) && head.Fields.Has("Transfer-Encoding"u8));
            Assert.True(head.IsExact || !head.KeepsAlive);
            if (head.IsExact && head.Framing == BodyFraming.Length)
            {
                Assert.Equal($"{head.Length}", Encoding.ASCII.GetString(head.Fields.Joined("Content-Length"u8)));
            }
        });

    private static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);

    private static ResponseHead Read(string head)
    {
        ResponseHead? read = ResponseHead.Read(Bytes(head), toHead: false, out string? fault, out _);
        Assert.True(read is not null, fault);
        return read;
    }

    private static string Meaning(string text)
    {
        ResponseHead head = Read(text);
        string length = head.Framing == BodyFraming.Length ? $" {head.Length}" : "";
        return $"{head.Framing}{length}{(head.IsExact ? " exact" : "")}{(head.KeepsAlive ? " keeps" : "")}";
    }
}
