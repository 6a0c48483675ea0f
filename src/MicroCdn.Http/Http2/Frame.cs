using System.Buffers.Binary;

namespace MicroCdn.Http.Http2;

/// <summary>The head of a frame (RFC 9113, section 4.1).</summary>
/// <param name="Length">How many bytes of payload follow.</param>
/// <param name="Type">What it is.</param>
/// <param name="Flags">What its type makes of them.</param>
/// <param name="Stream">The stream, 0 for the connection.</param>
internal readonly record struct Frame(int Length, FrameType Type, byte Flags, int Stream)
{
    /// <summary>The length of a frame's head in bytes.</summary>
    public const int HeadBytes = 9;

    /// <summary>DATA and HEADERS: the last frame of its side of the stream.</summary>
    public const byte EndStream = 0x1;

    /// <summary>SETTINGS and PING: an answer to one.</summary>
    public const byte Acknowledged = 0x1;

    /// <summary>HEADERS and CONTINUATION: the header block ends.</summary>
    public const byte EndHeaders = 0x4;

    /// <summary>DATA and HEADERS: padding follows.</summary>
    public const byte Padded = 0x8;

    /// <summary>HEADERS: five bytes of priority come first.</summary>
    public const byte Prioritized = 0x20;

    /// <summary>Reads a head of nine bytes.</summary>
    public static Frame Read(ReadOnlySpan<byte> head) => new((head[0] << 16) | (head[1] << 8) | head[2],
        (FrameType)head[3], head[4], BinaryPrimitives.ReadInt32BigEndian(head[5..]) & int.MaxValue);

    /// <summary>Writes it.</summary>
    public void Write(Span<byte> head)
    {
        BinaryPrimitives.WriteInt32BigEndian(head, (Length << 8) | (byte)Type);
        head[4] = Flags;
        BinaryPrimitives.WriteInt32BigEndian(head[5..], Stream);
    }

    /// <summary>True when the flag is set.</summary>
    public bool Has(byte flag) => (Flags & flag) != 0;
}

/// <summary>The types of frames (RFC 9113, section 6); all others are passed over.</summary>
internal enum FrameType : byte
{
    Data,
    Headers,
    Priority,
    Reset,
    Settings,
    PushPromise,
    Ping,
    GoAway,
    WindowUpdate,
    Continuation,
}

/// <summary>Why a stream or a connection ends (RFC 9113, section 7).</summary>
internal enum Fault
{
    /// <summary>None: NO_ERROR.</summary>
    None = 0x0,
    Protocol = 0x1,
    Internal = 0x2,
    FlowControl = 0x3,
    StreamClosed = 0x5,
    FrameSize = 0x6,
    Refused = 0x7,
    Compression = 0x9,

    /// <summary>The peer makes work of no use: ENHANCE_YOUR_CALM.</summary>
    EnhanceYourCalm = 0xB,
}
