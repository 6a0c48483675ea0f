using System.Buffers.Binary;
using MicroCdn.Network;

namespace MicroCdn.Http.Http2;

/// <summary>One HTTP/2 connection: frames in, frames out (RFC 9113).</summary>
/// <remarks>Here is what concerns the connection: its preface, settings, and the order of frames. What concerns a
/// stream is in <see cref="Http2Streams"/>. Every refusal of the connection is a GOAWAY with its reason.</remarks>
internal sealed class Http2Conversation : Conversation
{
    private static readonly byte[] Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();

    private readonly HttpService _service;
    private readonly IPeer _peer;
    private readonly FrameWriter _writer;
    private readonly FrameBudget _budget;
    private readonly Http2Streams _streams;
    private readonly HeaderBlock _block = new();
    private bool _greeted;
    private bool _hasSettings;
    private bool _leaves;
    private bool _isRead;
    private long _idleSince;
    private long _readSince;
    private long _readBytes;

    public Http2Conversation(HttpService service, IPeer peer, Answer answer, long now) : base(answer, now)
    {
        (_service, _peer, _idleSince, _readSince) = (service, peer, now, now);
        _writer = new FrameWriter(answer);
        _budget = new FrameBudget(now);
        _streams = new Http2Streams(service, peer, answer, _writer, _budget);
        _writer.Settings();
    }

    /// <inheritdoc/>
    public override bool ReadsWhileSending => true;

    /// <inheritdoc/>
    public override bool IsSending => base.IsSending || _streams.IsSending;

    /// <inheritdoc/>
    protected override bool Blocks => base.Blocks || _streams.IsFull;

    /// <inheritdoc/>
    protected override bool IsEager => !Answer.Closing && _streams.IsEager;

    /// <inheritdoc/>
    protected override bool IsBusy => _streams.IsBusy;

    /// <inheritdoc/>
    protected override long Deadline
    {
        get
        {
            long due = _streams.Deadline;
            if (Answer.IsPending) return Math.Min(due, _readSince + Milliseconds(HttpLimits.ReadTime));
            due = Math.Min(due, SilentUntil);
            return _streams.Count > 0 ? due : Math.Min(due, _idleSince + Milliseconds(HttpLimits.IdleTime));
        }
    }

    /// <summary>Refuses the connection itself.</summary>
    public Http2Conversation Refused(Fault fault)
    {
        Fail(fault);
        return this;
    }

    /// <inheritdoc/>
    public override void Progress(long bytes, long now)
    {
        base.Progress(bytes, now);
        _readBytes += bytes;
        // What was answered is still being read. What acknowledges PING alone buys no time.
        if (_isRead) _idleSince = now;
        if (!HasUnacknowledged && _streams.Count == 0) _isRead = false;
    }

    /// <inheritdoc/>
    public override void End()
    {
        _streams.Clear();
        base.End();
        _service.Ended(_peer);
    }

    /// <inheritdoc/>
    protected override int Take(ReadOnlySpan<byte> input, long now)
    {
        if (!_greeted) return TakePreface(input);
        if (input.Length < Frame.HeadBytes) return 0;
        Frame frame = Frame.Read(input);
        if (frame.Length > Http2Limits.PayloadBytes) return Fail(Fault.FrameSize);
        int length = Frame.HeadBytes + frame.Length;
        if (input.Length < length) return 0;
        JudgeReader(now);
        Fault fault = Take(frame, input[Frame.HeadBytes..length], now);
        if (fault != Fault.None) return Fail(fault);
        if (_leaves && _streams.Count == 0) Answer.Close();
        return length;
    }

    /// <inheritdoc/>
    protected override void Proceed(long now)
    {
        if (Answer.Closing || _streams.Count == 0) return;
        JudgeReader(now);
        _streams.Proceed(now);
        (_idleSince, _isRead) = (now, true);
        if (_leaves && _streams.Count == 0) Answer.Close();
    }

    /// <inheritdoc/>
    protected override void Late(long now)
    {
        bool isPending = Answer.IsPending;
        if (isPending && now >= _readSince + Milliseconds(HttpLimits.ReadTime))
        {
            if (_readBytes < HttpLimits.ReadBytes)
            {
                _streams.Clear();
                Answer.Discard();
                return;
            }
            (_readSince, _readBytes) = (now, 0);
        }
        // What is written now has not been refused yet.
        JudgeReader(now);
        Fault fault = _streams.Late(now);
        if (!isPending && now >= SilentUntil) fault = Fault.EnhanceYourCalm;
        if (fault != Fault.None) Fail(fault);
        else if (!isPending && _streams.Count == 0 && now >= _idleSince + Milliseconds(HttpLimits.IdleTime))
        {
            Answer.Write(FrameWriter.GoAway(_streams.Last, Fault.None));
            Answer.Close();
        }
    }

