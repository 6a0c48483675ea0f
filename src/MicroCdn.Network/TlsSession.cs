using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Text;

namespace MicroCdn.Network;

/// <summary>One connection's TLS: it encrypts what leaves, decrypts what came, and keeps what the socket did not
/// take.</summary>
/// <remarks>Used within its connection's turns alone. Between them it holds about 10 KiB of OpenSSL's, and buffers only
/// while something is unsent or unread.</remarks>
[SupportedOSPlatform("linux")]
internal sealed unsafe class TlsSession
{
    /// <summary>What <see cref="Read"/> returns when there is nothing yet.</summary>
    public const int Nothing = 0;

    /// <summary>What <see cref="Read"/> returns when the peer said in order that it sends no more.</summary>
    public const int Ended = -1;

    /// <summary>What <see cref="Read"/> returns when this is no TLS, or no longer: the connection must end.</summary>
    public const int Failed = -2;

    // A peer that does not read may still ask for keys and the like, each answered: this much is enough.
    private const int MostHeld = 256 * 1024;

    // So many records in a row, with more behind each, may say nothing but new keys: each costs us what a request
    // costs, and the peer a few bytes.
    private const int MostIdleRecords = 32;

    private readonly TlsTransit _transit;
    private nint _session;
    private byte[]? _unread;
    private byte[]? _unsent;
    private int _unsentStart;
    private int _idleRecords;

    public TlsSession(TlsContext context, TlsTransit transit)
    {
        _transit = transit;
        _session = context.CreateSession();
        nint bio = _session == 0 ? 0 : transit.CreateBio();
        if (bio == 0)
        {
            string reason = OpenSsl.Reason();
            if (_session != 0) OpenSsl.SSL_free(_session);
            throw new InvalidOperationException($"OpenSSL begins no connection: {reason}");
        }
        OpenSsl.SSL_set_bio(_session, bio, bio);
        OpenSsl.SSL_set_accept_state(_session);
    }

    /// <summary>True once the handshake is over.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>True while bytes that came are still to be decrypted.</summary>
    public bool HasInput => _unread is not null;

    /// <summary>True while the socket has not taken all.</summary>
    public bool HasOutput => _unsent is not null;

    /// <summary>True while OpenSSL has written something that was not sent yet.</summary>
    public bool HasNews => !_transit.Output.IsEmpty;

    /// <summary>The protocol that the handshake chose; empty when the peer named none.</summary>
    public string Protocol
    {
        get
        {
            byte* chosen;
            uint length;
            OpenSsl.SSL_get0_alpn_selected(_session, &chosen, &length);
            return Encoding.ASCII.GetString(new ReadOnlySpan<byte>(chosen, (int)length));
        }
    }

    /// <summary>Receives from the socket, or takes up what was kept; as recv returns.</summary>
    public int Receive(int fd)
    {
        int came;
        if (_unread is null) came = Libc.Receive(fd, _transit.Input);
        else
        {
            _unread.CopyTo(_transit.Input);
            came = _unread.Length;
            _unread = null;
        }
        _transit.Came(Math.Max(0, came));
        return came;
    }

    /// <summary>Decrypts some of what was received, and takes the handshake on.</summary>
    /// <returns>How many bytes; or <see cref="Nothing"/>, <see cref="Ended"/>, <see cref="Failed"/>.</returns>
    public int Read(Span<byte> plain)
    {
        OpenSsl.ERR_clear_error();
        int read;
        fixed (byte* bytes = plain) read = OpenSsl.SSL_read(_session, bytes, plain.Length);
        if (!IsOpen) IsOpen = OpenSsl.SSL_is_init_finished(_session) == 1;
        if (read > 0)
        {
            _idleRecords = 0;
            return read;
        }
        return OpenSsl.SSL_get_error(_session, read) switch
        {
            OpenSsl.WantsRead when IsOpen && !_transit.Unread.IsEmpty && ++_idleRecords > MostIdleRecords => Failed,
            OpenSsl.WantsRead => Nothing,
            OpenSsl.ZeroReturn => Ended,
            _ => Failed,
        };
    }

    /// <summary>Keeps what was received and not decrypted for the next turn.</summary>
    public void Keep()
    {
        if (!_transit.Unread.IsEmpty) _unread = _transit.Unread.ToArray();
        _transit.Came(0);
    }

