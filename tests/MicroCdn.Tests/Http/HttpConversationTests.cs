using System.Text;
using System.Text.RegularExpressions;
using MicroCdn.Http;
using MicroCdn.Network;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Http;

// RFC 9112: persistent connections, pipelining, and the deadlines of issue 3.
public sealed partial class HttpConversationTests
{
    private readonly LogBook _log = new();

    [Fact]
    public void Requests_are_answered_in_order_however_they_are_cut()
    {
        byte[] requests = Encoding.UTF8.GetBytes(Get("/a") + Get("/bb") + Get("/ccc"));
        string whole = Plain(new Wire(Service()).Receive(requests).Sent);
        Assert.Equal(3, whole.Split("HTTP/1.1 200 OK").Length - 1);
        Assert.Matches("(?s)\r\n\r\n/aHTTP.*\r\n\r\n/bbHTTP.*\r\n\r\n/ccc$", whole);
        for (int cut = 1; cut < requests.Length; cut++)
        {
            Wire wire = new Wire(Service()).Receive(requests.AsSpan(0, cut)).Receive(requests.AsSpan(cut));
            Assert.Equal(whole, Plain(wire.Sent));
            Assert.False(wire.Conversation.IsOver);
        }
    }

    [Fact]
    public void A_head_request_gets_the_same_head_and_no_body()
    {
        string get = Plain(new Wire(Service()).Receive(Get("/abc")).Sent);
        string request = Get("/abc").Replace("GET", "HEAD", StringComparison.Ordinal);
        string head = Plain(new Wire(Service()).Receive(request).Sent);
        Assert.Equal(get[..^4], head);
        Assert.Contains("Content-Length: 4\r\n", head, StringComparison.Ordinal);
    }

    [Fact]
    public void A_refused_request_ends_the_connection_and_nothing_behind_it_is_answered()
    {
        Wire wire = new Wire(Service()).Receive(Get("/a") + "GET / HTTP/1.1\nHost: x\n\n" + Get("/b"));
        Assert.Contains("HTTP/1.1 400 Bad Request", wire.Sent, StringComparison.Ordinal);
        Assert.Contains("Connection: close", wire.Sent, StringComparison.Ordinal);
        Assert.DoesNotContain("/b", wire.Sent, StringComparison.Ordinal);
        Assert.True(wire.Conversation.IsOver);
        Assert.True(wire.Conversation.WasRefused);
    }

    [Fact]
    public void A_client_that_asks_to_close_is_closed_after_its_answer()
    {
        Wire wire = new Wire(Service()).Receive("GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" + Get("/b"));
        Assert.EndsWith("\r\n\r\n/a", wire.Sent, StringComparison.Ordinal);
        Assert.True(wire.Conversation.IsOver);
    }

    [Fact]
    public void A_head_that_drips_in_is_refused_after_10_s()
    {
        Wire wire = new(Service());
        wire.Receive("GET / HT");
        wire.Now += 9_999;
        Assert.False(wire.Conversation.Expire(wire.Now));
        wire.Receive("TP/1.1\r\nHost");
        wire.Now += 1;
        Assert.True(wire.Conversation.Expire(wire.Now));
        Assert.StartsWith("HTTP/1.1 408 ", wire.Turn().Sent, StringComparison.Ordinal);
        Assert.True(wire.Conversation.IsOver);
    }

    [Theory]
    [InlineData(10_000, false)]
    [InlineData(60_000, true)]
    public void A_connection_is_closed_without_a_word_when_it_is_idle(int after, bool spoke)
    {
        Wire wire = new(Service());
        if (spoke) wire.Receive(Get("/a"));
        wire.Take();
        wire.Now += after - 1;
        Assert.False(wire.Conversation.Expire(wire.Now));
        wire.Now += 1;
        Assert.True(wire.Conversation.Expire(wire.Now));
        Assert.Equal("", wire.Turn().Take());
        Assert.True(wire.Conversation.IsOver);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(30 * 1024 - 1, true)]
    [InlineData(30 * 1024, false)]
    public void A_reader_below_1_KiB_a_second_over_30_s_is_cut_off(int taken, bool cut)
    {
        Wire wire = new(Service()) { Window = 0 };
        wire.Receive(Get("/large"));
        Assert.True(wire.Conversation.Answer.IsPending);
        wire.Window = taken;
        wire.Turn();
        wire.Now += 29_999;
        Assert.False(wire.Conversation.Expire(wire.Now));
        wire.Now += 1;
        Assert.True(wire.Conversation.Expire(wire.Now));
        Assert.Equal(cut, wire.Conversation.Answer.Broken);
    }

    [Theory]
    [InlineData(35_000, true)]
    [InlineData(35_000 - (30 * 1024) + 1, true)]
    [InlineData(35_000 - (30 * 1024), false)]
    public void What_the_kernel_took_counts_once_the_reader_acknowledged_it(int unacknowledged, bool cut)
    {
        Wire wire = new(Service()) { Window = 0 };
        wire.Receive(Get("/large"));
        wire.Conversation.Handed(35_000, wire.Now);
        wire.Now += 30_000;
        wire.Conversation.Unacknowledged(unacknowledged, wire.Now);
        Assert.True(wire.Conversation.Expire(wire.Now));
        Assert.Equal(cut, wire.Conversation.Answer.Broken);
    }

    [Fact]
    public void A_response_may_be_given_later_and_holds_back_the_next_request()
    {
        Wire wire = new(Service(postpone: true, out Action give));
        wire.Receive(Get("/later") + Get("/next"));
        Assert.Equal("", wire.Sent);
        give();
        Assert.Equal(1, wire.Completions);
        Assert.EndsWith("\r\n\r\n/later", wire.Turn().Sent, StringComparison.Ordinal);
        give();
        Assert.EndsWith("\r\n\r\n/next", wire.Turn().Sent, StringComparison.Ordinal);
    }

