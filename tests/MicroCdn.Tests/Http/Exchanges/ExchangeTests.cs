using System.Net;
using MicroCdn.Http;
using MicroCdn.Http.Exchanges;
using MicroCdn.Network;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Http.Exchanges;

// What is told of requests over HTTP/1.1 once their answers have left.
public sealed class ExchangeTests
{
    private readonly ExchangeBook _book = new();
    private readonly Answerer _answerer = new();
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void A_request_is_told_with_what_it_asked_and_how_it_was_answered()
    {
        Begin().Receive("GET /a/5?q=%22 HTTP/1.1\r\nHost: x:81\r\nReferer: http://r/\r\nUser-Agent: curl/8 (x)\r\n\r\n"
            + "HEAD /a/7 HTTP/1.0\r\nConnection: keep-alive\r\n\r\nDELETE /a HTTP/1.1\r\nHost: y\r\n\r\n");
        Assert.Equal("11 GET /a/5?q=%22 200 5 whole", _book.Lines[0]);
        Assert.Equal("10 HEAD /a/7 200 0 whole", _book.Lines[1]);
        Assert.StartsWith("11 DELETE /a 405 ", _book.Lines[2], StringComparison.Ordinal);
        Assert.Equal(["127.0.0.1 x:81 http://r/ curl/8 (x) -", "127.0.0.1    -", "127.0.0.1 y   -"], _book.About);
    }

    [Fact]
    public void Pipelined_requests_are_told_one_after_another_each_when_its_last_byte_left()
    {
        Wire wire = Begin(window: 0).Receive(Get("/a/100") + Get("/a/200") + Get("/empty"));
        Assert.Empty(_book.Lines);
        string first = $"HTTP/1.1 200 OK\r\nServer: microcdn\r\nDate: {new string('x', 29)}\r\n"
            + "Content-Length: 100\r\n\r\n";
        wire.Window = first.Length + 99;
        wire.Turn();
        Assert.Empty(_book.Lines);
        wire.Window = 1;
        wire.Turn();
        Assert.Equal(["11 GET /a/100 200 100 whole"], _book.Lines);
        wire.Window = first.Length + 150;
        wire.Turn();
        Assert.Single(_book.Lines);
        wire.Conversation.End();
        Assert.Equal(["11 GET /a/200 200 150 cut", "11 GET /empty 304 0 cut"], _book.Lines[1..]);
    }

    [Fact]
    public void The_time_runs_from_the_head_until_the_last_byte_left()
    {
        Wire wire = Begin(window: 100).Receive("GET /a/400 HTTP/1.1\r\nHost");
        _time.Advance(TimeSpan.FromMilliseconds(3));
        wire.Receive(": x\r\n\r\n");
        _time.Advance(TimeSpan.FromMilliseconds(5));
        wire.Window = long.MaxValue;
        wire.Turn();
        Assert.Equal([5.0], _book.Milliseconds);
    }

    [Fact]
    public void A_postponed_answer_is_told_when_it_was_given_and_left()
    {
        Wire wire = Begin().Receive(Get("/later") + Get("/a/1"));
        _time.Advance(TimeSpan.FromMilliseconds(7));
        Assert.Empty(_book.Lines);
        _answerer.Give(9);
        wire.Turn();
        Assert.Equal(["11 GET /later 404 9 whole", "11 GET /a/1 200 1 whole"], _book.Lines);
        Assert.Equal([7.0, 0.0], _book.Milliseconds);
    }

    [Fact]
    public void Of_a_client_that_left_before_its_answer_no_status_is_told()
    {
        Begin().Receive(Get("/later")).Conversation.End();
        Assert.Equal(["11 GET /later 0 0 cut"], _book.Lines);
    }

    [Theory]
    [InlineData("/memory/200000", 200_000)]
    [InlineData("/memory/10", 10)]
    [InlineData("/memory/0", 0)]
    public void A_long_body_from_memory_is_told_once_all_of_it_left(string path, int length)
    {
        Wire wire = Begin(window: 50_000).Receive(Get(path) + Get("/a/1"));
        wire.Window = long.MaxValue;
        wire.Turn();
        Assert.Equal([$"11 GET {path} 200 {length} whole", "11 GET /a/1 200 1 whole"], _book.Lines);
    }

    [Fact]
    public void A_body_that_comes_piece_by_piece_is_told_when_it_ends()
    {
        Wire wire = Begin().Receive(Get("/drip/6"));
        _answerer.Drip.Add("abc");
        wire.Turn();
        Assert.Empty(_book.Lines);
        _answerer.Drip.Add("def");
        wire.Turn();
        Assert.Empty(_book.Lines);
        // The source says that it is over after its last byte has left.
        _answerer.Drip.End();
        wire.Turn();
        Assert.Equal(["11 GET /drip/6 200 6 whole"], _book.Lines);
    }

    [Fact]
    public void A_body_whose_source_fails_is_told_as_cut()
    {
        Wire wire = Begin().Receive(Get("/drip/600"));
        _answerer.Drip.Add("abc");
        wire.Turn();
        _answerer.Drip.IsCut = true;
        wire.Turn();
        Assert.True(wire.Answer.Broken);
        Assert.Equal(["11 GET /drip/600 200 3 cut"], _book.Lines);
    }

