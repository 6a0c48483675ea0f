using MicroCdn.Http.Http2;
using static MicroCdn.Tests.Http.Http2.Http2Peer;

namespace MicroCdn.Tests.Http.Http2;

// RFC 9113, sections 5.2, 6.9 and 8.1: requests with bodies, for a handler that takes them; and its answers.
public sealed class UploadTests
{
    private readonly Taker _taker = new();

    [Fact]
    public async Task A_body_comes_frame_by_frame_and_its_end_is_seen()
    {
        Http2Peer peer = new Http2Peer(_taker).Send(Post(1, "content-length: 7"), Data(1, 4));
        Assert.Equal(["POST /a?b x"], _taker.Asked);
        Assert.Equal(7, _taker.Body!.Length);
        Assert.Equal(4, (await _taker.ReadAsync()).Length);
        peer.Send(Data(1, 3, EndStream));
        Assert.Equal(3, await _taker.ReadAllAsync());
        _taker.Give("done");
        peer.Wire.Turn();
        Assert.Equal("done", peer.Read().Body(1));
        Assert.Equal([1], peer.Ended);
        Assert.Empty(peer.Resets);
    }

    [Fact]
    public async Task The_window_is_opened_only_as_far_as_the_body_was_read()
    {
        Http2Peer peer = new Http2Peer(_taker).Send(Post(1));
        for (int times = 0; times < 3; times++) peer.Send(Data(1, 16_384));
        Assert.DoesNotContain(peer.Frames, frame => frame is { Type: FrameType.WindowUpdate, Stream: 1 });
        for (int times = 0; times < 2; times++) Assert.Equal(16_384, (await _taker.ReadAsync(16_384)).Length);
        peer.Wire.Turn();
        Assert.Contains(peer.Read().Frames, frame => frame is { Type: FrameType.WindowUpdate, Stream: 1 });
        peer.Send(Data(1, 16_384), Data(1, 16_384), Data(1, 16_383, EndStream));
        Assert.Equal((4 * 16_384) - 1, await _taker.ReadAllAsync());
    }

    [Fact]
    public async Task Who_sends_more_than_its_window_is_reset()
    {
        Http2Peer peer = new Http2Peer(_taker).Send(Post(1));
        for (int times = 0; times < 4; times++) peer.Send(Data(1, 16_384));
        Assert.Equal(Fault.FlowControl, peer.Resets[1]);
        await Assert.ThrowsAsync<IOException>(_taker.ReadAllAsync);
        Assert.Null(peer.Farewell);
    }

    [Fact]
    public async Task A_large_body_costs_its_connection_nothing()
    {
        Http2Peer peer = new Http2Peer(_taker).Send(Post(1));
        for (int times = 0; times < 3_000; times++)
        {
            peer.Send(Data(1, 16_384));
            Assert.Equal(16_384, (await _taker.ReadAsync(16_384)).Length);
            peer.Wire.Turn();
        }
        Assert.Null(peer.Farewell);
        Assert.Empty(peer.Resets);
    }

    [Theory]
    [InlineData("content-length: 3")]
    [InlineData("content-length: 9")]
    public async Task A_body_of_another_length_than_announced_fails(string field)
    {
        Http2Peer peer = new Http2Peer(_taker).Send(Post(1, field), Data(1, 5, EndStream));
        Assert.Equal(Fault.Protocol, peer.Resets[1]);
        await Assert.ThrowsAsync<IOException>(_taker.ReadAllAsync);
    }

    [Fact]
    public async Task Trailers_end_a_body()
    {
        new Http2Peer(_taker).Send(Post(1), Data(1, 5), Request(1, EndStream | EndHeaders, "a: b"));
        Assert.Equal(5, await _taker.ReadAllAsync());
    }

    [Fact]
    public async Task A_request_that_its_client_resets_fails_its_body()
    {
        new Http2Peer(_taker).Send(Post(1), Data(1, 5), Reset(1));
        await Assert.ThrowsAsync<IOException>(_taker.ReadAllAsync);
    }

    [Theory]
    [InlineData(16_384, true)]
    [InlineData(2 * 16_384, false)]
    public void A_body_below_1_KiB_a_second_over_30_s_is_reset(int bytes, bool isReset)
    {
        Http2Peer peer = new Http2Peer(_taker).Send(Post(1));
        for (int sent = 0; sent < bytes; sent += 16_384) peer.Send(Data(1, 16_384));
        peer.Pass(29_999);
        Assert.Empty(peer.Resets);
        peer.Pass(1);
        Assert.Equal(isReset, peer.Resets.ContainsKey(1));
    }

