using MicroCdn.Http;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Http;

// Responses that are another server's: RFC 9110, section 7.6, and RFC 9112, sections 6 and 7.
public sealed class RelayedResponseTests
{
    private static readonly HeaderFields Fields = Taker.FieldsOf("Date: Sun, 06 Nov 1994 08:49:37 GMT",
        "server: theirs", "CONTENT-LENGTH: 7", "X-Old: caf\u00e9", "Connection: X-Hop", "Transfer-Encoding: chunked");

    [Fact]
    public void The_head_is_theirs_but_for_what_concerns_the_connection()
    {
        Wire wire = Tell(response =>
        {
            response.BeginRelayed(299, "Half \u00e9"u8, Fields);
            response.Field("Age"u8, 3);
            response.EndWithMemory("body"u8.ToArray());
        });
        Assert.Equal(
            "HTTP/1.1 299 Half \u00e9\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nserver: theirs\r\n"
            + "X-Old: caf\ufffd\r\n"
            + "Age: 3\r\nContent-Length: 4\r\n\r\nbody", wire.Sent);
        Assert.Contains((byte)0xE9, wire.SentBytes);
        Assert.False(wire.Conversation.IsOver);
    }

    [Fact]
    public void Our_date_stands_where_they_have_none_and_no_server_of_ours()
    {
        Wire wire = Tell(response =>
        {
            response.BeginRelayed(200, "OK"u8, HeaderFields.Empty);
            response.EndEmpty();
        });
        Assert.Matches("^HTTP/1.1 200 OK\r\nDate: [^\r]{29}\r\n\r\n$", wire.Sent);
    }

    [Theory]
    [InlineData("Access-Control-Allow-Origin: https://a.example", "https://a.example")]
    [InlineData("X: y", "*")]
    public void Pages_of_other_origins_may_read_it_as_they_say_or_else_as_we_do(string field, string allowed)
    {
        Wire wire = Tell(response =>
        {
            response.BeginRelayed(200, "OK"u8, Taker.FieldsOf(field));
            response.EndEmpty();
        }, crossOrigin: new CrossOrigin(["*"]));
        string[] lines = [.. wire.Sent.Split("\r\n").Where(line => line.StartsWith("Access-Control-Allow-Or"))];
        Assert.Equal([$"Access-Control-Allow-Origin: {allowed}"], lines);
    }

