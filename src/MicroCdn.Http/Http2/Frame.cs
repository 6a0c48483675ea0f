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

/// <summary>Every bound on an HTTP/2 connection, beside those of HTTP itself.</summary>
internal static class Http2Limits
{
    /// <summary>Streams open at once: what browsers are used to, and RFC 9113, section 6.5.2 asks for at
    /// least.</summary>
    public const int Streams = 100;

    /// <summary>The longest payload taken and sent: the least that must be taken. Larger ones would only let others
    /// wait.</summary>
    public const int PayloadBytes = 16 * 1024;

    /// <summary>The longest frame of a body: with its head one TLS record exactly.</summary>
    public const int DataBytes = PayloadBytes - Frame.HeadBytes;

    /// <summary>The longest header block, and the longest list of fields as RFC 9113, section 10.5.1 counts it: a head
    /// of <see cref="HttpLimits.HeadBytes"/> with 100 fields.</summary>
    public const int BlockBytes = 32 * 1024;

    /// <summary>A body up to here is let come before it is refused: some clients take an early reset for a broken
    /// connection, and never read the answer.</summary>
    public const int BodyBytes = 32 * 1024;

    /// <summary>Heads kept while their requests still come, of all streams together.</summary>
    public const int KeptHeads = 64 * 1024;

    /// <summary>What a window is at first (RFC 9113, section 6.9.2).</summary>
    public const int Window = 65_535;

    /// <summary>What a client may have sent for streams already reset: so many are remembered.</summary>
    public const int Resets = 32;

    /// <summary>A window opened by less is a crumb.</summary>
    public const int Crumb = 1024;

    /// <summary>Who opens streams, and less than this for them in <see cref="WindowTime"/>, only holds them.</summary>
    public const int LeastGranted = 4096;

    /// <inheritdoc cref="LeastGranted"/>
    public static readonly TimeSpan WindowTime = TimeSpan.FromSeconds(4);
}
