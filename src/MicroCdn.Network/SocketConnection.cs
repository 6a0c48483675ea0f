using System.Net;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace MicroCdn.Network;

/// <summary>One accepted socket: it moves bytes between the kernel and its conversation, a bounded number each
/// turn.</summary>
/// <remarks>
/// Readiness is edge-triggered: <c>_readable</c> and <c>_writable</c> remember what the kernel said until a call shows
/// otherwise, so a connection needs one registration for its whole life and no call is made in vain.
/// </remarks>
[SupportedOSPlatform("linux")]
internal sealed class SocketConnection : IPeer
{
    // What one connection may move before the others have their turn: about 0.2 ms, so that a few bulk transfers on
    // the same processor leave a short request waiting about a millisecond. A mebibyte, with the head before it.
    private const int TurnBytes = (1024 * 1024) + 4096;
    private const int TurnReads = 4;

    // Encrypting and copying cost about four times what sendfile does.
    private const int SecureTurnBytes = 256 * 1024;

    private const int Looks = 2;

    // From this size on it pays that only whole segments leave until the end: some 20 % of what a GiB costs. Below, the
    // two calls cost more than they save.
    private const int CorkedBytes = 512 * 1024;

    // A refused peer may still be sending; closing at once would reset the connection and eat our ERROR line.
    private const int LingerBytes = 256 * 1024;
    private const int LingerMilliseconds = 2000;

    // Who still takes what the kernel has is waited for on, at the pace that readers are judged by: 1 KiB a second.
    private const int LingerTaken = 2 * 1024;

    private readonly EventLoop _loop;
    private readonly int _fd;
    private readonly IConversations _service;
    private readonly TlsSession? _tls;
    private Conversation _conversation;
    private IPAddress? _remote;
    private IPAddress? _local;
    private bool _readable = true, _writable = true;
    private bool _peerClosed, _isDead;
    private bool _registered;
    private bool _corked;
    private int _looks;
    private bool _negotiated;
    private bool _lingering;
    private bool _closed;
    private int _lingered, _lingerLeft;
    private long _lingerUntil;

    public SocketConnection(EventLoop loop, int fd, uint generation, Port port, long now)
    {
        _loop = loop;
        _fd = fd;
        Generation = generation;
        _service = port.Service;
        if (port.Contexts is { } contexts) _tls = new TlsSession(contexts.Current, loop.Transit);
        try
        {
            _conversation = _service.Begin(this, new Answer(loop.Pool, Wake), now);
        }
        catch
        {
            _tls?.Release();
            throw;
        }
    }

    /// <summary>Tells this connection from an earlier one with the same descriptor.</summary>
    public uint Generation { get; }

    /// <summary>True while it stands in the loop's queue of connections that want a turn.</summary>
    public bool Queued { get; set; }

    /// <summary>True until the handshake of a secure one is over.</summary>
    // The conversation stands from the start, so that its deadline for the first message holds for the handshake too;
    // but it hears and says nothing before that is over.
    public bool IsShaking => _tls is { IsOpen: false } && !_closed;

    /// <summary>True while text or a file is on its way to the peer, as far as the kernel knows.</summary>
    public bool IsSending => !_closed && (_conversation.IsSending
        || _tls is { HasOutput: true } || Libc.Unacknowledged(_fd) > 0);

    public IPAddress Remote => _remote ??= Libc.Address(_fd, remote: true);

    public IPAddress Local => _local ??= Libc.Address(_fd, remote: false);

    public bool IsSecure => _tls is not null;

    // What is encrypted is no part of the answer any more: who takes none of it is idle, and its answer is closed.
    private bool IsGivenUp => _conversation.Answer.Broken
        || (_tls is { HasOutput: true } && _conversation.Answer is { Closing: true, IsPending: false });

    // What comes may change what is sent: it is read although there is more to send.
    private bool ListensNow => _conversation.ReadsWhileSending && CanRead && !_conversation.IsPaused && !_lingering;

    private bool CanRead => _readable || _tls is { HasInput: true };

    public void Notice(uint flags)
    {
        if ((flags & (Libc.EpollIn | Libc.EpollPeerClosed | Libc.EpollHangUp | Libc.EpollError)) != 0) _readable = true;
        _writable |= (flags & (Libc.EpollOut | Libc.EpollHangUp | Libc.EpollError)) != 0;
        _isDead |= (flags & (Libc.EpollHangUp | Libc.EpollError)) != 0;
        _peerClosed |= _isDead || (flags & Libc.EpollPeerClosed) != 0;
    }

