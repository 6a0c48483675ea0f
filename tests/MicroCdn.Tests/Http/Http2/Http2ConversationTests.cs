using System.Text;
using MicroCdn.Http;
using MicroCdn.Http.Http2;
using MicroCdn.Network;
using static MicroCdn.Tests.Http.Http2.Http2Peer;

namespace MicroCdn.Tests.Http.Http2;

/// <summary>Requests and answers over HTTP/2 (RFC 9113), several at a time.</summary>
public sealed class Http2ConversationTests
{
    private readonly PathHandler _handler = new();

    [Fact]
    public void A_request_gets_its_answer_with_the_fields_of_HTTP_1()
    {
        Http2Peer peer = new Http2Peer(_handler).Send(Get(1, "/abc"));
        Assert.Matches(
            @"^:status: 200\|server: microcdn\|date: [^|]*GMT\|x-path: /abc\|content-length: 4$", peer.Heads[1]);
        Assert.Equal("/abc", peer.Body(1));
        Assert.Equal([1], peer.Ended);
        Assert.False(peer.Wire.Conversation.IsOver);
    }

    [Fact]
    public void Our_settings_come_first_and_those_of_the_client_are_acknowledged()
    {
        Http2Peer peer = new(_handler);
        Assert.Equal((FrameType.Settings, 0, 0), (peer.Frames[0].Type, peer.Frames[0].Flags, peer.Frames[0].Stream));
        Assert.Equal((FrameType.Settings, 1, 0), (peer.Frames[1].Type, peer.Frames[1].Flags, peer.Frames[1].Stream));
    }

    [Fact]
    public void Answers_are_the_same_however_the_frames_are_cut()
    {
        byte[] input =
        [
            .. Preface, .. Frame(FrameType.Settings, 0, 0), .. Get(1, "/a"),
            .. Request(3, EndStream, ":method: GET", ":scheme: https"),
            .. Frame(FrameType.Continuation, 0, 3, Block(":path: /bb")),
            .. Frame(FrameType.Continuation, EndHeaders, 3, Block(":authority: x")),
            .. Frame(FrameType.Ping, 0, 0, new byte[8]), .. Get(5, "/large"), .. Update(5, 1000),
        ];
        byte[] whole = Sent(input);
        for (int cut = 1; cut < input.Length; cut++) Assert.Equal(whole, Sent(input[..cut], input[cut..]));
        Assert.Equal(whole, Sent([.. input.Select(one => (byte[])[one])]));

        byte[] Sent(params byte[][] parts)
        {
            Http2Peer peer = new(_handler, greets: false);
            foreach (byte[] part in parts) peer.Wire.Receive(part);
            peer.Read();
            Assert.Equal("/a", peer.Body(1));
            Assert.Equal("/bb", peer.Body(3));
            Assert.Equal(40_000, peer.Bodies[5].Count);
            Assert.Equal([1, 3, 5], peer.Ended);
            return peer.Wire.SentBytes;
        }
    }

    [Fact]
    public void A_head_request_gets_the_same_head_and_no_body()
    {
        Http2Peer peer = new Http2Peer(_handler).Send(Get(1, "/abc"), Request(3, EndStream | EndHeaders,
            ":method: HEAD", ":scheme: https", ":authority: x", ":path: /abc"));
        Assert.Equal(peer.Heads[1], peer.Heads[3]);
        Assert.Equal("", peer.Body(3));
        Assert.Equal([1, 3], peer.Ended);
    }

    [Fact]
    public void Large_answers_come_in_turns_and_a_small_one_does_not_wait_for_them()
    {
        Http2Peer peer = new(_handler);
        peer.Wire.Window = 0;
        peer.Send(Update(0, 100_000), Get(1, "/large"), Get(3, "/large"), Get(5, "/small"));
        peer.Wire.Window = long.MaxValue;
        peer.Wire.Turn();
        peer.Read();
        Assert.Equal([5, 1, 3], peer.Ended);
        Assert.Equal([1, 3, 1, 3, 1, 3], peer.Frames
            .Where(frame => frame.Type == FrameType.Data && frame.Stream != 5).Select(frame => frame.Stream));
        Assert.Equal(peer.Bodies[1], peer.Bodies[3]);
    }

    [Fact]
    public void A_body_whose_window_is_shut_is_still_being_sent()
    {
        Http2Peer peer = new Http2Peer(_handler).Send(Setting(4, 1000), Get(1, "/large"));
        Assert.True(peer.Wire.Conversation.IsSending);
        peer.Send(Update(1, 100_000));
        Assert.False(peer.Wire.Conversation.IsSending);
    }

