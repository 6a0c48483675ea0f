namespace MicroCdn.Network;

/// <summary>One accepted connection's side of a protocol: bytes come in, an answer goes out; it does no I/O.</summary>
/// <remarks>
/// <para>TCP delivers bytes, not messages. What arrives is walked where it lies; only an unfinished message, or
/// messages that must wait for an answer still unsent, are kept aside.</para>
/// <para>The carrier (a socket on an event loop, a decrypted stream, the fake network of the tests) calls
/// <see cref="Receive"/> with bytes, sends what <see cref="Answer"/> holds, calls <see cref="Continue"/> after sending,
/// and closes when <see cref="IsOver"/>. All times are milliseconds of one monotonic clock.</para>
/// </remarks>
public abstract class Conversation
{
    private byte[]? _held;
    private int _heldLength;
    private bool _waiting;
    private bool _inputEnded;
    private long _handed;

    /// <summary>Begins when the connection was accepted.</summary>
    protected Conversation(Answer answer, long now) => (Answer, MessageSince, ActiveAt) = (answer, now, now);

    /// <summary>What is to be sent.</summary>
    public Answer Answer { get; }

    /// <summary>True when the carrier should not read further input yet.</summary>
    public bool IsPaused => Blocks || _inputEnded;

    /// <summary>True while no further message, or part of one, may be taken.</summary>
    protected virtual bool Blocks => Answer.Blocks;

    /// <summary>True when what still comes is of no use.</summary>
    protected virtual bool IsDeaf => Answer.Closing;

    /// <summary>True when the carrier should read also while something is unsent: what comes may change what is sent
    /// next.</summary>
    public virtual bool ReadsWhileSending => false;

    /// <summary>True while text or a file is on its way: a server that leaves waits for it.</summary>
    public virtual bool IsSending => Answer.HasText || Answer.File is not null;

    /// <summary>True when everything is said and the connection is to be closed.</summary>
    public bool IsOver => Answer.Broken
        || (!Answer.IsPending && !Answer.Waits && (Answer.Closing || (_inputEnded && !_waiting && !IsBusy)));

    /// <summary>True when the peer did something refused: it may still be sending, and must be let finish for a
    /// moment.</summary>
    public bool WasRefused { get; protected set; }

    /// <summary>True when messages that had to wait can be answered now: <see cref="Continue"/> is due, no input need
    /// come.</summary>
    public bool HasMore => (_waiting && !Blocks) || IsEager;

    /// <summary>True when <see cref="Proceed"/> could add to the answer at once.</summary>
    protected virtual bool IsEager => false;

    /// <summary>True while something will be added to the answer, be it that nothing more comes in.</summary>
    protected virtual bool IsBusy => false;

    /// <summary>When bytes last came or went.</summary>
    protected long ActiveAt { get; set; }

    /// <summary>Since when the message now expected is on its way: the connection's start, or its first byte.</summary>
    protected long MessageSince { get; private set; }

    /// <summary>True once a whole message came.</summary>
    protected bool Spoke { get; private set; }

    /// <summary>True while some of what was handed over may not have reached the peer, as far as
    /// <see cref="Unacknowledged"/> told.</summary>
    public bool HasUnacknowledged => _handed > 0;

    /// <summary>True while a message is unfinished, or the first has not come; not while it is we who let it
    /// wait.</summary>
    protected bool AwaitsMessage => (_held is not null && !_waiting) || !Spoke;

    /// <summary>The bytes of an unfinished message.</summary>
    protected ReadOnlySpan<byte> Unfinished => _held.AsSpan(0, _heldLength);

    /// <summary>When <see cref="Expire"/> is due, as things stand; <see cref="long.MaxValue"/> for never.</summary>
    public long DueAt => Deadline;

    /// <summary>When the peer will have taken too long, as things stand; <see cref="long.MaxValue"/> for
    /// never.</summary>
    protected abstract long Deadline { get; }

    /// <summary>Takes bytes as they came.</summary>
    public void Receive(ReadOnlySpan<byte> input, long now)
    {
        ActiveAt = now;
        if (_held is null)
        {
            int used = Walk(input, now);
            if (used < input.Length && !IsDeaf) Hold(input[used..], now);
            return;
        }
        Hold(input, now);
        WalkHeld(now);
    }

    /// <summary>Notes that the peer sends no more; messages already here are still answered.</summary>
    public virtual void EndInput() => _inputEnded = true;

