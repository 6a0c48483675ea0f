using MicroCdn.Http;
using MicroCdn.Tests.Http.Http2;
using static MicroCdn.Tests.Http.Http2.Http2Peer;

namespace MicroCdn.Tests.Http.Exchanges;

// What is told of requests over HTTP/2 once their answers have left.
public sealed class Http2ExchangeTests
{
    private readonly ExchangeBook _book = new();
    private readonly Answerer _answerer = new();

    [Fact]
    public void Each_stream_is_told_when_its_last_frame_left()
    {
        Http2Peer peer = Begin();
        peer.Wire.Window = 0;
        peer.Send(Get(1, "/a/5", "user-agent: h2", "referer: r"), Get(3, "/a/7"));
        Assert.Empty(_book.Lines);
        peer.Wire.Window = long.MaxValue;
        peer.Wire.Turn();
        Assert.Equal(["20 GET /a/5 200 5 whole", "20 GET /a/7 200 7 whole"], _book.Lines);
        Assert.Equal("127.0.0.1 x r h2 -", _book.About[0]);
    }

    [Fact]
    public void A_stream_that_its_client_resets_is_told_with_what_it_was_sent()
    {
        Http2Peer peer = Begin();
        peer.Send(Get(1, "/memory/200000"), Get(3, "/a/7"), Get(5, "/later"));
        peer.Send(Reset(1), Reset(5));
        // The window of the connection is 65,535 bytes for all streams together.
        Assert.Equal(3, _book.Lines.Count);
        Assert.Contains($"20 GET /memory/200000 200 {65_535 - 7} cut", _book.Lines);
        Assert.Contains("20 GET /later 0 0 cut", _book.Lines);
    }

    [Fact]
    public void A_body_that_waits_for_its_window_is_told_once_it_is_through()
    {
        Http2Peer peer = Begin();
        peer.Send(Get(1, "/memory/100000"));
        Assert.Empty(_book.Lines);
        peer.Send(Update(0, 100_000), Update(1, 100_000));
        Assert.Equal(["20 GET /memory/100000 200 100000 whole"], _book.Lines);
    }

    [Fact]
    public void A_postponed_answer_is_told_when_it_was_given_and_left()
    {
        Http2Peer peer = Begin();
        peer.Send(Get(1, "/later"), Get(3, "/a/7"));
        _answerer.Give(3);
        peer.Wire.Turn();
        Assert.Equal(["20 GET /a/7 200 7 whole", "20 GET /later 404 3 whole"], _book.Lines);
    }

    [Fact]
    public void What_was_open_when_the_connection_ended_is_told_as_cut()
    {
        Http2Peer peer = Begin();
        peer.Wire.Window = 0;
        peer.Send(Get(1, "/a/5"), Get(3, "/memory/200000"), Get(5, "/later"));
        peer.Wire.Conversation.End();
        Assert.Equal(3, _book.Lines.Count);
        Assert.Contains("20 GET /a/5 200 0 cut", _book.Lines);
        Assert.Contains("20 GET /later 0 0 cut", _book.Lines);
        Assert.All(_book.Lines, line => Assert.EndsWith(" cut", line, StringComparison.Ordinal));
    }

    [Fact]
    public void A_source_that_fails_is_told_as_cut_and_the_other_streams_go_on()
    {
        Http2Peer peer = Begin();
        peer.Send(Get(1, "/drip/600"));
        _answerer.Drip.Add("abc");
        _answerer.Drip.Wake();
        peer.Wire.Turn();
        _answerer.Drip.IsCut = true;
        _answerer.Drip.Wake();
        peer.Wire.Turn();
        peer.Send(Get(3, "/a/7"));
        Assert.Equal(["20 GET /drip/600 200 3 cut", "20 GET /a/7 200 7 whole"], _book.Lines);
    }

    [Fact]
    public void A_request_whose_body_nobody_wants_is_told()
    {
        Http2Peer peer = Begin();
        peer.Send(Request(1, EndHeaders, ":method: POST", ":scheme: https", ":authority: x", ":path: /b",
            "content-length: 100000"));
        int body = Refusal.Body.Reason.Length + 1;
        Assert.Equal([$"20 POST /b 413 {body} whole"], _book.Lines);
    }

    [Fact]
    public void Head_requests_have_no_body()
    {
        Begin().Send(Request(1, EndHeaders | EndStream, ":method: HEAD", ":scheme: https", ":authority: x",
            ":path: /a/100"));
        Assert.Equal(["20 HEAD /a/100 200 0 whole"], _book.Lines);
    }

    [Fact]
    public void A_client_that_reads_nothing_makes_us_keep_few_requests()
    {
        Http2Peer peer = Begin();
        peer.Wire.Window = 0;
        peer.Send([.. Enumerable.Range(0, 1_000).Select(number => Get(1 + (2 * number), "/empty"))]);
        Assert.True(peer.Wire.Conversation.IsPaused);
        peer.Wire.Window = long.MaxValue;
        peer.Wire.Turn();
        Assert.Equal(1_000, _book.Lines.Count);
    }

    private Http2Peer Begin() => new(_answerer, listener: _book);
}
