using System.Buffers;
using System.Buffers.Binary;
using MicroCdn.Network;

namespace MicroCdn.Http.Http2;

/// <summary>Writes frames into the connection's answer.</summary>
/// <remarks>Every call adds at most one frame, of at most <see cref="Answer.PieceBytes"/>; whoever calls has seen that
/// there is room.</remarks>
internal sealed class FrameWriter(Answer answer)
{
    /// <summary>The length of RST_STREAM, which may have to follow a body at once.</summary>
    public const int ResetBytes = Frame.HeadBytes + 4;

    // A longer head may need more than a frame.
    private const int SmallHead = Http2Limits.PayloadBytes * 3 / 4;

    private bool _hasBlock;

    /// <summary>How many bytes of bodies the client takes over this connection (RFC 9113, section 6.9).</summary>
    public long Window { get; set; } = Http2Limits.Window;

    /// <summary>How many bytes of bodies were written.</summary>
    public long Total { get; private set; }

    /// <summary>Writes our side's preface (section 3.4): the settings in which we differ from what all begin
    /// with.</summary>
    public void Settings()
    {
        const int settingBytes = 6;
        const ushort mostStreams = 0x3, mostHeaderBytes = 0x6, noPriorities = 0x9;
        Span<byte> payload = stackalloc byte[3 * settingBytes];
        Setting(payload, mostStreams, Http2Limits.Streams);
        Setting(payload[settingBytes..], mostHeaderBytes, Http2Limits.BlockBytes);
        Setting(payload[(2 * settingBytes)..], noPriorities, 1);    // RFC 9218, section 2.1
        Write(FrameType.Settings, 0, 0, payload);
    }

    /// <summary>Writes a short frame.</summary>
    public void Write(FrameType type, byte flags, int stream, ReadOnlySpan<byte> payload)
    {
        Span<byte> target = answer.GetSpan();
        new Frame(payload.Length, type, flags, stream).Write(target);
        payload.CopyTo(target[Frame.HeadBytes..]);
        answer.Advance(Frame.HeadBytes + payload.Length);
    }

    /// <summary>Ends a stream (section 6.4).</summary>
    public void Reset(int stream, Fault fault) => WriteNumber(FrameType.Reset, stream, (int)fault);

    /// <summary>Lets the client send more (section 6.9).</summary>
    public void Grant(int stream, int bytes) => WriteNumber(FrameType.WindowUpdate, stream, bytes);

