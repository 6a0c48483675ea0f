using MicroCdn.Http;
using MicroCdn.Http.Http2;
using MicroCdn.Network;
using static MicroCdn.Tests.Http.Http2.Http2Peer;

namespace MicroCdn.Tests.Http.Http2;

/// <summary>What RFC 9113 forbids ends the stream or the connection that it says, with the reason that it
/// says.</summary>
public sealed class ViolationTests
{
    private const byte Ends = EndStream | EndHeaders;
    private static readonly string[] Sound = [":method: GET", ":scheme: https", ":authority: x", ":path: /"];

    /// <summary>Section, what comes, and why the connection ends.</summary>
    public static TheoryData<string, byte[], int> OfConnections => new()
    {
        { "4.2: longer than 16 KiB", Frame(FrameType.Unknown(), 0, 0, new byte[16_385]), (int)Fault.FrameSize },
        { "4.3: a block that cannot be decoded", Frame(FrameType.Headers, Ends, 1, 0x80), (int)Fault.Compression },
        { "4.3: a block is interrupted", [.. Open(1), .. Frame(FrameType.Ping, 0, 0, new byte[8])], P },
        { "4.3: by an unknown frame", [.. Open(1), .. Frame(FrameType.Unknown(), 0, 0)], P },
        { "5.1: HEADERS for a closed stream", [.. Get(1, "/"), .. Get(1, "/")], (int)Fault.StreamClosed },
        { "5.1: DATA for an idle stream", Frame(FrameType.Data, 0, 1), P },
        { "5.1: RST_STREAM for an idle stream", Reset(1), P },
        { "5.1: WINDOW_UPDATE for an idle stream", Update(1, 1), P },
        { "5.1.1: an even number", Get(2, "/"), P },
        { "5.1.1: a smaller number", [.. Get(5, "/"), .. Get(3, "/")], (int)Fault.StreamClosed },
        { "6.1: DATA without a stream", Frame(FrameType.Data, 0, 0), P },
        { "6.1: padding beyond the frame", [.. Body(1), .. Frame(FrameType.Data, Padded, 1, 1)], P },
        { "6.1: padding without its length", [.. Body(1), .. Frame(FrameType.Data, Padded, 1)], P },
        { "6.2: HEADERS without a stream", Get(0, "/"), P },
        { "6.2: padding beyond the frame", Frame(FrameType.Headers, Ends | Padded, 1, 2, 0x82), P },
        { "6.2: priority cut", Frame(FrameType.Headers, Ends | Prioritized, 1, 0, 0), (int)Fault.FrameSize },
        { "6.3: PRIORITY without a stream", Frame(FrameType.Priority, 0, 0, new byte[5]), P },
        { "6.4: RST_STREAM without a stream", Reset(0), P },
        { "6.4: RST_STREAM of another length", [.. Get(1, "/"), .. Frame(FrameType.Reset, 0, 1, 0, 0, 0)], S },
        { "6.5: SETTINGS for a stream", Frame(FrameType.Settings, 0, 1), P },
        { "6.5: SETTINGS cut", Frame(FrameType.Settings, 0, 0, 0, 1, 0), S },
        { "6.5: an acknowledgement with settings", Frame(FrameType.Settings, 1, 0, new byte[6]), S },
        { "6.5.2: ENABLE_PUSH", Setting(2, 2), P },
        { "6.5.2: INITIAL_WINDOW_SIZE", Setting(4, 0x8000_0000), (int)Fault.FlowControl },
        { "6.5.2: MAX_FRAME_SIZE too small", Setting(5, 16_383), P },
        { "6.5.2: MAX_FRAME_SIZE too large", Setting(5, 1 << 24), P },
        { "6.6: PUSH_PROMISE of a client", Frame(FrameType.PushPromise, EndHeaders, 1, 0, 0, 0, 2), P },
        { "6.7: PING for a stream", Frame(FrameType.Ping, 0, 1, new byte[8]), P },
        { "6.7: PING of another length", Frame(FrameType.Ping, 0, 0, new byte[7]), S },
        { "6.8: GOAWAY for a stream", Frame(FrameType.GoAway, 0, 1, new byte[8]), P },
        { "6.8: GOAWAY cut", Frame(FrameType.GoAway, 0, 0, new byte[7]), S },
        { "6.9: WINDOW_UPDATE of 0", Update(0, 0), P },
        { "6.9: WINDOW_UPDATE of another length", Frame(FrameType.WindowUpdate, 0, 0, 0, 0, 1), S },
        { "6.9.1: a window beyond 2^31-1", Update(0, int.MaxValue), (int)Fault.FlowControl },
        { "10.5: DATA without an end", [.. Body(1), .. Flood()], (int)Fault.EnhanceYourCalm },
        { "6.10: CONTINUATION without HEADERS", Frame(FrameType.Continuation, EndHeaders, 1), P },
        { "6.10: behind a whole block", [.. Get(1, "/"), .. Frame(FrameType.Continuation, EndHeaders, 1)], P },
        { "6.10: of another stream", [.. Open(1), .. Frame(FrameType.Continuation, EndHeaders, 3)], P },
        { "10.5.1: a block beyond 32 KiB", [.. Open(1), .. Long(), .. Long(), .. Long()], (int)Fault.EnhanceYourCalm },
    };

