using System.IO.Pipelines;
using MicroCdn.Http;
using MicroCdn.Network;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Http;

/// <summary>Answers over a stream as a TLS one is, whose reader stops for a while, or for ever.</summary>
public sealed class PausingReaderTests : IDisposable
{
    private const int Length = 300_000;
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);

    private readonly FakeTimeProvider _time = new();
    private readonly PipeCarrier _carrier;
    private readonly Pipe _up = new();
    private readonly Pipe _down = new(new PipeOptions(pauseWriterThreshold: 64 * 1024, resumeWriterThreshold: 1));

    public PausingReaderTests() => _carrier = new PipeCarrier(_time);

    public void Dispose() => _carrier.Dispose();

    [Fact]
    public async Task A_reader_that_takes_nothing_over_30_s_is_given_up()
    {
        Task<bool> running = await BeginAsync();
        // What was taken at once counts for the first stretch.
        Pass(59);
        Assert.False(running.IsCompleted);
        Pass(2);
        Assert.False(await running.WaitAsync(Bound));
    }

    [Fact]
    public async Task A_reader_that_pauses_gets_every_byte_once()
    {
        Task<bool> running = await BeginAsync();
        List<byte> got = [];
        int head = 0;
        while (head == 0 || got.Count < head + Length)
        {
            ReadResult read = await _down.Reader.ReadAsync().AsTask().WaitAsync(Bound);
            if (head == 0) Pass(31);
            foreach (ReadOnlyMemory<byte> part in read.Buffer) got.AddRange(part.Span);
            _down.Reader.AdvanceTo(read.Buffer.End);
            if (head == 0) head = got.ToArray().AsSpan().IndexOf("\r\n\r\n"u8) + 4;
        }
        got.RemoveRange(0, head);
        Assert.Equal(Enumerable.Range(0, Length).Select(At), got);
        await _up.Writer.CompleteAsync();
        Assert.True(await running.WaitAsync(Bound));
    }

    // In steps as the deadlines are looked at.
    private void Pass(int seconds)
    {
        for (int half = 0; half < 2 * seconds; half++) _time.Advance(TimeSpan.FromMilliseconds(500));
    }

    private static byte At(int place) => (byte)(place % 251);

    // When this returns the stream takes no more: everything up to there happens on the caller's thread.
    private async Task<Task<bool>> BeginAsync()
    {
        await _up.Writer.WriteAsync("GET / HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray());
        HttpService service = new(new Large(), new TrustedNetworks([]), new Complaints(new LogBook(), _time), _time);
        Duplex stream = new(_up.Reader, PipeWriter.Create(_down.Writer.AsStream()));
        return _carrier.RunAsync(stream, service, Peer.Loopback, null, default);
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;

    private sealed class Large : IHttpHandler
    {
        public void Handle(in Request request, Response response, IPeer peer)
        {
            response.Begin(HttpStatus.Ok);
            response.EndWithPieces(new Pieces(), Length);
        }
    }

    private sealed class Pieces : ILineSource
    {
        private int _next;

        public bool Write(Answer answer)
        {
            byte[] piece = [.. Enumerable.Range(_next, Math.Min(4000, Length - _next)).Select(At)];
            answer.Write(piece);
            _next += piece.Length;
            return _next < Length;
        }
    }
}