    /// <summary>The last frame of a connection (section 6.8).</summary>
    public static byte[] GoAway(int lastStream, Fault fault)
    {
        byte[] frame = new byte[Frame.HeadBytes + 8];
        new Frame(8, FrameType.GoAway, 0, 0).Write(frame);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(Frame.HeadBytes), lastStream);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(Frame.HeadBytes + 4), (int)fault);
        return frame;
    }

    /// <summary>Writes the head of a stream's answer.</summary>
    /// <returns>True when that is all of it.</returns>
    public bool Head(Http2Stream stream)
    {
        int length = stream.Body.Text.IndexOf("\r\n\r\n"u8) + 2;
        bool isSmall = length <= SmallHead;
        byte[]? rented = isSmall ? null : ArrayPool<byte>.Shared.Rent(2 * length);
        Span<byte> target = isSmall ? answer.GetSpan() : rented;
        ReadOnlySpan<byte> head = stream.Body.Text[..length];
        // The statuses whose length is that of another response (RFC 9110, section 8.6), or none.
        bool hasNoBody = stream.IsHeadOnly || HeaderEncoder.CodeOf(head) is var code
            && (code.SequenceEqual("304"u8) || code.SequenceEqual("204"u8));
        int block = Block(head, target[Frame.HeadBytes..], out long contentLength);
        stream.Body.TakeText(length + 2);
        // A refusal is written for all methods alike.
        if (stream.IsHeadOnly && stream.Body.Answer.IsPending) stream.Body.Answer.Discard();
        bool isAll = !stream.Body.Answer.IsPending && (hasNoBody || contentLength <= 0);
        stream.Left = contentLength;
        byte flags = isAll ? Frame.EndStream : (byte)0;
        if (rented is null)
        {
            new Frame(block, FrameType.Headers, (byte)(flags | Frame.EndHeaders), stream.Id).Write(target);
            answer.Advance(Frame.HeadBytes + block);
        }
        else
        {
            WriteLong(target.Slice(Frame.HeadBytes, block), flags, stream.Id);
            ArrayPool<byte>.Shared.Return(rented);
        }
        return isAll;
    }

    /// <summary>Writes an interim head (section 8.1).</summary>
    public void Inform(int stream, ReadOnlySpan<byte> head)
    {
        Span<byte> target = answer.GetSpan();
        int block = Block(head[..^2], target[Frame.HeadBytes..], out _);
        new Frame(block, FrameType.Headers, Frame.EndHeaders, stream).Write(target);
        answer.Advance(Frame.HeadBytes + block);
    }

    /// <summary>How many bytes of a stream's body may leave now.</summary>
    public int MostData(Http2Stream stream)
    {
        int room = Math.Min(Http2Limits.DataBytes, answer.Room - Frame.HeadBytes - ResetBytes);
        return (int)Math.Max(0, Math.Min(room, Math.Min(Window, stream.Window)));
    }

    /// <summary>Writes the next bytes of a stream's body, as far as windows and room allow.</summary>
    public Progress Data(Http2Stream stream)
    {
        int most = MostData(stream);
        Span<byte> target = answer.GetSpan();
        int length = stream.Body.Read(target.Slice(Frame.HeadBytes, most));
        bool isOver = !stream.Body.Answer.IsPending;
        if (stream.Left >= 0)
        {
            stream.Left -= length;
            // More or less than its head said would be taken for the whole, or for another one's beginning.
            if (stream.Left < 0 || (isOver && stream.Left > 0)) return Progress.Broken;
            isOver |= stream.Left == 0;
        }
        if (stream.Body.IsBroken) return Progress.Broken;
        if (length == 0 && !isOver) return most > 0 ? Progress.Starved : Progress.Some;
        new Frame(length, FrameType.Data, isOver ? Frame.EndStream : (byte)0, stream.Id).Write(target);
        answer.Advance(Frame.HeadBytes + length);
        Window -= length;
        Total += length;
        stream.Window -= length;
        stream.Sent += length;
        if (stream.Exchange is { } exchange)
        {
            exchange.BodyBytes += length;
            exchange.Progress();
        }
        return isOver ? Progress.Over : Progress.Some;
    }

    private int Block(ReadOnlySpan<byte> head, Span<byte> target, out long contentLength)
    {
        if (!_hasBlock) target[0] = HeaderEncoder.NoTable;
        int start = _hasBlock ? 0 : 1;
        _hasBlock = true;
        return start + HeaderEncoder.Encode(head, target[start..], out contentLength);
    }

    // In frames with nothing between them (section 6.10).
    private void WriteLong(ReadOnlySpan<byte> block, byte flags, int stream)
    {
        int frames = 1 + (block.Length / Http2Limits.PayloadBytes);
        answer.Reserve(block.Length + (frames * Frame.HeadBytes) + (2 * Answer.PieceBytes));
        FrameType type = FrameType.Headers;
        while (!block.IsEmpty)
        {
            ReadOnlySpan<byte> payload = block[..Math.Min(block.Length, Http2Limits.PayloadBytes)];
            block = block[payload.Length..];
            if (block.IsEmpty) flags |= Frame.EndHeaders;
            Write(type, flags, stream, payload);
            (type, flags) = (FrameType.Continuation, 0);
        }
    }

    private void WriteNumber(FrameType type, int stream, int number)
    {
        Span<byte> payload = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(payload, number);
        Write(type, 0, stream, payload);
    }

    private static void Setting(Span<byte> target, ushort id, uint value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(target, id);
        BinaryPrimitives.WriteUInt32BigEndian(target[2..], value);
    }
}

/// <summary>What came of a stream's turn.</summary>
internal enum Progress
{
    /// <summary>Some bytes, and more are to come.</summary>
    Some,

    /// <summary>The last bytes.</summary>
    Over,

    /// <summary>None: there are none yet.</summary>
    Starved,

    /// <summary>It cannot be sent to its end.</summary>
    Broken,
}