    [Fact]
    public void A_postponed_answer_and_one_without_bytes_hold_nobody_back()
    {
        Http2Peer peer = new Http2Peer(_handler).Send(Get(1, "/later"), Get(3, "/slow"), Get(5, "/a"));
        Assert.Equal([5], peer.Ended);
        _handler.Give();
        peer.Wire.Turn();
        Assert.Equal([5, 1], peer.Read().Ended);
        Assert.Equal("/later", peer.Body(1));
        _handler.Slow.Feed("0123456789");
        peer.Wire.Turn();
        Assert.Equal([5, 1, 3], peer.Read().Ended);
        Assert.Equal("0123456789", peer.Body(3));
    }

    [Fact]
    public void A_reset_gives_back_what_the_answer_holds()
    {
        Http2Peer peer = new Http2Peer(_handler).Send(Get(1, "/later"), Get(3, "/slow"));
        peer.Send(Reset(1), Reset(3));
        Assert.True(_handler.IsUnwanted);
        Assert.True(_handler.Slow.IsDisposed);
        _handler.Give();
        peer.Send(Get(5, "/a"), Get(7, "/a"));
        Assert.Equal([5, 7], peer.Ended);
        Assert.Equal("/a", peer.Body(5));
    }

    [Fact]
    public void The_end_of_the_connection_gives_back_what_the_answers_hold()
    {
        Http2Peer peer = new Http2Peer(_handler).Send(Get(1, "/later"), Get(3, "/slow"));
        peer.Wire.Conversation.End();
        Assert.True(_handler.IsUnwanted);
        Assert.True(_handler.Slow.IsDisposed);
    }

    [Fact]
    public void A_body_that_ends_short_is_reset_and_never_completed()
    {
        Http2Peer peer = new Http2Peer(_handler).Send(Get(1, "/slow"), Get(3, "/a"));
        _handler.Slow.Feed("01234", isLast: true);
        peer.Wire.Turn();
        peer.Read();
        Assert.Equal(Fault.Internal, peer.Resets[1]);
        Assert.Equal([3], peer.Ended);
        Assert.Null(peer.Farewell);
    }

    [Fact]
    public void What_the_parser_refuses_is_refused_on_its_stream_alone()
    {
        Http2Peer peer = new Http2Peer(_handler).Send(
            Get(1, "/a", "x: \u0001"), Get(3, "/a#b"), Get(5, "/" + new string('a', 9000)), Get(7, "/a"),
            Request(9, EndStream | EndHeaders, ":method: GET", ":scheme: https", ":path: /a"),
            Request(11, EndStream | EndHeaders, ":method: HEAD", ":scheme: https", ":path: /a#"));
        Assert.StartsWith(":status: 400|", peer.Heads[1], StringComparison.Ordinal);
        Assert.DoesNotContain("connection", peer.Heads[1], StringComparison.Ordinal);
        Assert.StartsWith(":status: 400|", peer.Heads[3], StringComparison.Ordinal);
        Assert.StartsWith(":status: 414|", peer.Heads[5], StringComparison.Ordinal);
        Assert.Equal("/a", peer.Body(7));
        Assert.StartsWith(":status: 400|", peer.Heads[9], StringComparison.Ordinal);
        Assert.Equal("", peer.Body(11));
        Assert.Equal([1, 3, 5, 7, 9, 11], peer.Ended);
        Assert.False(peer.Wire.Conversation.IsOver);
    }

    // Answers each request with its own path.
    private sealed class PathHandler : IHttpHandler, IDisposable
    {
        public Action Give { get; private set; } = () => { };

        public bool IsUnwanted { get; private set; }

        public Source Slow { get; } = new();

        public void Dispose() => IsUnwanted = true;

        public void Handle(in Request request, Response response, IPeer peer)
        {
            string path = Encoding.UTF8.GetString(request.Path);
            if (path != "/later")
            {
                Answer(response, path);
                return;
            }
            response.Later(this);
            Give = () => response.Give(later => Answer(later, path));
        }

        private void Answer(Response response, string path)
        {
            response.Begin(HttpStatus.Ok);
            response.Field("X-Path"u8, Encoding.UTF8.GetBytes(path));
            if (path == "/slow") response.EndWithPieces(Slow, 10);
            else response.End(path == "/large" ? new byte[40_000] : Encoding.UTF8.GetBytes(path));
        }
    }

    // A body whose bytes come when a test says so.
    private sealed class Source : ILineSource, IDisposable
    {
        private readonly Queue<byte[]> _pieces = [];
        private Answer? _answer;
        private bool _isLast;

        public bool IsDisposed { get; private set; }

        public void Feed(string text, bool isLast = false)
        {
            _pieces.Enqueue(Encoding.UTF8.GetBytes(text));
            _isLast = isLast;
            _answer!.Wake();
        }

        public bool Write(Answer answer)
        {
            _answer = answer;
            if (_pieces.TryDequeue(out byte[]? piece)) answer.Write(piece);
            return !_isLast;
        }

        public void Dispose() => IsDisposed = true;
    }
}