    /// <summary>Does what can be done now; true when there is more that only had to make room for others.</summary>
    public bool Turn(long now)
    {
        if (_closed) return false;
        int reads = TurnReads;
        long bytes = _tls is null ? TurnBytes : SecureTurnBytes;
        if (!Hear(now, ref reads)) return false;
        while (true)
        {
            if (_lingering) return Linger(now);
            if (_isDead && _conversation.Answer.Waits) return Abort(); // Nothing is read meanwhile that would tell.
            if (IsShaking)
            {
                if (_conversation.IsPaused) return Abort();
                if (!SendSecured(now, more: false)) return Wait();
            }
            else
            {
                _conversation.Continue(now);
                if (!(_tls is null ? Flush(now, ref bytes) : FlushSecured(now, ref bytes)))
                {
                    // What is encrypted left the answer: what is due behind it must show, or nobody is late with it.
                    if (!_closed && _tls is not null) _conversation.Continue(now);
                    return Wait() || (!_closed && ListensNow);
                }
                if (_conversation.IsOver) return Finish(now);
                if (_conversation.Answer.IsReady || _conversation.HasMore)
                {
                    if (bytes <= 0) return true;
                    continue;
                }
            }
            if (_conversation.IsPaused || !CanRead) return Wait();
            if (reads-- == 0) return true;
            if (!ReadAny(now)) return false;
        }
    }

    /// <summary>Looks whether the peer took too long.</summary>
    public void Sweep(long now)
    {
        if (_closed) return;
        bool isSending = _conversation.HasUnacknowledged || _conversation.Answer.IsPending
            || _tls is { HasOutput: true };
        if (isSending && Libc.Unacknowledged(_fd) is >= 0 and var left)
        {
            _conversation.Unacknowledged(left, now);
            if (_lingerLeft - left >= LingerTaken) LingerOn(left, now);
        }
        // Who does not read is not waited for: closed in order, each would leave megabytes in the kernel for minutes.
        bool isLate = !_lingering && _conversation.Expire(now);
        if (isLate && IsGivenUp) Abort();
        else if (_lingering && now >= _lingerUntil) Close();
        // What is late may be told, be it the end of one stream, and must leave.
        else if (!_lingering && (isLate || _conversation.Answer.Closing)) _loop.Enqueue(this);
    }

    public void Close() => Close(Libc.Close);

    private void Close(Action<int> close)
    {
        if (_closed) return;
        _closed = true;
        try
        {
            _conversation.End();
        }
        finally
        {
            _tls?.Release();
            _loop.Forget(this, _fd);
            close(_fd);
        }
    }

    // Ends the connection so that nobody takes what came for the whole; false, as Turn returns it.
    private bool Abort()
    {
        Close(Libc.CloseAtOnce);
        return false;
    }

    // Sends what is unsent; false when the socket is full or broken.
    private bool Flush(long now, ref long bytes)
    {
        Answer answer = _conversation.Answer;
        while (answer.HasText || answer.File is not null)
        {
            if (!_writable) return false;
            if (bytes <= 0) return true;
            if (answer.FileLeft >= CorkedBytes && !_corked) Libc.Cork(_fd, _corked = true);
            bool isText = answer.HasText;
            long most = Math.Min(bytes, answer.FileLeft);
            long sent = isText ? Libc.Send(_fd, answer.Unsent, more: answer.File is not null)
                : Libc.SendFile(_fd, answer.File!.Handle, answer.FileOffset, most);
            // Nothing sent and no error: the file was cut while it was sent.
            if (sent < 0 && !Retry(ref _writable)) return false;
            if (sent == 0) answer.EndFile(broken: true);
            if (sent <= 0) continue;
            if (isText) answer.TextSent((int)sent);
            else answer.FileSent(sent);
            bytes -= sent;
            _conversation.Handed(sent, now);
            if (!isText && sent < most) FileStopped(answer);
        }
        if (_corked) Libc.Cork(_fd, _corked = false);
        return true;
    }

    // Part of a file was taken: the socket is full, the file was cut, or a signal came in between. Going on while it is
    // full would send crumbs, and cost a fifth more for each GiB; of room the kernel tells only where there was none.
    private void FileStopped(Answer answer)
    {
        if (answer.File!.Unchanged()) _writable = Libc.HasRoom(_fd);
        else answer.EndFile(broken: true);
    }

    // As Flush, in records. What is encrypted has left the answer, and is kept until the socket takes it.
    private bool FlushSecured(long now, ref long bytes)
    {
        Answer answer = _conversation.Answer;
        while (SendSecured(now, more: answer.HasText || answer.File is not null))
        {
            if ((!answer.HasText && answer.File is null) || bytes <= 0) return true;
            int taken = _tls!.Encrypt(answer);
            bytes -= taken;
            // A file that cannot be read on breaks the answer, which is then over.
            if (taken == 0 && !answer.Broken) return Abort();
        }
        return false;
    }

    // Sends what is encrypted; false when the socket is full or broken.
    private bool SendSecured(long now, bool more)
    {
        if (!_tls!.HasOutput && !_tls.HasNews) return true;
        if (_tls.HasOutput && !_writable)
        {
            // The transit is the loop's: what stood in it after this turn would leave as the next connection's.
            if (!_tls.HoldNews()) Abort();
            return false;
        }
        int sent = _tls.Send(_fd, more);
        if (sent < 0) return Abort();
        _conversation.Handed(sent, now);
        if (_tls.HasOutput) _writable = false;
        return _writable;
    }

