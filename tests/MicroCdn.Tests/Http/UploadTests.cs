using System.Text;
using MicroCdn.Http;
using MicroCdn.Network;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Http;

// RFC 9112, sections 6 and 7, and RFC 9110, section 10.1.1: requests with bodies, for a handler that takes them.
public sealed class UploadTests
{
    private const string Post = "POST /a?b HTTP/1.1\r\nHost: x:1\r\n";
    private const string Chunks = Post + "Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0a;x=\"y\"\r\n, world...\r\n"
        + "000\r\nTrailer: dropped\r\n\r\n";

    private readonly Taker _taker = new();

    [Fact]
    public async Task A_body_of_a_length_is_read_and_the_next_request_is_answered()
    {
        Wire wire = Begin().Receive(Post + "Content-Length: 5\r\n\r\nhelloGET /next HTTP/1.1\r\nHost: y\r\n\r\n");
        Assert.Equal(5, _taker.Body!.Length);
        Assert.Equal("hello", await _taker.ReadAsync());
        Assert.Equal("", await _taker.ReadAsync());
        _taker.Give("one");
        Assert.EndsWith("\r\n\r\none", wire.Turn().Sent, StringComparison.Ordinal);
        _taker.Give("two");
        Assert.EndsWith("\r\n\r\ntwo", wire.Turn().Sent, StringComparison.Ordinal);
        Assert.DoesNotContain("close", wire.Sent, StringComparison.Ordinal);
        Assert.Equal(["POST /a?b x:1", "GET /next y"], _taker.Asked);
    }

    [Fact]
    public async Task A_body_in_chunks_is_the_same_wherever_it_is_cut()
    {
        byte[] bytes = Encoding.UTF8.GetBytes(Chunks + "GET /n HTTP/1.1\r\nHost: y\r\n\r\n");
        for (int cut = 1; cut < bytes.Length; cut++)
        {
            Taker taker = new();
            Wire wire = Begin(taker).Receive(bytes.AsSpan(0, cut)).Receive(bytes.AsSpan(cut));
            Assert.Equal(-1, taker.Body!.Length);
            Assert.Equal(15, await taker.ReadAllAsync());
            taker.Give("one");
            wire.Turn();
            Assert.Equal(2, taker.Asked.Count);
            Assert.False(wire.Conversation.IsOver);
        }
    }

    [Fact]
    public async Task A_client_waits_while_64_KiB_are_unread_and_goes_on_when_they_were_taken()
    {
        const int length = 300_000;
        Wire wire = Begin().Receive(Post + $"Content-Length: {length}\r\n\r\n");
        int sent = 0, read = 0;
        for (bool isFirst = true; read < length; isFirst = false)
        {
            while (sent < length && !wire.Conversation.IsPaused)
            {
                int piece = Math.Min(10_000, length - sent);
                wire.Receive(new byte[piece]);
                sent += piece;
            }
            if (isFirst)
            {
                // What is more than 64 KiB is held back, and nobody is blamed for it.
                Assert.Equal(70_000, sent);
                wire.Now += 60_000;
                Assert.False(wire.Conversation.Expire(wire.Now));
            }
            read += (await _taker.ReadAsync(16 * 1024)).Length;
            wire.Turn().Turn();
        }
        Assert.Equal("", await _taker.ReadAsync());
    }

