using MicroCdn.Http;
using MicroCdn.Http.Http2;
using MicroCdn.Network;
using static MicroCdn.Tests.Http.Http2.Http2Peer;

namespace MicroCdn.Tests.Http.Http2;

/// <summary>Connections that only make work are cut; streams and clients that take nothing do not stay.</summary>
public sealed class Http2LimitsTests
{
    private const int Large = 1_000_000;
    private readonly Bodies _handler = new();

    /// <summary>What is flooded with, by the number of the round.</summary>
    public static TheoryData<string> Floods =>
    [
        "PING", "acknowledged PING", "SETTINGS", "acknowledged SETTINGS", "PRIORITY", "GOAWAY", "unknown frames",
        "rapid reset", "CONTINUATION", "empty CONTINUATION", "windows of no use", "crumbs for streams", "empty DATA",
        "DATA for a closed stream", "WINDOW_UPDATE of 0 for streams", "windows beyond all bounds", "malformed requests",
        "refused requests", "streams beyond 100", "RST_STREAM again and again", "settings in large frames",
    ];

    [Theory]
    [MemberData(nameof(Floods))]
    public void A_flood_is_cut_before_it_costs_anything(string flood)
    {
        Http2Peer peer = new(_handler);
        peer.Send(Setting(4, 1), Get(1, "/large"), Request(3, EndHeaders, ":method: POST", ":scheme: https",
            ":authority: x", ":path: /"));
        bool isBlock = flood.EndsWith("CONTINUATION", StringComparison.Ordinal);
        if (isBlock) peer.Send(Request(5, EndStream, ":method: GET"));
        int stream = isBlock ? 5 : 3;
        int rounds = 0;
        for (; peer.Farewell is null && rounds < 10_000; rounds++) peer.Send(Flood(flood, stream += 2));
        Assert.Equal(Fault.EnhanceYourCalm, peer.Farewell);
        Assert.InRange(rounds, 1, 2_000);
        Assert.True(peer.Wire.Conversation.IsOver);
        Assert.InRange(peer.Wire.SentLength, 0, 200_000);
    }

    [Fact]
    public void Thousands_of_honest_requests_and_windows_are_no_flood()
    {
        Http2Peer peer = new(_handler);
        for (int stream = 1; stream < 10_000; stream += 2)
        {
            peer.Send(Get(stream, "/small"), Update(0, 4096), Update(stream, 4096));
        }
        Assert.Equal(5_000, peer.Ended.Count);
    }

    [Fact]
    public void A_stream_whose_window_never_opens_is_shed_after_30_s_and_the_others_go_on()
    {
        Http2Peer peer = new Http2Peer(_handler).Send(Setting(4, 2000), Get(1, "/large")).Pass(29_999);
        Assert.Empty(peer.Resets);
        peer.Pass(1);
        Assert.Equal(Fault.EnhanceYourCalm, peer.Resets[1]);
        Assert.True(_handler.IsReleased);
        Assert.Equal([3], peer.Send(Get(3, "/small")).Ended);
    }

    [Fact]
    public void A_stream_that_takes_1_KiB_a_second_is_not_shed()
    {
        Http2Peer peer = new Http2Peer(_handler).Send(Setting(4, 30 * 1024), Get(1, "/large"));
        for (int times = 0; times < 3; times++) peer.Pass(30_000).Send(Update(1, 30 * 1024), Update(0, 30 * 1024));
        Assert.Empty(peer.Resets);
        Assert.Equal((long)4 * 30 * 1024, peer.Bodies[1].Count);
        peer.Pass(30_000).Pass(30_000);
        Assert.Equal(Fault.EnhanceYourCalm, peer.Resets[1]);
    }

    [Fact]
    public void Who_gives_its_streams_no_window_at_all_is_cut_after_4_s()
    {
        Http2Peer peer = new Http2Peer(_handler).Send(Setting(4, 0), Get(1, "/large")).Pass(3_999);
        Assert.Null(peer.Farewell);
        Assert.Equal(Fault.EnhanceYourCalm, peer.Pass(1).Farewell);
    }