    // As Read, for records.
    private bool ReadSecured(long now)
    {
        bool kept = _tls!.HasInput;
        int came = _tls.Receive(_fd);
        if (came < 0) return Retry(ref _readable) || !_closed;
        if (came == 0)
        {
            _readable = false;
            if (IsShaking) Close();
            else _conversation.EndInput();
            return !_closed;
        }
        if (!kept && came < TlsTransit.InputBytes && !_peerClosed) _readable = false;
        int read;
        do
        {
            Span<byte> plain = _loop.ReadBuffer;
            read = _tls.Read(plain);
            if (_tls.IsOpen && !_negotiated) Negotiate(now);
            if (read > 0) _conversation.Receive(plain[..read], now);
        }
        while (read > 0 && !_conversation.IsPaused);
        _tls.Keep();
        if (read == TlsSession.Ended) _conversation.EndInput();
        // Also the reason why it failed: the peer is told.
        SendSecured(now, more: false);
        if (read == TlsSession.Failed) Close();
        return !_closed;
    }

    private void Negotiate(long now)
    {
        _negotiated = true;
        _conversation = _service.Negotiated(_conversation, _tls!.Protocol, this, now);
    }

    // Before something is sent; false when the connection is gone.
    private bool Hear(long now, ref int reads)
    {
        while (ListensNow && reads > 0)
        {
            reads--;
            if (!ReadAny(now)) return false;
        }
        return true;
    }

    private bool ReadAny(long now) => _tls is null ? Read(now) : ReadSecured(now);

    // Reads once; false when the connection is gone.
    private bool Read(long now)
    {
        Span<byte> buffer = _loop.ReadBuffer;
        int read = Libc.Receive(_fd, buffer);
        if (read > 0)
        {
            // A short read emptied the socket; the next byte raises the next edge.
            if (read < buffer.Length && !_peerClosed) _readable = false;
            _conversation.Receive(buffer[..read], now);
            return true;
        }
        if (read == 0)
        {
            _readable = false;
            _conversation.EndInput();
            return true;
        }
        return Retry(ref _readable) || !_closed;
    }

    // After a failed call: true when it is to be tried again; else the flag is down, or the connection closed.
    private bool Retry(ref bool flag)
    {
        int error = Marshal.GetLastPInvokeError();
        if (error == Libc.ErrorInterrupted) return true;
        if (error == Libc.ErrorAgain) flag = false;
        else Close();
        return false;
    }

    // Waits for the kernel's word. Most version 1 clients close as soon as they have their file: a connection that only
    // waits for input is looked at once more in the next round, which is cheaper than registering it and being told.
    // Then it is registered; the kernel tells what it missed.
    private bool Wait()
    {
        if (_closed || _registered) return false;
        if (_tls is null && _writable && _looks < Looks)
        {
            _looks++;
            _loop.LookAgain(this);
            return false;
        }
        _registered = true;
        const uint flags = Libc.EpollIn | Libc.EpollOut | Libc.EpollPeerClosed | Libc.EpollEdge;
        ulong data = ((ulong)Generation << 32) | (uint)_fd;
        if (Libc.Control(_loop.Epoll, Libc.EpollAdd, _fd, flags, data) != 0) Close();
        return false;
    }

    private void Wake() => _loop.Post(this);

    private bool Finish(long now)
    {
        if (_conversation.Answer is { Broken: true } cut && (cut.EndsWithConnection || _tls != null)) return Abort();
        if (_tls is not null)
        {
            _tls.End();
            // The word leaves with the end of the connection.
            if (!SendSecured(now, more: true) && _closed) return false;
        }
        // Who speaks while it is answered may do so to the end: a closed socket would answer with a reset, which eats
        // what the kernel still has for it.
        if (!_conversation.WasRefused && !_conversation.ReadsWhileSending)
        {
            Close();
            return false;
        }
        Libc.CloseWrite(_fd);
        _lingering = true;
        _readable = true;
        LingerOn(Libc.Unacknowledged(_fd), now);
        return Linger(now);
    }

    private void LingerOn(int left, long now) => (_lingerLeft, _lingerUntil) = (left, now + LingerMilliseconds);

    private bool Linger(long now)
    {
        for (int reads = 0; reads < TurnReads; reads++)
        {
            int read = Libc.Receive(_fd, _loop.ReadBuffer);
            _lingered += Math.Max(0, read);
            if (read > 0 && _lingered < LingerBytes && now < _lingerUntil) continue;
            if (read < 0 && Retry(ref _readable)) continue;
            if (read >= 0) Close();
            return Wait();
        }
        return true;
    }
}