    [Fact]
    public void The_sizes_of_chunks_count_with_the_body()
    {
        Wire wire = Begin();
        _answerer.Drip.Add("abc");
        _answerer.Drip.End();
        wire.Receive(Get("/stream"));
        int head = wire.Sent.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4;
        Assert.Equal([$"11 GET /stream 200 {wire.SentLength - head} whole"], _book.Lines);
    }

    [Fact]
    public void A_reader_that_is_cut_off_is_told_with_what_it_was_sent()
    {
        Wire wire = Begin(window: 20_000).Receive(Get("/memory/500000"));
        wire.Now += 30_000;
        Assert.True(wire.Conversation.Expire(wire.Now));
        int head = wire.Sent.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4;
        Assert.Equal([$"11 GET /memory/500000 200 {20_000 - head} cut"], _book.Lines);
    }

    [Fact]
    public void A_request_with_a_body_that_nobody_wants_is_told_and_a_head_that_cannot_be_read_is_not()
    {
        Begin().Receive(Get("/a/1") + "GET /b HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody");
        int body = Refusal.Body.Reason.Length + 1;
        Assert.Equal(["11 GET /a/1 200 1 whole", $"11 GET /b 413 {body} whole"], _book.Lines);
        Begin(window: 10).Receive(Get("/a/1") + "GET /b HTTP/1.1\nHost: x\n\n").Conversation.End();
        Assert.Equal(["11 GET /a/1 200 0 cut"], _book.Lines[2..]);
    }

    [Fact]
    public void What_is_long_is_told_by_its_beginning()
    {
        string path = "/" + new string('p', 5_000), agent = new('a', 5_000);
        Begin().Receive($"GET {path} HTTP/1.1\r\nHost: x\r\nUser-Agent: {agent}\r\n\r\n");
        Assert.Equal($"11 GET {path[..Exchange.TargetBytes]} 200 0 whole", Assert.Single(_book.Lines));
        Assert.Equal($"127.0.0.1 x  {agent[..Exchange.UserAgentBytes]} -", Assert.Single(_book.About));
    }

    [Theory]
    [InlineData("127.0.0.1", "192.0.2.7")]
    [InlineData("198.51.100.1", "198.51.100.1")]
    public void Behind_a_proxy_that_is_believed_the_client_is_whom_it_tells(string peer, string told)
    {
        Wire wire = new(Service(), Peer.From(peer, "127.0.0.1"));
        wire.Receive("GET /a HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.9, 192.0.2.7\r\n\r\n");
        wire.Receive("GET /a HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.8\r\n\r\n").Receive(Get("/a"));
        string second = peer == told ? told : "192.0.2.8";
        Assert.Equal([$"{told} x   -", $"{second} x   -", $"{peer} x   -"], _book.About);
    }

    [Fact]
    public void A_client_that_reads_nothing_makes_us_keep_few_requests()
    {
        Wire wire = Begin(window: 0).Receive(string.Concat(Enumerable.Repeat(Get("/empty"), 1_000)));
        Assert.True(wire.Conversation.IsPaused);
        wire.Conversation.End();
        Assert.Equal(128, _book.Lines.Count);
    }

    [Fact]
    public void Requests_that_had_to_wait_for_a_reader_are_answered_when_it_reads()
    {
        Wire wire = Begin(window: 0).Receive(string.Concat(Enumerable.Repeat(Get("/empty"), 1_000)));
        wire.Window = long.MaxValue;
        wire.Turn();
        Assert.Equal(1_000, _book.Lines.Count);
        Assert.All(_book.Lines, line => Assert.Equal("11 GET /empty 304 0 whole", line));
    }

    [Fact]
    public void Nothing_is_allocated_for_a_request_once_a_few_were_told()
    {
        HttpService service = Service(new Count());
        Wire wire = new(service);
        byte[] request = System.Text.Encoding.ASCII.GetBytes(Get("/x"));
        for (int warm = 0; warm < 50; warm++) Round(wire, request);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int round = 0; round < 100; round++) Round(wire, request);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(150, ((Count)service.Listener!).Total);
    }

    private static void Round(Wire wire, byte[] request)
    {
        wire.Conversation.Receive(request, wire.Now);
        wire.Answer.TextSent(wire.Answer.UnsentBytes);
    }

    private static string Get(string path) => $"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n";

    private Wire Begin(long window = long.MaxValue) => new(Service()) { Window = window };

    private HttpService Service() => Service(_book, _answerer);

    private HttpService Service(Count count) => Service(count, new Fixed());

    private HttpService Service(IExchangeListener listener, IHttpHandler handler) =>
        new(handler, new TrustedNetworks([]), new Complaints(new LogBook(), _time), _time)
        {
            Listener = listener, Clients = new ClientAddresses([IPNetwork.Parse("127.0.0.1/32")]),
        };

    private sealed class Count : IExchangeListener
    {
        public int Total { get; private set; }

        public void Ended(Exchange exchange) => Total += exchange.Status == 200 ? 1 : 0;
    }

    private sealed class Fixed : IHttpHandler
    {
        public void Handle(in Request request, Response response, IPeer peer)
        {
            response.Begin(HttpStatus.Ok);
            response.End("body"u8);
        }
    }
}
