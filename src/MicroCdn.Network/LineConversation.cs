using System.Buffers;
using System.Text.Unicode;
using MicroCdn.Protocol;

namespace MicroCdn.Network;

/// <summary>Turns the bytes of one connection into lines for its session, within the limits; it does no I/O.</summary>
/// <remarks>
/// <para>TCP delivers bytes, not lines. What arrives is walked where it lies; only an unfinished line, or lines that
/// must wait for an answer still unsent, are kept aside. A line is refused, and the connection closed, when it is too
/// long, holds a control character or is no UTF-8.</para>
/// <para>The host (a socket, or the fake network of the tests) calls <see cref="Receive"/> with bytes, sends what
/// <see cref="Answer"/> holds, calls <see cref="Continue"/> after sending, and closes when <see cref="IsOver"/>.
/// All times are milliseconds of one monotonic clock.</para>
/// </remarks>
internal sealed class LineConversation
{
    private const byte Delete = 0x7F;
    private static readonly SearchValues<byte> Controls =
        SearchValues.Create([.. Enumerable.Range(0, 0x20).Select(b => (byte)b), Delete]);

    private readonly ILineSession _session;
    private readonly Complaints _complaints;
    private readonly IPeer _peer;
    private byte[]? _held;
    private int _heldLength;
    private long _lineSince;
    private long _activeAt;
    private bool _spoke;
    private bool _inputEnded;

    public LineConversation(ILineService service, IPeer peer, BufferPool pool, long now, Action? completed)
    {
        _peer = peer;
        _complaints = service.Complaints;
        _session = service.Open(peer);
        Answer = new Answer(pool, completed);
        _lineSince = _activeAt = now;
    }

    /// <summary>What is to be sent.</summary>
    public Answer Answer { get; }

    /// <summary>True when the host should not read further input yet.</summary>
    public bool IsPaused => Answer.Blocks;

    /// <summary>True when everything is said and the connection is to be closed.</summary>
    public bool IsOver => Answer.Broken
        || (!Answer.IsPending && !Answer.Waits && (Answer.Closing || (_inputEnded && !HasLine)));

    /// <summary>True when the peer did something refused: it may still be sending, and must be let finish for a
    /// moment.</summary>
    public bool WasRefused { get; private set; }

    /// <summary>True when lines that had to wait can be answered now: <see cref="Continue"/> is due, no input need
    /// come.</summary>
    public bool HasMore => !Answer.Blocks && HasLine;

    private bool HasLine => _held is not null && _held.AsSpan(0, _heldLength).Contains((byte)'\n');

    /// <summary>Takes bytes as they came.</summary>
    public void Receive(ReadOnlySpan<byte> input, long now)
    {
        _activeAt = now;
        if (_held is null)
        {
            int used = Walk(input, now);
            if (used < input.Length && !Answer.Closing) Hold(input[used..], now);
            return;
        }
        Hold(input, now);
        WalkHeld(now);
    }

    /// <summary>Notes that the peer sends no more; lines already here are still answered.</summary>
    public void EndInput() => _inputEnded = true;

    /// <summary>Goes on with lines, lists and postponed answers that had to wait until something was sent.</summary>
    public void Continue(long now)
    {
        if (Answer.TakeLater()) _activeAt = now;
        Answer.Refill();
        if (_held is not null && !Answer.Blocks) WalkHeld(now);
    }

    /// <summary>Notes that the peer took some bytes of an answer.</summary>
    public void Progress(long now) => _activeAt = now;

    /// <summary>Closes when the peer took too long: with an error for an unfinished line, silently when idle.</summary>
    public bool Expire(long now)
    {
        if (now < Deadline) return false;
        if (Answer.IsPending)
        {
            _complaints.Add(
                $"closed {_peer.Remote}: it read nothing of its answer for {Limits.StallTime.TotalSeconds} s");
            Answer.Discard();
        }
        else if (HoldsUnfinished) Refuse(WireErrors.Timeout, _held.AsSpan(0, _heldLength));
        else Answer.Close();
        return true;
    }

    /// <summary>Gives back what the conversation holds.</summary>
    public void End()
    {
        Answer.Discard();
        Release();
    }

    private bool HoldsUnfinished => _held is not null || !_spoke;

    private long Deadline
    {
        get
        {
            if (Answer.IsPending) return _activeAt + (long)Limits.StallTime.TotalMilliseconds;
            if (Answer.Waits) return long.MaxValue;
            if (HoldsUnfinished) return _lineSince + (long)Limits.LineTime.TotalMilliseconds;
            return _session.MayIdle ? long.MaxValue : _activeAt + (long)Limits.IdleTime.TotalMilliseconds;
        }
    }

    // Hands out every whole line for which there is room to answer; returns how many bytes were used.
    private int Walk(ReadOnlySpan<byte> input, long now)
    {
        int at = 0;
        while (!Answer.Blocks)
        {
            ReadOnlySpan<byte> rest = input[at..];
            int length = rest.IndexOf((byte)'\n');
            if (length < 0 ? rest.Length >= Limits.LineBytes : length >= Limits.LineBytes)
            {
                Refuse(WireErrors.LineTooLong, rest);
                break;
            }
            if (length < 0) break;

            at += length + 1;
            _lineSince = now;
            ReadOnlySpan<byte> line = rest[..length];
            if (!line.IsEmpty && line[^1] == '\r') line = line[..^1];
            if (line.ContainsAny(Controls) || !Utf8.IsValid(line))
            {
                Refuse(WireErrors.BadLine, line);
                break;
            }
            _spoke = true;
            _session.Handle(line, Answer);
        }
        return at;
    }

    private void WalkHeld(long now)
    {
        int used = Walk(_held.AsSpan(0, _heldLength), now);
        _heldLength -= used;
        if (_heldLength == 0 || Answer.Closing) Release();
        else if (used > 0) _held.AsSpan(used, _heldLength).CopyTo(_held);
    }

    private void Hold(ReadOnlySpan<byte> input, long now)
    {
        int needed = _heldLength + input.Length;
        if (_held is null || _held.Length < needed)
        {
            byte[] larger = HeldBuffers.Rent(Math.Max(256, needed));
            _held.AsSpan(0, _heldLength).CopyTo(larger);
            // The first line counts from the connection's start: dripping in must not buy time.
            if (_held is null && _spoke) _lineSince = now;
            if (_held is not null) HeldBuffers.Return(_held);
            _held = larger;
        }
        input.CopyTo(_held.AsSpan(_heldLength));
        _heldLength = needed;
    }

    private void Refuse(WireError error, ReadOnlySpan<byte> line)
    {
        _complaints.Add(_peer, error, line);
        WasRefused = true;
        if (!Answer.IsFull && Answer.File is null) Answer.Write(error.Line.Span);
        Answer.Close();
    }

    private void Release()
    {
        if (_held is not null) HeldBuffers.Return(_held);
        _held = null;
        _heldLength = 0;
    }
}