    [Fact]
    public void A_reader_that_takes_nothing_off_the_wire_is_cut_after_30_s()
    {
        Http2Peer peer = new(_handler);
        peer.Wire.Window = 0;
        peer.Send(Get(1, "/large")).Pass(29_999);
        Assert.False(peer.Wire.Conversation.IsOver);
        peer.Pass(1);
        Assert.True(peer.Wire.Conversation.Answer.Broken);
        peer.Wire.Conversation.End();
        Assert.True(_handler.IsReleased);
    }

    [Theory]
    [InlineData("", 10_000)]
    [InlineData("PRI * HTTP/2.0\r\n", 10_000)]
    public void Who_does_not_begin_is_cut_after_10_s(string begin, int after)
    {
        Http2Peer peer = new Http2Peer(_handler, greets: false).Send(System.Text.Encoding.ASCII.GetBytes(begin));
        Assert.Null(peer.Pass(after - 1).Farewell);
        Assert.NotNull(peer.Pass(1).Farewell);
    }

    [Fact]
    public void Who_sends_no_settings_is_cut_after_10_s()
    {
        Http2Peer peer = new Http2Peer(_handler, greets: false).Send(Preface).Pass(9_999);
        Assert.Null(peer.Farewell);
        Assert.NotNull(peer.Pass(1).Farewell);
    }

    [Fact]
    public void A_header_block_that_never_ends_is_cut_after_10_s()
    {
        Http2Peer peer = new Http2Peer(_handler).Send(Request(1, EndStream, ":method: GET"));
        for (int seconds = 1; seconds < 10; seconds++)
        {
            Assert.Null(peer.Pass(1_000).Send(Frame(FrameType.Continuation, 0, 1, Block("a: b"))).Farewell);
        }
        Assert.NotNull(peer.Pass(1_000).Farewell);
    }

    [Fact]
    public void An_idle_connection_ends_in_order_after_60_s_and_PING_buys_no_time()
    {
        Http2Peer peer = new Http2Peer(_handler).Send(Get(1, "/small")).Pass(59_000);
        peer.Send(Frame(FrameType.Ping, 0, 0, new byte[8]));
        Assert.Null(peer.Pass(999).Farewell);
        Assert.Equal(Fault.None, peer.Pass(1).Farewell);
        Assert.True(peer.Wire.Conversation.IsOver);
    }

    [Fact]
    public void A_client_that_still_reads_its_answer_is_not_idle()
    {
        Http2Peer peer = new(_handler);
        peer.Wire.Conversation.Handed(10_000, peer.Wire.Now);
        peer.Send(Get(1, "/small")).Pass(59_000).Wire.Conversation.Unacknowledged(5_000, peer.Wire.Now);
        Assert.Null(peer.Pass(59_999).Farewell);
        Assert.Equal(Fault.None, peer.Pass(1).Farewell);
    }

    [Fact]
    public void Streams_that_share_a_connections_window_are_not_blamed_for_each_other()
    {
        Http2Peer peer = new Http2Peer(_handler).Send(
            Setting(4, Large), Get(1, "/large"), Get(3, "/large"), Get(5, "/large"));
        for (int times = 0; times < 4; times++) peer.Send(Update(0, 45 * 1024)).Pass(30_000);
        Assert.Empty(peer.Resets);
        peer.Pass(30_000);
        Assert.Equal(3, peer.Resets.Count);
    }

    [Fact]
    public void Requests_given_up_while_their_answers_are_made_are_honest_once_and_then_a_flood()
    {
        Http2Peer peer = new(_handler);
        int stream = 1;
        for (; stream < 200; stream += 2) peer.Send(Get(stream, "/later"), Reset(stream));
        Assert.Null(peer.Farewell);
        for (; stream < 400; stream += 2) peer.Send(Get(stream, "/later"), Reset(stream));
        Assert.Equal(Fault.EnhanceYourCalm, peer.Farewell);
    }

    [Fact]
    public void A_client_that_says_farewell_gets_what_it_asked_for()
    {
        Http2Peer peer = new Http2Peer(_handler).Send(Get(1, "/large"), Frame(FrameType.GoAway, 0, 0, new byte[8]));
        Assert.False(peer.Wire.Conversation.IsOver);
        peer.Send(Update(0, Large), Update(1, Large));
        Assert.Equal([1], peer.Ended);
        Assert.True(peer.Wire.Conversation.IsOver);
    }

