using System.Buffers;
using System.Text.Unicode;
using MicroCdn.Protocol;

namespace MicroCdn.Network;

/// <summary>Turns the bytes of one connection into lines for its session, within the limits of the wire.</summary>
/// <remarks>A line is refused, and the connection closed, when it is too long, holds a control character or is no
/// UTF-8. Raw bytes that a session expects behind a line are handed to whoever waits for them, and not read on while
/// he is behind.</remarks>
internal sealed class LineConversation : Conversation
{
    private const byte Delete = 0x7F;
    private static readonly SearchValues<byte> Controls =
        SearchValues.Create([.. Enumerable.Range(0, 0x20).Select(b => (byte)b), Delete]);

    private readonly ILineSession _session;
    private readonly Complaints _complaints;
    private readonly IPeer _peer;
    private int _foreseen;

    public LineConversation(ILineService service, IPeer peer, Answer answer, long now) : base(answer, now)
    {
        _peer = peer;
        _complaints = service.Complaints;
        _session = service.Open(peer);
    }

    protected override long Deadline
    {
        get
        {
            if (Answer.IsPending) return ActiveAt + (long)Limits.StallTime.TotalMilliseconds;
            if (Answer.Waits) return long.MaxValue;
            if (_session.IsOver) return 0;
            if (_session.Incoming is { IsOpen: true } incoming)
            {
                return incoming.IsFull ? long.MaxValue : ActiveAt + (long)Limits.StallTime.TotalMilliseconds;
            }
            if (AwaitsMessage) return MessageSince + (long)Limits.LineTime.TotalMilliseconds;
            return _session.MayIdle ? long.MaxValue : ActiveAt + (long)Limits.IdleTime.TotalMilliseconds;
        }
    }

    protected override bool Blocks => base.Blocks || _session.Incoming is { IsOpen: true, IsFull: true };

    public override void End()
    {
        base.End();
        _session.End();
    }

    protected override int Take(ReadOnlySpan<byte> input, long now)
    {
        if (_session.Incoming is { IsOpen: true } incoming) return incoming.Push(input, Answer);
        int length = input.IndexOf((byte)'\n');
        if (length < 0 ? input.Length >= Limits.LineBytes : length >= Limits.LineBytes)
        {
            return Refuse(WireErrors.LineTooLong, input);
        }
        if (length < 0) return 0;

        ReadOnlySpan<byte> line = input[..length];
        if (!line.IsEmpty && line[^1] == '\r') line = line[..^1];
        if (line.ContainsAny(Controls) || !Utf8.IsValid(line)) return Refuse(WireErrors.BadLine, line);
        if (_foreseen > 0) _foreseen--;
        else if (length + 1 < input.Length) _foreseen = _session.Foresee(input) - 1;
        _session.Handle(line, Answer);
        return length + 1;
    }

    // Nobody wants the rest: what still comes would be taken for lines.
    protected override void Proceed(long now)
    {
        if (_session.Incoming is { Refusal: { } error } && !Answer.Closing) Refuse(error.Line.Span);
    }

    // With an error for an unfinished line, silently when idle or over.
    protected override void Late(long now)
    {
        if (Answer.IsPending)
        {
            _complaints.Add(
                $"closed {_peer.Remote}: it read nothing of its answer for {Limits.StallTime.TotalSeconds} s");
            Answer.Discard();
        }
        else if (AwaitsMessage && !_session.IsOver) Refuse(WireErrors.Timeout, Unfinished);
        else Answer.Close();
    }

    private int Refuse(WireError error, ReadOnlySpan<byte> line)
    {
        _complaints.Add(_peer, error, line);
        Refuse(error.Line.Span);
        return 0;
    }
}
