using System.Buffers.Binary;
using BenchmarkDotNet.Attributes;
using MicroCdn.Http;
using MicroCdn.Network;
using Microsoft.Extensions.Logging.Abstractions;

namespace MicroCdn.Bench;

/// <summary>A request for 1 KiB through a conversation, from the bytes that came to those that leave.</summary>
[MemoryDiagnoser]
public class MicroRequests
{
    private const int Batch = 10;
    private const int UpdateBytes = 13, FrameBytes = 14, StreamAt = 5;

    private const string Line = "GET /releases/1/file.bin HTTP/1.1\r\nHost: localhost:8443\r\n"
        + "User-Agent: h2load nghttp2/1.52.0\r\n\r\n";

    private readonly byte[] _lines = System.Text.Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(Line, Batch)));

    private HttpService _service = null!;
    private Network.Conversation _http1 = null!;
    private Network.Conversation _http2 = null!;
    private byte[] _frames = [];
    private int _stream;

    /// <summary>Begins both conversations.</summary>
    [GlobalSetup]
    public void Begin()
    {
        _service = new HttpService(new Kibibyte(), new TrustedNetworks([]),
            new Complaints(NullLogger.Instance, TimeProvider.System), TimeProvider.System);
        _http1 = _service.Begin(new Loopback(), new Answer(new BufferPool(), null), 0);
        _http2 = Greet();
        // As h2load has it from its second request on: every field by its number.
        byte[] frame = [0, 0, 5, 1, 5, 0, 0, 0, 0, 0x82, 0x87, 0xC0, 0xBF, 0xBE];
        // And the window for what the last ten took.
        byte[] update = [0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, Batch * 4, 0];
        _frames = [.. update, .. Enumerable.Repeat(frame, Batch).SelectMany(one => one)];
    }

    /// <summary>Ten HTTP/1.1 requests in one read.</summary>
    [Benchmark(OperationsPerInvoke = Batch, Baseline = true)]
    public void Http1()
    {
        _http1.Receive(_lines, Environment.TickCount64);
        Drain(_http1);
    }

    /// <summary>Ten HTTP/2 requests in one read.</summary>
    [Benchmark(OperationsPerInvoke = Batch)]
    public void Http2()
    {
        if (_stream > int.MaxValue - (4 * Batch)) _http2 = Greet();
        for (int at = UpdateBytes + StreamAt; at < _frames.Length; at += FrameBytes)
        {
            BinaryPrimitives.WriteInt32BigEndian(_frames.AsSpan(at), _stream += 2);
        }
        _http2.Receive(_frames, Environment.TickCount64);
        Drain(_http2);
    }

    internal static void Drain(Network.Conversation conversation)
    {
        do
        {
            conversation.Continue(Environment.TickCount64);
            if (conversation.Answer.UnsentBytes == 0) throw new BenchException("Nothing was answered.");
            conversation.Answer.TextSent(conversation.Answer.UnsentBytes);
        }
        while (conversation.HasMore);
    }

    // A client with windows beyond all need, that has its fields remembered.
    private Network.Conversation Greet()
    {
        Network.Conversation conversation = _service.Http2.Begin(new Loopback(), new Answer(new BufferPool(), null), 0);
        byte[] block = [0x82, 0x87, .. Field(4, "/releases/1/file.bin"u8), .. Field(1, "localhost:8443"u8),
            .. Field(58, "h2load nghttp2/1.52.0"u8)];
        conversation.Receive([.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, 0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0x3F, 0, 0, 0,
            0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, (byte)block.Length, 1, 5, 0, 0, 0, 1, .. block], 0);
        _stream = 1;
        conversation.Answer.TextSent(conversation.Answer.UnsentBytes);
        return conversation;
    }

    private static byte[] Field(byte name, ReadOnlySpan<byte> value) =>
        [(byte)(0x40 | name), (byte)value.Length, .. value];
}
