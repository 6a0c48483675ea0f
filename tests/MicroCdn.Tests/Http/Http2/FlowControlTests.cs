using CsCheck;
using MicroCdn.Http;
using MicroCdn.Http.Http2;
using MicroCdn.Network;
using Microsoft.Win32.SafeHandles;
using static MicroCdn.Tests.Http.Http2.Http2Peer;

namespace MicroCdn.Tests.Http.Http2;

/// <summary>Whatever windows a client opens, in whatever steps, every body arrives once and whole, and never faster
/// than the windows allow (RFC 9113, section 6.9).</summary>
public sealed class FlowControlTests
{
    private const int MostBody = 200_000;

    [Fact]
    public void Every_body_arrives_exactly_once_under_any_windows() => Gen
        .Select(Gen.Select(Gen.Int[0, MostBody], Gen.Int[0, 2]).Array[1, 12],
            Gen.Int[0, 100_000], Gen.Int[1, 20_000], Gen.Select(Gen.Int[0, 3], Gen.Int[0, 11], Gen.Int[1, 60_000])
                .Array[0, 60])
        .Sample(RunOnce, iter: 100);

    private static void RunOnce((int Length, int Kind)[] bodies, int initial, int socket,
        (int What, int Which, int Amount)[] steps)
    {
        Http2Peer peer = new(new Various(bodies));
        Dictionary<int, long> windows = [];
        long connection = Http2Limits.Window;
        peer.Send(Setting(4, (uint)initial));
        long window = initial;
        peer.Wire.Window = 0;
        for (int number = 0; number < bodies.Length; number++)
        {
            peer.Send(Get(Stream(number), $"/{number}"));
            windows[Stream(number)] = window;
        }
        foreach ((int what, int which, int amount) in steps)
        {
            peer.Wire.Window = socket;
            switch (what)
            {
                case 0:
                    peer.Send(Update(0, amount));
                    connection += amount;
                    break;
                case 1:
                    int stream = Stream(which % bodies.Length);
                    peer.Send(Update(stream, amount));
                    windows[stream] += amount;
                    break;
                case 2:
                    foreach (int each in windows.Keys) windows[each] += amount - window;
                    window = amount;
                    peer.Send(Setting(4, (uint)amount));
                    break;
                default:
                    peer.Wire.Turn();
                    break;
            }
            // What may have been sent before a window was made smaller stays sent.
            AssertWithin(peer, connection);
        }
        peer.Wire.Window = long.MaxValue;
        peer.Send(Update(0, bodies.Length * MostBody), Setting(4, 1_000_000));
        peer.Wire.Turn();
        peer.Read();
        foreach (int number in Enumerable.Range(0, bodies.Length))
        {
            Assert.True(peer.Bodies[Stream(number)].ToArray().AsSpan()
                .SequenceEqual(Various.Bytes(number, bodies[number].Length)), $"body {number}");
        }
        Assert.Equal(bodies.Length, peer.Ended.Distinct().Count());
        Assert.Empty(peer.Resets);
        Assert.All(peer.Frames.Where(frame => frame.Type == FrameType.Data),
            frame => Assert.InRange(frame.Payload.Length, 0, Http2Limits.PayloadBytes));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_file_that_changes_while_it_is_sent_is_reset_and_never_completed(bool shrinks)
    {
        Various handler = new([(MostBody, 2), (10, 0)]);
        Http2Peer peer = new Http2Peer(handler).Send(Setting(4, 50_000), Get(1, "/0"), Get(3, "/1"));
        Assert.Equal([3], peer.Ended);
        if (shrinks) handler.File!.Length = 60_000;
        else handler.File!.IsUnchanged = false;
        peer.Send(Update(1, 2 * MostBody), Update(0, 2 * MostBody));
        Assert.Equal(Fault.Internal, peer.Resets[1]);
        Assert.DoesNotContain(1, peer.Ended);
        Assert.Equal(1, handler.File.Releases);
        Assert.Equal([3, 5], peer.Send(Get(5, "/1")).Ended);
    }

    [Fact]
    public void A_window_made_smaller_holds_back_what_was_allowed_before()
    {
        Http2Peer peer = new Http2Peer(new Various([(MostBody, 0)])).Send(Setting(4, 10_000), Get(1, "/0"));
        Assert.Equal(10_000, peer.Bodies[1].Count);
        peer.Send(Setting(4, 2_000), Update(1, 8_000));
        Assert.Equal(10_000, peer.Bodies[1].Count);
        Assert.Equal(10_001, peer.Send(Update(1, 1)).Bodies[1].Count);
        Assert.Equal(15_001, peer.Send(Setting(4, 7_000)).Bodies[1].Count);
    }

    private static void AssertWithin(Http2Peer peer, long connection) =>
        Assert.InRange(peer.Read().Bodies.Values.Sum(body => body.Count), 0, connection);

    private static int Stream(int number) => (2 * number) + 1;

    // Bodies from memory, in pieces, or from a file; each with bytes of its own.
    private sealed class Various((int Length, int Kind)[] bodies) : IHttpHandler
    {
        public Content? File { get; private set; }

        public static byte[] Bytes(int number, int length)
        {
            byte[] bytes = new byte[length];
            for (int at = 0; at < length; at++) bytes[at] = (byte)((at * 31) + (at >> 8) + number);
            return bytes;
        }

        public void Handle(in Request request, Response response, IPeer peer)
        {
            int number = int.Parse(request.Path[1..], System.Globalization.CultureInfo.InvariantCulture);
            (int length, int kind) = bodies[number];
            response.Begin(HttpStatus.Ok);
            byte[] bytes = Bytes(number, length);
            if (kind == 2) response.EndWithFile(File = new Content(bytes), 0, length);
            else if (kind == 1 || length > 30_000) response.EndWithPieces(new PageSource(bytes), length);
            else response.End(bytes);
        }
    }

    // A file in memory that can change.
    private sealed class Content(byte[] bytes) : IFileSource
    {
        public SafeFileHandle Handle => new(-1, ownsHandle: false);

        public int Length { get; set; } = bytes.Length;

        public bool IsUnchanged { get; set; } = true;

        public int Releases { get; private set; }

        public int Read(Span<byte> buffer, long offset)
        {
            int length = (int)Math.Min(buffer.Length, Math.Max(0, Length - offset));
            bytes.AsSpan((int)offset, length).CopyTo(buffer);
            return length;
        }

        public bool Unchanged() => IsUnchanged;

        public void Release() => Releases++;
    }
}