    // When what has begun to come must be here: a frame, and a header block of several.
    private long SilentUntil
    {
        get
        {
            long since = AwaitsMessage || !_hasSettings ? MessageSince : long.MaxValue;
            if (_block.IsOpen) since = Math.Min(since, _block.Since);
            return since == long.MaxValue ? since : since + Milliseconds(HttpLimits.HeadTime);
        }
    }

    private static long Milliseconds(TimeSpan time) => (long)time.TotalMilliseconds;

    // Whoever had taken all is judged from where there is something to take again.
    private void JudgeReader(long now)
    {
        if (!Answer.IsPending) (_readSince, _readBytes) = (now, 0);
    }

    private int TakePreface(ReadOnlySpan<byte> input)
    {
        if (!Preface.AsSpan().StartsWith(input[..Math.Min(input.Length, Preface.Length)])) return Fail(Fault.Protocol);
        if (input.Length < Preface.Length) return 0;
        _greeted = true;
        return Preface.Length;
    }

    private int Fail(Fault fault)
    {
        _service.Complaints.Add($"refused an HTTP/2 connection of {_peer.Remote}: {fault}");
        _streams.Clear();
        Refuse(FrameWriter.GoAway(_streams.Last, fault));
        return 0;
    }

    private Fault Take(Frame frame, ReadOnlySpan<byte> payload, long now)
    {
        // The first frame is SETTINGS (section 3.4), and a header block is not interrupted (section 4.3).
        bool isFirst = !_hasSettings;
        if (isFirst && (frame.Type != FrameType.Settings || frame.Has(Frame.Acknowledged))) return Fault.Protocol;
        if (_block.IsOpen && (frame.Type != FrameType.Continuation || frame.Stream != _block.Stream))
        {
            return Fault.Protocol;
        }
        bool isFree = frame.Type is FrameType.Data or FrameType.Headers or FrameType.WindowUpdate;
        if (!isFree && !_budget.TryControl(now)) return Fault.EnhanceYourCalm;
        return frame.Type switch
        {
            FrameType.Data => TakeData(frame, payload, now),
            FrameType.Headers => TakeHeaders(frame, payload, now),
            FrameType.Priority => TakePriority(frame),
            FrameType.Reset => frame.Stream == 0 ? Fault.Protocol : frame.Length != 4 ? Fault.FrameSize
                : _streams.TakeReset(frame.Stream, now),
            FrameType.Settings => TakeSettings(frame, payload, now),
            FrameType.PushPromise => Fault.Protocol,
            FrameType.Ping => TakePing(frame, payload),
            FrameType.GoAway => TakeGoAway(frame),
            FrameType.WindowUpdate => TakeWindowUpdate(frame, payload, now),
            FrameType.Continuation => TakeContinuation(frame, payload, now),
            _ => Fault.None,
        };
    }

    private Fault TakeData(Frame frame, ReadOnlySpan<byte> payload, long now)
    {
        if (frame.Stream == 0 || !TryUnpad(frame, ref payload)) return Fault.Protocol;
        return _streams.TakeData(frame.Stream, frame.Has(Frame.EndStream), frame.Length, payload, now);
    }

    private Fault TakeHeaders(Frame frame, ReadOnlySpan<byte> payload, long now)
    {
        // Clients begin streams with odd numbers (section 5.1.1).
        if (frame.Stream % 2 == 0 || !TryUnpad(frame, ref payload)) return Fault.Protocol;
        if (frame.Has(Frame.Prioritized))
        {
            const int priorityBytes = 5;
            if (payload.Length < priorityBytes) return Fault.FrameSize;
            payload = payload[priorityBytes..];
        }
        (_idleSince, _isRead) = (now, true);
        bool ends = frame.Has(Frame.EndStream);
        if (frame.Has(Frame.EndHeaders)) return _streams.TakeHeaders(frame.Stream, ends, payload, now);
        _block.Begin(frame.Stream, ends, payload, now);
        return Fault.None;
    }

    private Fault TakeContinuation(Frame frame, ReadOnlySpan<byte> payload, long now)
    {
        if (!_block.IsOpen) return Fault.Protocol;
        if (!_block.TryAdd(payload)) return Fault.EnhanceYourCalm;
        if (!frame.Has(Frame.EndHeaders)) return Fault.None;
        Fault fault = _streams.TakeHeaders(_block.Stream, _block.EndsStream, _block.Bytes, now);
        _block.End();
        return fault;
    }