    /// <summary>Encrypts the next block of an answer: a head and the file behind it leave together.</summary>
    /// <returns>How many bytes of the answer; 0 when OpenSSL fails.</returns>
    public int Encrypt(Answer answer)
    {
        if (answer.File is null)
        {
            int text = Math.Min(answer.Unsent.Length, _transit.Block.Length);
            if (!Write(answer.Unsent[..text])) return 0;
            answer.TextSent(text);
            return text;
        }
        Span<byte> block = _transit.Block;
        int used = Math.Min(answer.Unsent.Length, block.Length);
        answer.Unsent[..used].CopyTo(block);
        answer.TextSent(used);
        while (!answer.HasText && answer.File is { } file && used < block.Length)
        {
            int most = (int)Math.Min(block.Length - used, answer.FileLeft);
            int read = file.Read(block.Slice(used, most), answer.FileOffset);
            // The last bytes are only given when the file is still what it was at their beginning.
            if (read > 0 && (!answer.EndsFile(read) || file.Unchanged()))
            {
                used += read;
                answer.FileSent(read);
            }
            else answer.EndFile(broken: true);
        }
        return used == 0 || Write(block[..used]) ? used : 0;
    }

    /// <summary>Sends what is encrypted, and keeps what the socket does not take.</summary>
    /// <returns>How many bytes left; -1 when the connection is broken.</returns>
    public int Send(int fd, bool more)
    {
        int sent = 0;
        if (_unsent is not null)
        {
            sent = Send(fd, _unsent.AsSpan(_unsentStart), more || !_transit.Output.IsEmpty);
            if (sent < 0) return -1;
            _unsentStart += sent;
            if (_unsentStart < _unsent.Length) return Hold(0) ? sent : -1;
            _unsent = null;
        }
        if (_transit.Output.IsEmpty) return sent;
        int now = Send(fd, _transit.Output, more);
        return now >= 0 && Hold(now) ? sent + now : -1;
    }

    /// <summary>Keeps what OpenSSL wrote behind what the socket has not taken; false when that is too much.</summary>
    public bool HoldNews() => Hold(0);

    /// <summary>Says that we send no more, so that the peer can tell the end from a cut.</summary>
    public void End()
    {
        OpenSsl.ERR_clear_error();
        if (IsOpen) _ = OpenSsl.SSL_shutdown(_session);
    }

    /// <summary>Gives back everything; nothing else may be called then.</summary>
    public void Release()
    {
        if (_session != 0) OpenSsl.SSL_free(_session);
        _session = 0;
        (_unread, _unsent) = (null, null);
        _transit.Came(0);
        _transit.Clear();
    }

    // Whatever is encrypted stands in the transit: it always has room for a block.
    private bool Write(ReadOnlySpan<byte> plain)
    {
        OpenSsl.ERR_clear_error();
        fixed (byte* bytes = plain) return OpenSsl.SSL_write(_session, bytes, plain.Length) == plain.Length;
    }

    // What a socket takes of some bytes: 0 when it is full, -1 when it is broken.
    private static int Send(int fd, ReadOnlySpan<byte> bytes, bool more)
    {
        while (true)
        {
            int sent = Libc.Send(fd, bytes, more);
            if (sent >= 0) return sent;
            int error = Marshal.GetLastPInvokeError();
            if (error == Libc.ErrorAgain) return 0;
            if (error != Libc.ErrorInterrupted) return -1;
        }
    }

    // Puts the transit's output, but for its first bytes, behind what is held; false when that is too much.
    private bool Hold(int skipped)
    {
        ReadOnlySpan<byte> rest = _transit.Output[skipped..];
        ReadOnlySpan<byte> held = _unsent is null ? [] : _unsent.AsSpan(_unsentStart);
        if (!rest.IsEmpty)
        {
            if (held.Length + rest.Length > MostHeld) return false;
            byte[] all = GC.AllocateUninitializedArray<byte>(held.Length + rest.Length);
            held.CopyTo(all);
            rest.CopyTo(all.AsSpan(held.Length));
            (_unsent, _unsentStart) = (all, 0);
        }
        _transit.Clear();
        return true;
    }
}
