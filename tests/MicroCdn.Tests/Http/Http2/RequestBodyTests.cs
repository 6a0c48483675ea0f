using MicroCdn.Http;
using MicroCdn.Http.Http2;
using MicroCdn.Network;
using static MicroCdn.Tests.Http.Http2.Http2Peer;

namespace MicroCdn.Tests.Http.Http2;

/// <summary>Requests here have no body. Who sends one is told so, without breaking what else goes over the
/// connection.</summary>
public sealed class RequestBodyTests
{
    [Fact]
    public void A_small_body_is_refused_once_it_came_and_nothing_is_reset()
    {
        Http2Peer peer = new Http2Peer(new Empty()).Send(Post(1, "content-length: 32768"), Data(1, 16_384));
        Assert.Empty(peer.Heads);
        peer.Send(Data(1, 16_384, EndStream), Get(3, "/"));
        Assert.StartsWith(":status: 413|", peer.Heads[1], StringComparison.Ordinal);
        Assert.Equal([1, 3], peer.Ended);
        Assert.Empty(peer.Resets);
    }

    [Fact]
    public void A_larger_one_is_refused_at_once_and_the_rest_is_passed_over()
    {
        Http2Peer peer = new Http2Peer(new Empty()).Send(Post(1), Data(1, 16_384), Data(1, 16_384));
        Assert.Empty(peer.Heads);
        AssertToldToStop(peer.Send(Data(1, 1)));
        peer.Send(Data(1, 10_000), Data(1, 10_000, EndStream), Get(3, "/"));
        Assert.Equal([1, 3], peer.Ended);
        Assert.Single(peer.Resets);
    }

    [Fact]
    public void A_larger_one_that_ends_soon_after_its_answer_is_not_reset()
    {
        Http2Peer peer = new Http2Peer(new Empty()).Send(Post(1, "content-length: 40000"), Data(1, 16_384));
        Assert.Equal([1], peer.Ended);
        peer.Send(Data(1, 16_384), Data(1, 7_232, EndStream)).Pass(10_000);
        Assert.Empty(peer.Resets);
    }

    [Fact]
    public void One_beyond_its_window_is_reset()
    {
        Http2Peer peer = new Http2Peer(new Empty()).Send(Post(1));
        for (int times = 0; times < 5; times++) peer.Send(Data(1, 16_384));
        Assert.Equal(Fault.FlowControl, peer.Resets[1]);
        Assert.Null(peer.Farewell);
    }

    [Fact]
    public void One_that_says_it_is_larger_is_refused_before_it_comes() =>
        AssertToldToStop(new Http2Peer(new Empty()).Send(Post(1, "content-length: 32769")));

    [Fact]
    public void One_that_does_not_come_to_its_end_in_10_s_is_refused()
    {
        Http2Peer peer = new Http2Peer(new Empty()).Send(Post(1), Data(1, 100)).Pass(9_999);
        Assert.Empty(peer.Heads);
        AssertToldToStop(peer.Pass(1));
    }

    [Fact]
    public void A_body_of_no_bytes_is_none()
    {
        Http2Peer peer = new Http2Peer(new Empty()).Send(
            Post(1, "content-length: 0"), Data(1, 0), Data(1, 0, EndStream),
            Request(3, EndHeaders, ":method: GET", ":scheme: https", ":authority: x", ":path: /"),
            Data(3, 0, EndStream));
        // Not refused for a body: it is the method that is answered.
        Assert.StartsWith(":status: 405|", peer.Heads[1], StringComparison.Ordinal);
        Assert.StartsWith(":status: 200|", peer.Heads[3], StringComparison.Ordinal);
        Assert.Equal([1, 3], peer.Ended);
    }

    [Fact]
    public void Trailers_are_refused()
    {
        Http2Peer peer = new Http2Peer(new Empty()).Send(Post(1), Request(1, EndStream | EndHeaders, "a: b"));
        Assert.StartsWith(":status: 413|", peer.Heads[1], StringComparison.Ordinal);
        Assert.Equal([1], peer.Ended);
        Assert.Empty(peer.Resets);
    }

    [Fact]
    public void Bodies_of_many_requests_one_after_another_are_let_come()
    {
        Http2Peer peer = new(new Empty());
        for (int stream = 1; stream < 40; stream += 2)
        {
            peer.Send(Post(stream), Data(stream, 16_384), Data(stream, 16_000, EndStream));
            Assert.StartsWith(":status: 413|", peer.Heads[stream], StringComparison.Ordinal);
        }
        int granted = peer.Frames.Where(frame => frame is { Type: FrameType.WindowUpdate, Stream: 0 })
            .Sum(frame => (frame.Payload[1] << 16) | (frame.Payload[2] << 8) | frame.Payload[3]);
        Assert.InRange(granted, (20 * 32_384) - Http2Limits.Window, 20 * 32_384);
        Assert.Null(peer.Farewell);
    }

    [Fact]
    public void Heads_that_wait_for_bodies_take_bounded_memory()
    {
        Http2Peer peer = new(new Empty());
        string[] large = [.. Enumerable.Range(0, 5).Select(number => $"a: {new string('a', 2000)}")];
        for (int stream = 1; stream < 40; stream += 2) peer.Send(Post(stream, large));
        Assert.Equal(14, peer.Resets.Count(reset => reset.Value == Fault.Refused));
        Assert.Null(peer.Farewell);
    }

    // By the answer, and two seconds later by a reset: curl takes an earlier one for a broken stream.
    private static void AssertToldToStop(Http2Peer peer)
    {
        Assert.StartsWith(":status: 413|", peer.Heads[1], StringComparison.Ordinal);
        Assert.Equal([1], peer.Ended);
        Assert.Empty(peer.Pass(1_999).Resets);
        peer.Pass(1);
        Assert.Equal(Fault.None, peer.Resets[1]);
        Assert.Null(peer.Farewell);
    }

    private static byte[] Post(int stream, params string[] more) => Request(stream, EndHeaders,
        [":method: POST", ":scheme: https", ":authority: x", ":path: /", .. more]);

    private static byte[] Data(int stream, int length, byte flags = 0) =>
        Frame(FrameType.Data, flags, stream, new byte[length]);

    private sealed class Empty : IHttpHandler
    {
        public void Handle(in Request request, Response response, IPeer peer)
        {
            response.Begin(HttpStatus.Ok);
            response.End([]);
        }
    }
}