    [Theory]
    [InlineData("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400)]
    [InlineData("Transfer-Encoding: gzip, chunked\r\n", 400)]
    [InlineData("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400)]
    [InlineData("Transfer-Encoding: identity\r\n", 400)]
    [InlineData("Content-Length: 5\r\nContent-Length: 5\r\n", 400)]
    [InlineData("Content-Length: +5\r\n", 400)]
    [InlineData("Content-Length: 05\r\n", 400)]
    [InlineData("Content-Length: 9999999999999999999\r\n", 413)]
    public void A_body_that_two_programs_could_see_differently_is_refused(string fields, int status)
    {
        Wire wire = Begin().Receive(Post + fields + "\r\n");
        Assert.StartsWith($"HTTP/1.1 {status} ", wire.Sent, StringComparison.Ordinal);
        Assert.Empty(_taker.Asked);
        Assert.True(wire.Conversation.IsOver);
    }

    [Fact]
    public void Chunks_of_an_old_client_are_refused() => Assert.StartsWith("HTTP/1.1 400 ",
        Begin().Receive("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").Sent,
        StringComparison.Ordinal);

    [Theory]
    [InlineData("5\nhello\r\n0\r\n\r\n")]
    [InlineData("5 \r\nhello\r\n0\r\n\r\n")]
    [InlineData("0x5\r\nhello\r\n0\r\n\r\n")]
    [InlineData("+5\r\nhello\r\n0\r\n\r\n")]
    [InlineData("\r\nhello\r\n0\r\n\r\n")]
    [InlineData(";x\r\nhello\r\n0\r\n\r\n")]
    [InlineData("5;a\nhello\r\n0\r\n\r\n")]
    [InlineData("5;a\rb\r\nhello\r\n0\r\n\r\n")]
    [InlineData("5\r\nhelloo\r\n0\r\n\r\n")]
    [InlineData("5\r\nhello\n0\r\n\r\n")]
    [InlineData("5\r\nhello\r\n0\r\n folded\r\n\r\n")]
    [InlineData("5\r\nhello\r\n0\r\nA: b\n\r\n")]
    [InlineData("10000000000000000\r\nhello")]
    public async Task Chunks_that_two_programs_could_see_differently_end_the_body(string chunks)
    {
        Wire wire = Begin().Receive(Post + "Transfer-Encoding: chunked\r\n\r\n").Receive(chunks);
        await Assert.ThrowsAsync<InvalidDataException>(_taker.ReadAllAsync);
        _taker.Give("no");
        Assert.Contains("Connection: close\r\n", wire.Turn().Sent, StringComparison.Ordinal);
        Assert.True(wire.Conversation.IsOver);
        Assert.Single(_taker.Asked);
    }

    [Theory]
    [InlineData("1;{0}\r\na\r\n")]
    [InlineData("0\r\nA: {0}\r\n")]
    public async Task What_stands_beside_the_bytes_is_bounded(string form)
    {
        string chunks = string.Concat(Enumerable.Repeat(form.Replace("{0}", new('x', 2_000)), 1));
        Wire wire = Begin().Receive(Post + "Transfer-Encoding: chunked\r\n\r\n" + chunks);
        Assert.False(wire.Conversation.WasRefused);
        string next = form[0] == '0' ? "A: " + new string('x', 7_000) : "1;" + new string('x', 7_000);
        wire.Receive(next);
        Assert.True(wire.Conversation.WasRefused);
        await Assert.ThrowsAsync<InvalidDataException>(_taker.ReadAllAsync);
    }

    [Fact]
    public void A_client_that_waits_for_100_is_told_when_the_body_is_taken()
    {
        Wire wire = Begin().Receive(Post + "Expect: 100-Continue\r\nContent-Length: 5\r\n\r\n");
        Assert.Equal("HTTP/1.1 100 Continue\r\n\r\n", wire.Sent);
    }

    [Fact]
    public void A_body_that_is_not_taken_is_not_asked_for_and_the_connection_ends_with_the_answer()
    {
        Taker taker = new() { TakesBodies = false };
        Wire wire = Begin(taker).Receive(Post + "Expect: 100-continue\r\nContent-Length: 50\r\n\r\nGET /smuggled");
        Assert.Equal("", wire.Sent);
        taker.Give("no");
        Assert.Contains("Connection: close\r\n", wire.Turn().Sent, StringComparison.Ordinal);
        Assert.True(wire.Conversation.IsOver);
        Assert.True(wire.Conversation.WasRefused);
    }

    [Fact]
    public void An_answer_before_the_end_of_the_body_ends_the_connection_and_lets_the_client_speak_out()
    {
        Wire wire = Begin().Receive(Post + "Content-Length: 50\r\n\r\nhello");
        _taker.Give("enough");
        Assert.Contains("Connection: close\r\n", wire.Turn().Sent, StringComparison.Ordinal);
        Assert.True(wire.Conversation.IsOver);
        Assert.True(wire.Conversation.ReadsWhileSending);
    }

    [Fact]
    public void A_body_that_nobody_wants_any_more_is_read_to_its_end()
    {
        Wire wire = Begin().Receive(Post + "Content-Length: 200000\r\n\r\n");
        wire.Receive(new byte[64 * 1024]);
        Assert.True(wire.Conversation.IsPaused);
        _taker.Body!.Dispose();
        wire.Turn();
        for (int left = 200_000 - (64 * 1024); left > 0; left -= Math.Min(left, 16_000))
        {
            Assert.False(wire.Conversation.IsPaused);
            wire.Receive(new byte[Math.Min(left, 16_000)]);
        }
        _taker.Give("thanks");
        Assert.DoesNotContain("close", wire.Turn().Sent, StringComparison.Ordinal);
        Assert.Single(_taker.Asked);
        wire.Receive("GET /n HTTP/1.1\r\nHost: y\r\n\r\n");
        Assert.Equal(2, _taker.Asked.Count);
    }

    [Fact]
    public async Task Who_reads_what_is_given_up_is_told_so_and_never_that_it_is_the_end()
    {
        Begin().Receive(Post + "Content-Length: 10\r\n\r\n");
        RequestBody body = _taker.Body!;
        Task<int> waiting = body.ReadAsync(new byte[10], TestContext.Current.CancellationToken).AsTask();
        body.Dispose();
        Assert.True(SpinWait.SpinUntil(() => waiting.IsCompleted, TimeSpan.FromSeconds(10)));
        await Assert.ThrowsAsync<IOException>(() => waiting);
        await Assert.ThrowsAsync<IOException>(() => _taker.ReadAsync());
    }

    [Theory]
    [InlineData(30 * 1024 - 1, true)]
    [InlineData(30 * 1024, false)]
    public async Task A_body_below_1_KiB_a_second_over_30_s_fails(int bytes, bool fails)
    {
        Wire wire = Begin().Receive(Post + "Content-Length: 100000\r\n\r\n").Receive(new byte[bytes]);
        wire.Now += 29_999;
        Assert.False(wire.Conversation.Expire(wire.Now));
        wire.Now += 1;
        Assert.True(wire.Conversation.Expire(wire.Now));
        if (!fails)
        {
            Assert.Equal(10, (await _taker.ReadAsync(10)).Length);
            return;
        }
        await Assert.ThrowsAsync<IOException>(_taker.ReadAllAsync);
        _taker.Give("too slow");
        Assert.Contains("too slow", wire.Turn().Sent, StringComparison.Ordinal);
        Assert.True(wire.Conversation.IsOver);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Who_reads_hears_that_the_client_left(bool inOrder)
    {
        Wire wire = Begin().Receive(Post + "Content-Length: 100\r\n\r\nhello");
        Assert.Equal("hello", await _taker.ReadAsync());
        Task<string> more = _taker.ReadAsync();
        Assert.False(more.IsCompleted);
        if (inOrder) wire.Conversation.EndInput();
        else wire.Conversation.End();
        await Assert.ThrowsAsync<IOException>(() => more);
    }

    [Theory]
    [InlineData("CONNECT x:1 HTTP/1.1", 400)]
    [InlineData("TRACE / HTTP/1.1", 405)]
    [InlineData("OPTIONS * HTTP/1.1", 204)]
    public void Methods_that_are_nobodys_are_answered_by_us(string line, int status)
    {
        Wire wire = Begin().Receive($"{line}\r\nHost: x:1\r\n\r\n");
        Assert.StartsWith($"HTTP/1.1 {status} ", wire.Sent, StringComparison.Ordinal);
        Assert.Empty(_taker.Asked);
    }

    [Theory]
    [InlineData("DELETE /x HTTP/1.1\r\nHost: a\r\n\r\n", "DELETE /x a")]
    [InlineData("M-SEARCH /x? HTTP/1.1\r\nHost: a\r\n\r\n", "M-SEARCH /x? a")]
    [InlineData("OPTIONS /x HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS /x a")]
    [InlineData("get /x HTTP/1.1\r\nHost: a\r\n\r\n", "get /x a")]
    [InlineData("PUT http://a:8/x HTTP/1.1\r\nHost: A:8\r\n\r\n", "PUT /x A:8")]
    [InlineData("PUT /x HTTP/1.0\r\n\r\n", "PUT /x ")]
    public void Any_other_method_is_handed_over(string head, string asked)
    {
        Begin().Receive(head);
        Assert.Equal([asked], _taker.Asked);
        Assert.Null(_taker.Body);
    }

    [Fact]
    public void All_fields_come_as_they_were_sent()
    {
        Begin().Receive("PUT / HTTP/1.1\r\nHost: x\r\nX-a:  caf\u00e9 \r\nx-A: b\r\nEmpty:\r\n\r\n");
        Assert.Equal("Host: x\r\nX-a: caf\u00c3\u00a9\r\nx-A: b\r\nEmpty: \r\n", _taker.Fields.ToString());
    }

    private Wire Begin() => Begin(_taker);

    private static Wire Begin(Taker taker)
    {
        FakeTimeProvider time = new();
        return new Wire(
            new HttpService(taker, new TrustedNetworks([]), new Complaints(new LogBook(), time), time));
    }
}
