using System.Buffers.Binary;
using System.Text;
using MicroCdn.Http;
using MicroCdn.Http.Exchanges;
using MicroCdn.Http.Http2;
using MicroCdn.Network;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Http.Http2;

/// <summary>The client's side of an HTTP/2 connection: it writes frames, and reads those that come.</summary>
internal sealed class Http2Peer
{
    public const byte EndStream = 1, EndHeaders = 4, Padded = 8, Prioritized = 0x20;

    private readonly HeaderDecoder _decoder = new();
    private readonly List<byte> _block = [];
    private int _read;

    public Http2Peer(IHttpHandler handler, bool greets = true, IExchangeListener? listener = null)
    {
        FakeTimeProvider time = new();
        Service = new HttpService(handler, new TrustedNetworks([]), new Complaints(Log, time), time)
        {
            Listener = listener,
        };
        Wire = new Wire(Service.Http2);
        if (greets) Send(Preface, Frame(FrameType.Settings, 0, 0));
    }

    /// <summary>How many bytes were frames that are whole.</summary>
    public int ReadBytes => _read;

    public static byte[] Preface { get; } = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();

    public LogBook Log { get; } = new();

    public HttpService Service { get; }

    public Wire Wire { get; }

    /// <summary>The heads of answers by stream, as <c>:status: 200|name: value</c>.</summary>
    public Dictionary<int, string> Heads { get; } = [];

    /// <summary>Interim heads in their order.</summary>
    public List<string> Interim { get; } = [];

    /// <summary>The bodies of answers by stream.</summary>
    public Dictionary<int, List<byte>> Bodies { get; } = [];

    /// <summary>The streams whose answers are whole.</summary>
    public List<int> Ended { get; } = [];

    /// <summary>The streams that were reset, and why.</summary>
    public Dictionary<int, Fault> Resets { get; } = [];

    /// <summary>Why the connection ends, once it does.</summary>
    public Fault? Farewell { get; private set; }

    /// <summary>All frames in their order.</summary>
    public List<(FrameType Type, byte Flags, int Stream, byte[] Payload)> Frames { get; } = [];

    public static byte[] Frame(FrameType type, byte flags, int stream, params byte[] payload)
    {
        byte[] frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, (payload.Length << 8) | (byte)type);
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, 9);
        return frame;
    }

    public static byte[] Number(FrameType type, int stream, int number)
    {
        byte[] payload = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(payload, number);
        return Frame(type, 0, stream, payload);
    }

    public static byte[] Update(int stream, int increment) => Number(FrameType.WindowUpdate, stream, increment);

    public static byte[] Reset(int stream) => Number(FrameType.Reset, stream, 8);

    public static byte[] Setting(ushort id, uint value)
    {
        byte[] payload = new byte[6];
        BinaryPrimitives.WriteUInt16BigEndian(payload, id);
        BinaryPrimitives.WriteUInt32BigEndian(payload.AsSpan(2), value);
        return Frame(FrameType.Settings, 0, 0, payload);
    }

    /// <summary>Fields as literals without indexing, each as <c>name: value</c>.</summary>
    public static byte[] Block(params string[] fields) => [.. fields.SelectMany(field =>
    {
        int colon = field.IndexOf(": ", 1, StringComparison.Ordinal);
        return (byte[])[0, .. Text(field[..colon]), .. Text(field[(colon + 2)..])];
    })];

    public static byte[] Request(int stream, byte flags, params string[] fields) =>
        Frame(FrameType.Headers, flags, stream, Block(fields));

    public static byte[] Get(int stream, string path, params string[] more) => Request(stream, EndStream | EndHeaders,
        [":method: GET", ":scheme: https", ":authority: x", $":path: {path}", .. more]);

    public Http2Peer Send(params byte[][] frames)
    {
        Wire.Receive(frames.SelectMany(frame => frame).ToArray());
        return Read();
    }

    /// <summary>Time goes by, and deadlines are looked at.</summary>
    public Http2Peer Pass(long milliseconds)
    {
        Wire.Now += milliseconds;
        Wire.Conversation.Expire(Wire.Now);
        Wire.Turn();
        return Read();
    }

    public string Body(int stream) => Encoding.UTF8.GetString(Bodies[stream].ToArray());

    /// <summary>Reads what was sent since the last call.</summary>
    public Http2Peer Read()
    {
        while (Wire.SentSince(_read) is { Length: >= 9 } sent)
        {
            Frame head = MicroCdn.Http.Http2.Frame.Read(sent);
            if (sent.Length < 9 + head.Length) break;
            byte[] payload = sent.Slice(9, head.Length).ToArray();
            _read += 9 + head.Length;
            Frames.Add((head.Type, head.Flags, head.Stream, payload));
            Note(head, payload);
        }
        return this;
    }

    private void Note(Frame head, byte[] payload)
    {
        switch (head.Type)
        {
            case FrameType.Headers or FrameType.Continuation:
                _block.AddRange(payload);
                if (head.Has(EndHeaders)) NoteHead(head.Stream);
                break;
            case FrameType.Data:
                Assert.DoesNotContain(head.Stream, Ended);
                Bodies[head.Stream].AddRange(payload);
                break;
            case FrameType.Reset:
                Resets[head.Stream] = (Fault)BinaryPrimitives.ReadInt32BigEndian(payload);
                break;
            case FrameType.GoAway:
                Farewell = (Fault)BinaryPrimitives.ReadInt32BigEndian(payload.AsSpan(4));
                break;
        }
        if (head.Type is FrameType.Headers or FrameType.Data && head.Has(EndStream)) Ended.Add(head.Stream);
    }

    private void NoteHead(int stream)
    {
        string fields = HeaderDecoderTests.Decode(_decoder, [.. _block])!;
        _block.Clear();
        if (fields.StartsWith(":status: 1", StringComparison.Ordinal))
        {
            Interim.Add(fields);
            return;
        }
        Heads.Add(stream, fields);
        Bodies.Add(stream, []);
    }

    private static byte[] Text(string text)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(text);
        int more = bytes.Length - 127;
        return more < 0 ? [(byte)bytes.Length, .. bytes]
            : more < 0x80 ? [127, (byte)more, .. bytes]
            : [127, (byte)((more & 0x7F) | 0x80), (byte)((more >> 7) & 0x7F | 0x80), (byte)(more >> 14), .. bytes];
    }
}