    [Theory]
    [InlineData(1_000)]
    [InlineData(17_000)]
    [InlineData(60_000)]
    public void A_head_of_up_to_64_KiB_is_passed_on_whole(int length)
    {
        string value = new('v', length);
        Wire wire = Tell(response =>
        {
            response.BeginRelayed(200, "OK"u8, Taker.FieldsOf("A: b", $"Long: {value}", "C: d"));
            response.EndWithMemory(new byte[16 * 1024]);
        });
        Assert.Contains($"A: b\r\nLong: {value}\r\nC: d\r\n", wire.Sent, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\n" + new string('\0', 16 * 1024), wire.Sent, StringComparison.Ordinal);
        wire.Receive(Get("/again"));
        Assert.Equal(2, wire.Sent.Split("A: b\r\n").Length - 1);
    }

    [Fact]
    public void A_head_of_HEAD_and_304_may_tell_the_length_of_what_they_stand_for()
    {
        Wire wire = Tell(response =>
        {
            response.BeginRelayed(304, "Not Modified"u8, HeaderFields.Empty);
            response.EndEmpty(1234);
        });
        Assert.EndsWith("Content-Length: 1234\r\n\r\n", wire.Sent, StringComparison.Ordinal);
        Assert.False(wire.Conversation.IsOver);
    }

    [Fact]
    public void A_body_of_unknown_length_comes_in_chunks_as_it_comes()
    {
        Drip drip = new();
        drip.Add("one");
        Wire wire = Stream(drip);
        Assert.EndsWith("Transfer-Encoding: chunked\r\n\r\n00000003\r\none\r\n", wire.Take(), StringComparison.Ordinal);
        drip.Add(new string('x', 16 * 1024));
        drip.Wake();
        Assert.Equal($"00004000\r\n{new string('x', 16 * 1024)}\r\n", wire.Turn().Take());
        drip.End();
        Assert.Equal("0\r\n\r\n", wire.Turn().Take());
        Assert.True(drip.IsDisposed);
        Assert.False(wire.Conversation.IsOver);
    }

    [Fact]
    public void Large_pieces_fit_with_what_stands_around_them()
    {
        Drip drip = new();
        for (int number = 0; number < 40; number++) drip.Add(new string('x', Answer.PieceBytes));
        drip.End();
        string sent = Stream(drip).Sent;
        Assert.Equal(40, sent.Split("00004000\r\n").Length - 1);
        Assert.EndsWith("\r\n0\r\n\r\n", sent, StringComparison.Ordinal);
    }

    [Fact]
    public void A_body_that_breaks_off_has_no_last_chunk()
    {
        Drip drip = new();
        drip.Add("one");
        Wire wire = Stream(drip);
        drip.IsCut = true;
        wire.Turn();
        Assert.EndsWith("one\r\n", wire.Sent, StringComparison.Ordinal);
        Assert.True(wire.Answer.Broken);
        Assert.True(wire.Conversation.IsOver);
        Assert.True(drip.IsDisposed);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Connection: keep-alive\r\n")]
    public void An_old_client_sees_the_end_in_that_of_the_connection(string field)
    {
        Drip drip = new();
        drip.Add("one");
        drip.End();
        Wire wire = Stream(drip, $"GET / HTTP/1.0\r\n{field}\r\n");
        Assert.EndsWith("Connection: close\r\n\r\none", wire.Sent, StringComparison.Ordinal);
        Assert.True(wire.Conversation.IsOver);
        Assert.True(wire.Answer.EndsWithConnection);
    }

    [Fact]
    public void HEAD_has_no_body_and_its_source_is_given_back()
    {
        Drip drip = new();
        Wire wire = Stream(drip, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
        Assert.EndsWith("\r\n\r\n", wire.Sent, StringComparison.Ordinal);
        Assert.DoesNotContain("chunked", wire.Sent, StringComparison.Ordinal);
        Assert.True(drip.IsDisposed);
        Assert.False(wire.Conversation.IsOver);
    }

    [Fact]
    public void HEAD_gives_the_source_of_a_known_length_back_too()
    {
        Drip drip = new();
        Wire wire = Tell(response =>
        {
            response.BeginRelayed(200, "OK"u8, HeaderFields.Empty);
            response.EndWithPieces(drip, 7);
        }, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
        Assert.EndsWith("Content-Length: 7\r\n\r\n", wire.Sent, StringComparison.Ordinal);
        Assert.True(drip.IsDisposed);
    }

    [Fact]
    public void A_file_behind_text_of_a_source_is_one_chunk()
    {
        MixedSource source = new();
        Wire wire = Tell(response =>
        {
            response.BeginRelayed(200, "OK"u8, HeaderFields.Empty);
            response.EndWithStream(source);
        });
        Assert.EndsWith($"\r\n\r\n00009c44\r\ntext{new string('f', 40_000)}\r\n00000003\r\nend\r\n0\r\n\r\n", wire.Sent,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Interim_responses_come_before_the_final_one_in_their_order()
    {
        Taker taker = new();
        Wire wire = Begin(taker).Receive(Get("/"));
        taker.Inform(103, "Link: </a>", "Connection: x");
        taker.Inform(103, "Link: </b>");
        Assert.Equal("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </b>\r\n\r\n",
            wire.Turn().Take());
        taker.Inform(103, "Link: </c>");
        taker.Give("body");
        Assert.Matches("^HTTP/1.1 103 Early Hints\r\nLink: </c>\r\n\r\nHTTP/1.1 200 OK\r\n", wire.Turn().Take());
    }

    [Theory]
    [InlineData("GET / HTTP/1.0\r\n\r\n", 103)]
    [InlineData("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 101)]
    [InlineData("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 100)]
    public void What_concerns_only_us_or_what_an_old_client_does_not_know_is_not_told(string head, int status)
    {
        Taker taker = new();
        Wire wire = Begin(taker).Receive(head);
        taker.Inform(status);
        Assert.Equal("", wire.Turn().Sent);
    }

    [Fact]
    public void Hints_for_a_client_that_does_not_read_take_no_memory()
    {
        Taker taker = new();
        Wire wire = Begin(taker);
        wire.Window = 0;
        wire.Receive(Get("/"));
        for (int number = 0; number < 1_000; number++)
        {
            taker.Inform(103, "Link: " + new string('a', 8_000));
            wire.Turn();
        }
        Assert.InRange(wire.Answer.UnsentBytes, 8_000, 32 * 1024);
        taker.Give("body");
        wire.Window = long.MaxValue;
        Assert.EndsWith("body", wire.Turn().Sent, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(16 * 1024, true)]
    [InlineData(1024 * 1024, false)]
    public void A_body_in_memory_leaves_with_its_head_when_there_is_room(int length, bool isOne)
    {
        Owner memory = new();
        Wire wire = Begin(new Taker(response =>
        {
            response.BeginRelayed(200, "OK"u8, HeaderFields.Empty);
            response.EndWithMemory(new byte[length], memory);
        }));
        wire.Window = 0;
        wire.Receive(Get("/"));
        Assert.Equal(isOne, memory.IsDisposed);
        if (isOne) Assert.InRange(wire.Answer.UnsentBytes, length, length + 200);
        wire.Window = long.MaxValue;
        wire.Turn();
        Assert.InRange(wire.SentLength, length, length + 200);
        Assert.True(memory.IsDisposed);
    }

    private static string Get(string path) => $"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n";

    private static Wire Stream(Drip drip, string? head = null) => Tell(response =>
    {
        response.BeginRelayed(200, "OK"u8, HeaderFields.Empty);
        response.EndWithStream(drip);
    }, head);

    private static Wire Tell(Action<Response> write, string? head = null, CrossOrigin? crossOrigin = null) =>
        Begin(new Taker(write), crossOrigin).Receive(head ?? Get("/"));

    private static Wire Begin(Taker taker, CrossOrigin? crossOrigin = null)
    {
        FakeTimeProvider time = new();
        return new Wire(new HttpService(taker, new TrustedNetworks([]), new Complaints(new LogBook(), time), time)
        {
            CrossOrigin = crossOrigin ?? CrossOrigin.None,
        });
    }

    private sealed class Owner : IDisposable
    {
        public bool IsDisposed { get; private set; }

        public void Dispose() => IsDisposed = true;
    }

    // Text, a file behind it, and text again.
    private sealed class MixedSource : ILineSource
    {
        private int _turn;

        public bool Write(Answer answer)
        {
            if (_turn++ == 0) Assert.True(answer.SendFile("text"u8, new Letters(), 0, 40_000));
            else answer.Write("end"u8);
            return _turn < 2;
        }
    }

    private sealed class Letters : IFileSource
    {
        public Microsoft.Win32.SafeHandles.SafeFileHandle Handle => new(-1, ownsHandle: false);

        public int Read(Span<byte> buffer, long offset)
        {
            buffer.Fill((byte)'f');
            return buffer.Length;
        }

        public bool Unchanged() => true;

        public void Release()
        {
        }
    }
}