    /// <summary>Section, and the fields of a request that is none.</summary>
    public static TheoryData<string, string[]> Malformed => new()
    {
        { "8.2: a name in upper case", [.. Sound, "Accept: x"] },
        { "8.2.1: a name with a colon", [.. Sound, "a:b: x"] },
        { "8.2.1: a name with a space", [.. Sound, "a b: x"] },
        { "8.2.1: a name with a line end", [.. Sound, "a\r\nb: x"] },
        { "8.2.1: a name that is not ASCII", [.. Sound, "\u00e4: x"] },
        { "8.2.1: a value with CR", [.. Sound, "a: x\ry"] },
        { "8.2.1: a value with LF", [.. Sound, "a: x\ny"] },
        { "8.2.1: a value with NUL", [.. Sound, "a: x\0y"] },
        { "8.2.1: a value that begins with a space", [.. Sound, "a:  x"] },
        { "8.2.1: a value that ends in a tab", [.. Sound, "a: x\t"] },
        { "8.2.2: connection", [.. Sound, "connection: close"] },
        { "8.2.2: keep-alive", [.. Sound, "keep-alive: 1"] },
        { "8.2.2: proxy-connection", [.. Sound, "proxy-connection: close"] },
        { "8.2.2: transfer-encoding", [.. Sound, "transfer-encoding: chunked"] },
        { "8.2.2: upgrade", [.. Sound, "upgrade: h2c"] },
        { "8.2.2: te but trailers", [.. Sound, "te: gzip"] },
        { "8.3: a pseudo-field behind a field", [.. Sound[..3], "a: x", Sound[3]] },
        { "8.3: an unknown one", [.. Sound, ":protocol: websocket"] },
        { "8.3: one of responses", [.. Sound, ":status: 200"] },
        { "8.3.1: no method", Sound[1..] },
        { "8.3.1: two methods", [.. Sound, Sound[0]] },
        { "8.3.1: a method of two words", [":method: GET /x", .. Sound[1..]] },
        { "8.3.1: no scheme", [Sound[0], .. Sound[2..]] },
        { "8.3.1: a scheme that is no web", [Sound[0], ":scheme: ftp", .. Sound[2..]] },
        { "8.3.1: two authorities", [.. Sound, ":authority: y"] },
        { "8.3.1: an authority and another host", [.. Sound, "host: y"] },
        { "8.3.1: an authority and two hosts", [.. Sound, "host: x", "host: x"] },
        { "8.3.1: no path", Sound[..3] },
        { "8.3.1: two paths", [.. Sound, ":path: /"] },
        { "8.3.1: an empty path", [.. Sound[..3], ":path: "] },
        { "8.3.1: a path without a slash", [.. Sound[..3], ":path: a"] },
        { "8.3.1: a path with a scheme", [.. Sound[..3], ":path: http://y/"] },
        { "8.3.1: an asterisk for GET", [.. Sound[..3], ":path: *"] },
        { "8.3.1: a path with a space", [.. Sound[..3], ":path: / HTTP/1.1"] },
        { "8.3.1: a path with a line end", [.. Sound[..3], ":path: /\r\na: b"] },
        { "8.5: CONNECT with a path", [":method: CONNECT", .. Sound[1..]] },
        { "8.1.1: a length without a body", [.. Sound, "content-length: 1"] },
    };

    private static int P => (int)Fault.Protocol;

    private static int S => (int)Fault.FrameSize;

    [Theory]
    [MemberData(nameof(OfConnections))]
    public void The_connection_ends_with_the_reason(string section, byte[] frames, int fault)
    {
        Http2Peer peer = new Http2Peer(new Nothing()).Send(frames);
        Assert.True(peer.Farewell == (Fault)fault, $"{section}: {peer.Farewell}");
        Assert.True(peer.Wire.Conversation.IsOver);
        Assert.True(peer.Wire.Conversation.WasRefused);
    }