    // Priorities are not followed (section 5.3.2); a frame of another length concerns its stream, which may not exist.
    private static Fault TakePriority(Frame frame) =>
        frame.Stream == 0 ? Fault.Protocol : frame.Length != 5 ? Fault.FrameSize : Fault.None;

    private Fault TakeSettings(Frame frame, ReadOnlySpan<byte> payload, long now)
    {
        const int settingBytes = 6, mostForFree = 16;
        const ushort enablePush = 0x2, initialWindow = 0x4, mostFrameBytes = 0x5;
        if (frame.Stream != 0) return Fault.Protocol;
        if (frame.Has(Frame.Acknowledged)) return frame.Length == 0 ? Fault.None : Fault.FrameSize;
        if (frame.Length % settingBytes != 0) return Fault.FrameSize;
        _hasSettings = true;
        for (int number = 0; !payload.IsEmpty; payload = payload[settingBytes..], number++)
        {
            if (number >= mostForFree && !_budget.TryControl(now)) return Fault.EnhanceYourCalm;
            uint value = BinaryPrimitives.ReadUInt32BigEndian(payload[2..]);
            Fault fault = BinaryPrimitives.ReadUInt16BigEndian(payload) switch
            {
                enablePush when value > 1 => Fault.Protocol,
                initialWindow => value > int.MaxValue ? Fault.FlowControl : _streams.TakeInitialWindow((int)value),
                mostFrameBytes when value is < Http2Limits.PayloadBytes or >= 1 << 24 => Fault.Protocol,
                _ => Fault.None,
            };
            if (fault != Fault.None) return fault;
        }
        _writer.Write(FrameType.Settings, Frame.Acknowledged, 0, default);
        return Fault.None;
    }

    private Fault TakePing(Frame frame, ReadOnlySpan<byte> payload)
    {
        if (frame.Stream != 0) return Fault.Protocol;
        if (frame.Length != 8) return Fault.FrameSize;
        if (!frame.Has(Frame.Acknowledged)) _writer.Write(FrameType.Ping, Frame.Acknowledged, 0, payload);
        return Fault.None;
    }

    // The client begins no more streams; those that are open come to their end (section 6.8).
    private Fault TakeGoAway(Frame frame)
    {
        if (frame.Stream != 0) return Fault.Protocol;
        if (frame.Length < 8) return Fault.FrameSize;
        _leaves = true;
        return Fault.None;
    }

    private Fault TakeWindowUpdate(Frame frame, ReadOnlySpan<byte> payload, long now)
    {
        if (frame.Length != 4) return Fault.FrameSize;
        int increment = BinaryPrimitives.ReadInt32BigEndian(payload) & int.MaxValue;
        if (!_budget.TryUpdate(increment, now)) return Fault.EnhanceYourCalm;
        if (frame.Stream != 0) return _streams.TakeUpdate(frame.Stream, increment, now);
        if (increment == 0) return Fault.Protocol;
        _writer.Window += increment;
        return _writer.Window > int.MaxValue ? Fault.FlowControl : Fault.None;
    }

    // Section 6.1: padding that is as long as the frame, or longer, is an error.
    private static bool TryUnpad(Frame frame, ref ReadOnlySpan<byte> payload)
    {
        if (!frame.Has(Frame.Padded)) return true;
        if (payload.IsEmpty || payload[0] >= payload.Length) return false;
        payload = payload[1..^payload[0]];
        return true;
    }

    // A header block that came in several frames.
    private sealed class HeaderBlock
    {
        private byte[] _bytes = [];
        private int _length;

        /// <summary>True while more of it is to come.</summary>
        public bool IsOpen { get; private set; }

        public int Stream { get; private set; }

        public bool EndsStream { get; private set; }

        public long Since { get; private set; }

        public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

        public void Begin(int stream, bool ends, ReadOnlySpan<byte> first, long now)
        {
            (IsOpen, Stream, EndsStream, Since, _length) = (true, stream, ends, now, 0);
            TryAdd(first);
        }

        /// <summary>Adds what came; false when it is too much.</summary>
        public bool TryAdd(ReadOnlySpan<byte> more)
        {
            if (more.Length > Http2Limits.BlockBytes - _length) return false;
            int needed = _length + more.Length;
            if (_bytes.Length < needed) Array.Resize(ref _bytes, Math.Max(1024, 2 * needed));
            more.CopyTo(_bytes.AsSpan(_length));
            _length += more.Length;
            return true;
        }

        public void End() => (IsOpen, _bytes, _length) = (false, [], 0);
    }
}
