using CsCheck;
using MicroCdn.Http;
using MicroCdn.Http.Http2;
using MicroCdn.Network;
using static MicroCdn.Tests.Http.Http2.Http2Peer;

namespace MicroCdn.Tests.Http.Http2;

/// <summary>Whatever a client sends, it gets frames that belong together or a farewell, and costs a bounded
/// memory.</summary>
public sealed class AnythingTests
{
    private static readonly Gen<byte[]> Frames = Gen.OneOf(
        Gen.Select(Gen.Int[0, 12], Gen.Byte, Gen.Int[0, 9], Gen.Byte.Array[0, 40],
            (type, flags, stream, payload) => Frame((FrameType)type, flags, stream, payload)),
        Gen.Select(Gen.Int[0, 30], Gen.Int[0, 3]).Select((stream, path) => Get((2 * stream) + 1, $"/{path}")),
        Gen.Select(Gen.Int[0, 30], Gen.Int[0, 70_000]).Select((stream, increment) => Update(stream, increment)),
        Gen.Select(Gen.Int[1, 6], Gen.Int[0, 100_000]).Select((id, value) => Setting((ushort)id, (uint)value)),
        Gen.Int[0, 30].Select(stream => Reset(stream)),
        Gen.Select(Gen.Int[0, 30], Gen.Int[0, 20_000]).Select((stream, length) =>
            Request((2 * stream) + 1, EndHeaders, ":method: POST", ":scheme: https", ":authority: x", ":path: /0",
                $"content-length: {length}")),
        Gen.Byte.Array[0, 30]);

    [Fact]
    public void Anything_gets_whole_frames_or_a_farewell() => Gen
        .Select(Frames.Array[0, 60], Gen.Int[0, 40_000].Array[60], Gen.Int[0, 20_000].Array[60])
        .Sample((frames, windows, waits) =>
        {
            Http2Peer peer = new(new Sizes());
            for (int number = 0; number < frames.Length && !peer.Wire.Conversation.IsOver; number++)
            {
                peer.Wire.Window = windows[number];
                if (!peer.Wire.Conversation.IsPaused) peer.Send(frames[number]);
                peer.Pass(waits[number]);
                Assert.InRange(peer.Wire.Answer.UnsentBytes, 0, 64 * 1024);
            }
            peer.Wire.Window = long.MaxValue;
            peer.Wire.Turn();
            peer.Read();
            if (!peer.Wire.Answer.Broken) Assert.Equal(peer.Wire.SentLength, peer.ReadBytes);
            if (peer.Wire.Conversation.WasRefused && !peer.Wire.Answer.Broken) Assert.NotNull(peer.Farewell);
            foreach (int stream in peer.Ended)
            {
                string length = peer.Heads[stream].Split("content-length: ")[1].Split('|')[0];
                Assert.Equal(length, $"{peer.Bodies[stream].Count}");
            }
            peer.Wire.Conversation.End();
        }, iter: 500);

    [Fact]
    public void A_hundred_answers_that_nobody_takes_cost_a_bounded_memory()
    {
        Http2Peer peer = new Http2Peer(new Sizes()).Send(Setting(4, 1));
        byte[] requests = [.. Enumerable.Range(0, 100).SelectMany(number => Get((2 * number) + 1, "/2"))];
        long before = GC.GetAllocatedBytesForCurrentThread();
        peer.Wire.Receive(requests);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2_000_000);
    }

    // Small, empty, 8 KiB and 100,000 bytes.
    private sealed class Sizes : IHttpHandler
    {
        private static readonly byte[] Bytes = new byte[100_000];

        public void Handle(in Request request, Response response, IPeer peer)
        {
            response.Begin(HttpStatus.Ok);
            switch (request.Path)
            {
                case [.., (byte)'1']:
                    response.End([]);
                    break;
                case [.., (byte)'2']:
                    response.End(Bytes.AsSpan(0, 8192));
                    break;
                case [.., (byte)'3']:
                    response.EndWithPieces(new PageSource(Bytes), Bytes.Length);
                    break;
                default:
                    response.End("small"u8);
                    break;
            }
        }
    }
}