    /// <summary>Goes on with messages, lists and postponed answers that had to wait until something was sent.</summary>
    public void Continue(long now)
    {
        bool isRead = Answer.IsPending;
        if (Answer.TakeAsides() && !isRead) Given(now);
        if (Answer.TakeLater()) Given(now);
        Answer.Refill();
        if (_waiting && !Blocks)
        {
            // One that is not all here was not read on meanwhile: its time begins.
            MessageSince = now;
            WalkHeld(now);
        }
        Proceed(now);
    }

    /// <summary>Adds what does not answer input at once, as far as there is room.</summary>
    protected virtual void Proceed(long now)
    {
    }

    /// <summary>Notes that the peer took some bytes of an answer.</summary>
    public virtual void Progress(long bytes, long now) => ActiveAt = now;

    /// <summary>Notes that some bytes of an answer were handed to the kernel: it holds megabytes, so what the peer took
    /// of them is told later, by <see cref="Unacknowledged"/>.</summary>
    public void Handed(long bytes, long now)
    {
        _handed += bytes;
        ActiveAt = now;
    }

    /// <summary>Notes how many of the bytes handed over the peer has not acknowledged.</summary>
    public void Unacknowledged(long bytes, long now)
    {
        long taken = _handed - bytes;
        _handed = bytes;
        if (taken > 0) Progress(taken, now);
    }

    /// <summary>Notes that a postponed answer is given: only now can the peer take anything.</summary>
    protected virtual void Given(long now) => ActiveAt = now;

    /// <summary>Ends what takes too long; true when it did.</summary>
    public bool Expire(long now)
    {
        if (now < Deadline) return false;
        Late(now);
        return true;
    }

    /// <summary>Gives back what the conversation holds.</summary>
    public virtual void End()
    {
        Answer.Discard();
        Release();
    }

    /// <summary>Handles the message that the bytes begin with, and returns its length; 0 when it is not all
    /// here, or was refused.</summary>
    protected abstract int Take(ReadOnlySpan<byte> input, long now);

    /// <summary>The deadline has passed: refuses, discards or closes.</summary>
    protected abstract void Late(long now);

    /// <summary>Says why, as far as there is room, and closes.</summary>
    protected void Refuse(ReadOnlySpan<byte> text)
    {
        WasRefused = true;
        if (!Answer.IsFull && Answer.File is null) Answer.Write(text);
        Answer.Close();
    }

    // Hands out every whole message for which there is room to answer; returns how many bytes were used.
    private int Walk(ReadOnlySpan<byte> input, long now)
    {
        int at = 0;
        while (at < input.Length && !Blocks)
        {
            int used = Take(input[at..], now);
            if (used == 0) break;
            at += used;
            MessageSince = now;
            Spoke = true;
        }
        _waiting = at < input.Length && Blocks && !IsDeaf;
        return at;
    }

    private void WalkHeld(long now)
    {
        int used = Walk(_held.AsSpan(0, _heldLength), now);
        _heldLength -= used;
        if (_heldLength == 0 || IsDeaf) Release();
        else if (used > 0) _held.AsSpan(used, _heldLength).CopyTo(_held);
    }

    private void Hold(ReadOnlySpan<byte> input, long now)
    {
        int needed = _heldLength + input.Length;
        if (_held is null || _held.Length < needed)
        {
            byte[] larger = HeldBuffers.Rent(Math.Max(256, needed));
            _held.AsSpan(0, _heldLength).CopyTo(larger);
            // The first message counts from the connection's start: dripping in must not buy time.
            if (_held is null && Spoke) MessageSince = now;
            if (_held is not null) HeldBuffers.Return(_held);
            _held = larger;
        }
        input.CopyTo(_held.AsSpan(_heldLength));
        _heldLength = needed;
    }

    private void Release()
    {
        if (_held is not null) HeldBuffers.Return(_held);
        _held = null;
        _heldLength = 0;
    }
}

/// <summary>What stands behind a listening port: it begins a conversation with everyone who connects.</summary>
public interface IConversations
{
    /// <summary>Begins a conversation with a peer that was just accepted.</summary>
    Conversation Begin(IPeer peer, Answer answer, long now);

    /// <summary>Hears what a TLS handshake chose, before the first byte inside; may put another conversation in place
    /// of the one begun, which then takes over all that is due, its answer and its <see cref="Conversation.End"/>
    /// too.</summary>
    /// <param name="begun">What <see cref="Begin"/> returned; it has heard and said nothing.</param>
    /// <param name="protocol">The protocol's name in ALPN; empty when the peer named none.</param>
    /// <param name="peer">The peer.</param>
    /// <param name="now">The time in milliseconds.</param>
    Conversation Negotiated(Conversation begun, string protocol, IPeer peer, long now) => begun;
}