    [Theory]
    [MemberData(nameof(Malformed))]
    public void The_stream_ends_and_the_next_is_served(string section, string[] fields)
    {
        Http2Peer peer = new Http2Peer(new Nothing()).Send(Request(1, Ends, fields), Get(3, "/"));
        Assert.True(peer.Resets.GetValueOrDefault(1) == Fault.Protocol, section);
        Assert.DoesNotContain(1, peer.Heads.Keys);
        Assert.Equal([3], peer.Ended);
    }

    [Theory]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r")]
    [InlineData("GET / HTTP/1.1\r\n")]
    public void Another_preface_ends_the_connection(string text) =>
        Assert.Equal(Fault.Protocol, new Http2Peer(new Nothing(), greets: false)
            .Send(System.Text.Encoding.ASCII.GetBytes(text)).Farewell);

    [Fact]
    public void A_first_frame_that_is_not_SETTINGS_ends_the_connection()
    {
        foreach (byte[] first in new[] { Get(1, "/"), Frame(FrameType.Ping, 0, 0, new byte[8]) })
        {
            Assert.Equal(Fault.Protocol, new Http2Peer(new Nothing(), greets: false).Send(Preface, first).Farewell);
        }
    }

    [Fact]
    public void A_stream_ends_for_what_concerns_it_alone()
    {
        Http2Peer peer = new(new Nothing());
        peer.Send(Body(1), Update(1, 0));                                     // 6.9
        peer.Send(Body(3), Update(3, int.MaxValue));                          // 6.9.1
        peer.Send(Body(5), Request(5, EndHeaders, "a: b"));                   // 8.1: trailers that do not end it
        peer.Send(Body(7), Request(7, Ends, ":path: /"));                     // 8.1: a pseudo-field in trailers
        peer.Send(Body(9, "content-length: 2"), Frame(FrameType.Data, EndStream, 9, 1));     // 8.1.1
        peer.Send(Body(11, "content-length: 2"), Frame(FrameType.Data, 0, 11, 1, 2, 3));     // 8.1.1
        peer.Send(Get(13, "/"));
        Assert.Equal(
            [(1, Fault.Protocol), (3, Fault.FlowControl), (5, Fault.Protocol), (7, Fault.Protocol),
                (9, Fault.Protocol), (11, Fault.Protocol)], peer.Resets.Select(reset => (reset.Key, reset.Value)));
        Assert.Equal([13], peer.Ended);
    }

    [Fact]
    public void What_was_sent_before_a_reset_was_known_is_passed_over()
    {
        Http2Peer peer = new Http2Peer(new Nothing()).Send(Body(1), Update(1, 0));
        peer.Send(Frame(FrameType.Data, 0, 1, 1, 2), Request(1, Ends, "a: b"), Update(1, 1), Reset(1), Get(3, "/"));
        Assert.Equal([3], peer.Ended);
        Assert.Single(peer.Resets);
    }

    [Fact]
    public void What_nobody_needs_to_know_is_passed_over()
    {
        Http2Peer peer = new Http2Peer(new Nothing()).Send(
            Frame(FrameType.Unknown(), 0xFF, 7, 1, 2, 3), Setting(0x99, 1), Setting(2, 0), Setting(2, 1), Setting(1, 0),
            Frame(FrameType.Priority, 0, 9, 0, 0, 0, 0, 1), Update(0, 1), Frame(FrameType.Settings, 1, 0),
            Frame(FrameType.Ping, 1, 0, new byte[8]),
            Request(1, Ends, [.. Sound, "host: X", "te: trailers", "cookie: a", "cookie: b"]));
        Assert.Equal([1], peer.Ended);
        Assert.StartsWith(":status: 200|", peer.Heads[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Padding_and_priority_change_nothing()
    {
        byte[] block = Block(Sound);
        Http2Peer peer = new Http2Peer(new Nothing()).Send(Frame(FrameType.Headers, Ends | Padded | Prioritized, 1,
            [3, 0x80, 0, 0, 0, 0xFF, .. block, 0, 0, 0]));
        Assert.Equal([1], peer.Ended);
    }

    private static byte[] Open(int stream) => Request(stream, EndStream, Sound);

    private static byte[] Body(int stream, params string[] more) => Request(stream, EndHeaders, [.. Sound, .. more]);

    private static byte[] Long() => Frame(FrameType.Continuation, 0, 1, new byte[12_000]);

    private static byte[] Flood() => [.. Enumerable.Range(0, 1200).SelectMany(_ => Frame(FrameType.Data, 0, 1))];

    private sealed class Nothing : IHttpHandler
    {
        public void Handle(in Request request, Response response, IPeer peer)
        {
            response.Begin(HttpStatus.Ok);
            response.End([]);
        }
    }
}

file static class FrameTypes
{
    extension(FrameType)
    {
        /// <summary>A type that nobody knows.</summary>
        public static FrameType Unknown() => (FrameType)0x42;
    }
}