    [Fact]
    public void An_answer_before_the_end_of_the_body_is_followed_by_a_reset_that_is_no_fault()
    {
        Http2Peer peer = new Http2Peer(_taker).Send(Post(1), Data(1, 5));
        _taker.Give("enough");
        peer.Wire.Turn();
        Assert.Equal("enough", peer.Read().Body(1));
        Assert.Equal([1], peer.Ended);
        peer.Pass(2_000);
        Assert.Equal(Fault.None, peer.Resets[1]);
    }

    [Fact]
    public void More_bodies_at_once_than_there_is_room_for_may_come_again()
    {
        Http2Peer peer = new(_taker);
        for (int number = 0; number <= Http2Limits.Uploads; number++) peer.Send(Post((2 * number) + 1));
        Assert.Equal(Fault.Refused, Assert.Single(peer.Resets).Value);
    }

    [Fact]
    public void Crumbs_of_a_cookie_are_one_cookie()
    {
        new Http2Peer(_taker).Send(Get(1, "/", "cookie: a=b", "x: y", "cookie: c=d"));
        Assert.EndsWith("cookie: a=b; c=d\r\n", _taker.Fields.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Interim_responses_and_100_come_before_the_final_one()
    {
        Http2Peer peer = new Http2Peer(_taker).Send(Post(1, "expect: 100-continue"));
        _taker.Inform(103, "Link: </a>");
        peer.Wire.Turn();
        _taker.Give("done");
        peer.Wire.Turn();
        Assert.Equal(3, peer.Read().Frames.Count(frame => frame is { Type: FrameType.Headers, Stream: 1 }));
        Assert.Equal(":status: 100", peer.Interim[0]);
        Assert.Equal(":status: 103|link: </a>", peer.Interim[1]);
        Assert.StartsWith(":status: 200|", peer.Heads[1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(15_000)]
    [InlineData(60_000)]
    public void A_long_head_comes_in_as_many_frames_as_it_needs(int length)
    {
        string value = new('v', length);
        Http2Peer peer = new Http2Peer(new Taker(response =>
        {
            response.BeginRelayed(404, "No"u8, Taker.FieldsOf("A: b", $"Long: {value}", "Content-Length: 7"));
            response.EndWithMemory("body"u8.ToArray());
        })).Send(Get(1, "/"), Get(3, "/"));
        Assert.Contains($"a: b|long: {value}|", peer.Heads[1], StringComparison.Ordinal);
        Assert.Contains("content-length: 4", peer.Heads[1], StringComparison.Ordinal);
        Assert.DoesNotContain("content-length: 7", peer.Heads[1], StringComparison.Ordinal);
        Assert.Equal("body", peer.Body(3));
        Assert.Equal([1, 3], peer.Ended);
    }

    [Fact]
    public void A_304_that_tells_a_length_has_no_body()
    {
        Http2Peer peer = new Http2Peer(new Taker(response =>
        {
            response.BeginRelayed(304, "Not Modified"u8, Taker.FieldsOf("A: b"));
            response.EndEmpty(1234);
        })).Send(Get(1, "/"));
        Assert.Contains("content-length: 1234", peer.Heads[1], StringComparison.Ordinal);
        Assert.Equal([1], peer.Ended);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_body_of_unknown_length_ends_with_its_stream_or_is_cut(bool isCut)
    {
        Drip drip = new();
        drip.Add("one");
        Http2Peer peer = new Http2Peer(new Taker(response =>
        {
            response.BeginRelayed(200, "OK"u8, Taker.FieldsOf("A: b"));
            response.EndWithStream(drip);
        })).Send(Get(1, "/"));
        Assert.Equal("one", peer.Body(1));
        Assert.Empty(peer.Ended);
        if (isCut) drip.IsCut = true;
        else drip.End();
        drip.Wake();
        peer.Wire.Turn();
        peer.Read();
        Assert.Equal(isCut ? [] : [1], peer.Ended);
        Assert.Equal(isCut, peer.Resets.ContainsKey(1));
        Assert.True(drip.IsDisposed);
    }

    private static byte[] Post(int stream, params string[] more) => Request(stream, EndHeaders,
        [":method: POST", ":scheme: https", ":authority: x", ":path: /a?b", .. more]);

    private static byte[] Data(int stream, int length, byte flags = 0) =>
        Frame(FrameType.Data, flags, stream, new byte[length]);
}