    [Fact]
    public void Half_a_request_that_was_not_read_on_has_10_s_from_when_it_could_be()
    {
        Wire wire = new(Service(postpone: true, out Action give));
        wire.Receive(Get("/later") + "GET /ne");
        wire.Now += 60_000;
        Assert.False(wire.Conversation.Expire(wire.Now));
        give();
        wire.Turn();
        wire.Now += 9_999;
        Assert.False(wire.Conversation.Expire(wire.Now));
        wire.Now += 1;
        Assert.True(wire.Conversation.Expire(wire.Now));
        Assert.Contains("HTTP/1.1 408 ", wire.Turn().Sent, StringComparison.Ordinal);
    }

    [Fact]
    public void Requests_that_wait_for_the_reader_are_not_late()
    {
        Wire wire = new(Service()) { Window = 0 };
        wire.Receive(string.Concat(Enumerable.Repeat(Get("/a"), 2_000)));
        // As TLS does: encrypted, it has left the answer, be it that the socket is full.
        wire.Answer.TextSent(wire.Answer.UnsentBytes);
        wire.Now += 10_000;
        Assert.False(wire.Conversation.Expire(wire.Now));
        wire.Window = long.MaxValue;
        Assert.DoesNotContain(" 408 ", wire.Turn().Sent, StringComparison.Ordinal);
    }

    [Fact]
    public void Addresses_of_one_IPv6_network_of_64_bits_count_as_one()
    {
        HttpService service = Service();
        for (int number = 0; number < HttpLimits.ConnectionsPerAddress; number++)
        {
            Assert.Equal("", new Wire(service, Peer.From($"2001:db8::{number:x}", "::1")).Turn().Sent);
        }
        Wire oneTooMany = new(service, Peer.From("2001:db8::ffff:1", "::1"));
        Assert.StartsWith("HTTP/1.1 503 ", oneTooMany.Turn().Sent, StringComparison.Ordinal);
        Assert.Equal("", new Wire(service, Peer.From("2001:db8:0:1::1", "::1")).Turn().Sent);
    }

    [Fact]
    public void A_reader_is_judged_from_when_a_postponed_response_was_given()
    {
        Wire wire = new(Service(postpone: true, out Action give)) { Window = 0 };
        wire.Receive(Get("/large"));
        wire.Now += 60_000;
        Assert.False(wire.Conversation.Expire(wire.Now));
        give();
        wire.Turn();
        wire.Now += 29_999;
        Assert.False(wire.Conversation.Expire(wire.Now));
        wire.Now += 1;
        Assert.True(wire.Conversation.Expire(wire.Now));
        Assert.True(wire.Conversation.Answer.Broken);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_reader_that_took_all_there_was_is_not_blamed_for_a_slow_source(bool reads)
    {
        Wire wire = new(Service()) { Window = 0 };
        wire.Receive(Get("/slow"));
        if (reads) wire.Window = long.MaxValue;
        wire.Turn();
        wire.Now += 30_000;
        Assert.True(wire.Conversation.Expire(wire.Now));
        Assert.Equal(!reads, wire.Conversation.Answer.Broken);
    }

    [Fact]
    public void An_address_with_too_many_connections_gets_503()
    {
        HttpService service = Service();
        Peer stranger = Peer.From("192.0.2.1", "192.0.2.2");
        List<Wire> wires =
            [.. Enumerable.Range(0, HttpLimits.ConnectionsPerAddress).Select(_ => new Wire(service, stranger))];
        Wire oneTooMany = new(service, stranger);
        Assert.StartsWith("HTTP/1.1 503 ", oneTooMany.Turn().Sent, StringComparison.Ordinal);
        oneTooMany.Conversation.End();
        Assert.Contains("200 OK", new Wire(service).Receive(Get("/a")).Sent, StringComparison.Ordinal);
        wires[0].Conversation.End();
        Assert.Contains("200 OK", new Wire(service, stranger).Receive(Get("/a")).Sent, StringComparison.Ordinal);
    }

    private static string Get(string path) => $"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n";

    private static string Plain(string sent) => Date().Replace(sent, "");

    private HttpService Service() => Service(postpone: false, out _);

    private HttpService Service(bool postpone, out Action give)
    {
        PathHandler handler = new(postpone);
        give = () => handler.Give();
        FakeTimeProvider time = new();
        return new HttpService(handler, new TrustedNetworks([]), new Complaints(_log, time), time);
    }

    [GeneratedRegex("Date: [^\r]*\r\n")]
    private static partial Regex Date();

    // A body of which no byte ever comes.
    private sealed class Nothing : ILineSource
    {
        public bool Write(Answer answer) => true;
    }

    // Answers each request with its own path.
    private sealed class PathHandler(bool postpone) : IHttpHandler
    {
        public Action Give { get; private set; } = () => { };

        public void Handle(in Request request, Response response, IPeer peer)
        {
            byte[] path = request.Path.ToArray();
            if (!postpone)
            {
                Answer(response, path);
                return;
            }
            response.Later();
            Give = () => response.Give(later => Answer(later, path));
        }

        private static void Answer(Response response, byte[] path)
        {
            response.Begin(HttpStatus.Ok);
            if (path.AsSpan().SequenceEqual("/slow"u8)) response.EndWithPieces(new Nothing(), 10);
            else response.End(path.AsSpan().SequenceEqual("/large"u8) ? new byte[40_000] : path);
        }
    }
}