    [Fact]
    public void A_header_list_is_refused_when_it_is_too_long_and_what_it_said_is_remembered()
    {
        // One entry of the table, named again and again: 4 KiB for each byte.
        byte[] bomb = [.. Block(":method: GET", ":scheme: https", ":authority: x", ":path: /"),
            0x40, 1, (byte)'a', 127, 0xA1, 0x1E, .. new byte[4_000].Select(_ => (byte)'a'),
            .. new byte[10_000].Select(_ => (byte)0xBE)];
        Http2Peer peer = new Http2Peer(_handler).Send(Frame(FrameType.Headers, EndStream | EndHeaders, 1, bomb));
        Assert.StartsWith(":status: 431|", peer.Heads[1], StringComparison.Ordinal);
        byte[] again = [.. Block(":method: GET", ":scheme: https", ":authority: x", ":path: /small"), 0xBE];
        peer.Send(Frame(FrameType.Headers, EndStream | EndHeaders, 3, again));
        Assert.Equal([1, 3], peer.Ended);
        Assert.StartsWith(":status: 200|", peer.Heads[3], StringComparison.Ordinal);
    }

    [Fact]
    public void An_address_with_too_many_connections_is_told_to_be_calm()
    {
        Http2Peer peer = new(_handler);
        IPeer stranger = Support.Peer.From("192.0.2.1", "192.0.2.2");
        for (int number = 0; number < HttpLimits.ConnectionsPerAddress; number++)
        {
            Assert.False(new Support.Wire(peer.Service.Http2, stranger).Conversation.WasRefused);
        }
        Assert.True(new Support.Wire(peer.Service.Http2, stranger).Conversation.WasRefused);
    }

    private static byte[] Flood(string name, int stream) => name switch
    {
        "PING" => Frame(FrameType.Ping, 0, 0, new byte[8]),
        "acknowledged PING" => Frame(FrameType.Ping, 1, 0, new byte[8]),
        "SETTINGS" => Frame(FrameType.Settings, 0, 0),
        "acknowledged SETTINGS" => Frame(FrameType.Settings, 1, 0),
        "settings in large frames" => Frame(FrameType.Settings, 0, 0, new byte[16_380]),
        "PRIORITY" => Frame(FrameType.Priority, 0, stream, 0, 0, 0, 0, 1),
        "GOAWAY" => Frame(FrameType.GoAway, 0, 0, new byte[8]),
        "rapid reset" => [.. Get(stream, "/large"), .. Reset(stream)],
        "CONTINUATION" => Frame(FrameType.Continuation, 0, 5, 0, 1, (byte)'a', 1, (byte)'b'),
        "empty CONTINUATION" => Frame(FrameType.Continuation, 0, 5),
        "windows of no use" => Update(0, 1),
        "crumbs for streams" => Update(1, 1),
        "empty DATA" => Frame(FrameType.Data, 0, 3),
        "DATA for a closed stream" => Frame(FrameType.Data, 0, 1, 1),
        "WINDOW_UPDATE of 0 for streams" => [.. Get(stream, "/large"), .. Update(stream, 0)],
        "windows beyond all bounds" => [.. Get(stream, "/large"), .. Update(stream, int.MaxValue)],
        "malformed requests" => Request(stream, EndStream | EndHeaders, ":method: GET"),
        "refused requests" => Get(stream, "/#"),
        "streams beyond 100" => Get(stream, "/large"),
        "RST_STREAM again and again" => Reset(1),
        _ => Frame((FrameType)0x42, 0, 0),
    };

    private sealed class Bodies : IHttpHandler
    {
        public bool IsReleased { get; private set; }

        public void Handle(in Request request, Response response, IPeer peer)
        {
            if (request.Path.SequenceEqual("/later"u8))
            {
                response.Later();
                return;
            }
            response.Begin(HttpStatus.Ok);
            if (request.Path.SequenceEqual("/large"u8)) response.EndWithPieces(new Zeros(this), Large);
            else response.End("small"u8);
        }

        private sealed class Zeros(Bodies bodies) : ILineSource, IDisposable
        {
            private int _left = Large;

            public bool Write(Answer answer)
            {
                int length = Math.Min(_left, 10_000);
                answer.Write(new byte[length]);
                return (_left -= length) > 0;
            }

            public void Dispose() => bodies.IsReleased = true;
        }
    }
}
