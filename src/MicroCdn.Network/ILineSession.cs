using System.Net;
using Microsoft.Win32.SafeHandles;

namespace MicroCdn.Network;

/// <summary>One role's side of one connection: it is handed whole lines and writes its answers, and does no I/O
/// itself.</summary>
/// <remarks>Calls for one session never overlap. A call must not block: hundreds of other connections wait for
/// it.</remarks>
public interface ILineSession
{
    /// <summary>True when the connection may be idle for ever, as a registered server's is.</summary>
    bool MayIdle => false;

    /// <summary>True when the connection is to be closed without a word once nothing is on its way: what it stood on is
    /// gone, and the peer is to come again.</summary>
    bool IsOver => false;

    /// <summary>Raw bytes that follow the line that was handled last; null while lines come.</summary>
    IncomingBytes? Incoming => null;

    /// <summary>Sees lines before they are handed over one by one, to have ready what they will need. They may not be
    /// clean, the last may be unfinished, and some may never be handed over.</summary>
    /// <returns>How many it saw; after as many it is asked again.</returns>
    int Foresee(ReadOnlySpan<byte> lines) => 0;

    /// <summary>Handles one clean line, without its end, and writes what is to be answered.</summary>
    void Handle(ReadOnlySpan<byte> line, Answer answer);

    /// <summary>Hears that the connection is over; called once, whoever ended it.</summary>
    void End()
    {
    }
}

/// <summary>What stands behind a listening port: a session for every connection, and a place for complaints.</summary>
public interface ILineService : IConversations
{
    /// <summary>Where refused input is counted and, at a bounded rate, logged.</summary>
    Complaints Complaints { get; }

    /// <summary>Opens the session of a new connection.</summary>
    ILineSession Open(IPeer peer);

    /// <inheritdoc/>
    Conversation IConversations.Begin(IPeer peer, Answer answer, long now) =>
        new LineConversation(this, peer, answer, now);
}

/// <summary>Who is at the other end of a connection.</summary>
public interface IPeer
{
    /// <summary>The peer's address, a mapped one as IPv4.</summary>
    IPAddress Remote { get; }

    /// <summary>Our own address as this peer reached it, a mapped one as IPv4.</summary>
    IPAddress Local { get; }

    /// <summary>True when it speaks TLS to us.</summary>
    bool IsSecure => false;
}

/// <summary>Produces a long answer piece by piece, so that a list of millions never stands in memory.</summary>
/// <remarks>One that is disposable is disposed after its last piece, or when the connection ends before. One that waits
/// for its bytes itself calls <see cref="Answer.Wake"/> when there are some after it wrote nothing.</remarks>
public interface ILineSource
{
    /// <summary>Writes some lines, at most <see cref="Answer.PieceBytes"/>, or nothing when there are none yet; false
    /// when there is no more to come.</summary>
    bool Write(Answer answer);
}

/// <summary>An open file that an answer may send.</summary>
public interface IFileSource
{
    /// <summary>The handle that the kernel may read from.</summary>
    SafeFileHandle Handle { get; }

    /// <summary>Reads bytes at an offset; fewer than asked only at the end of the file.</summary>
    int Read(Span<byte> buffer, long offset);

    /// <summary>False for one that nobody edits in place: then nothing of it is held back to be looked at
    /// again.</summary>
    bool MayChange => true;

    /// <summary>False once the file was edited in place since it was opened.</summary>
    bool Unchanged();

    /// <summary>Hears how many bytes of it were handed over since the last time: now and then while it is sent, and
    /// before <see cref="Release"/>. On an event loop, and from several at once.</summary>
    void Sent(long bytes)
    {
    }

    /// <summary>Gives the file back; called exactly once for each <see cref="Answer.SendFile"/> that was
    /// accepted.</summary>
    void Release();
}

/// <summary>A port that a role listens on.</summary>
/// <param name="EndPoint">Address and port to bind.</param>
/// <param name="Service">What answers there.</param>
/// <param name="IsSecure">True when what comes is TLS.</param>
public sealed record Listener(IPEndPoint EndPoint, IConversations Service, bool IsSecure = false);

/// <summary>An index, a monitor or a content server: its listeners and what it does besides answering.</summary>
public interface IRole
{
    /// <summary>The role's name in logs, such as <c>index</c>.</summary>
    string Name { get; }

    /// <summary>The ports to attach to a network before <see cref="RunAsync"/>.</summary>
    IReadOnlyList<Listener> Listeners { get; }

    /// <summary>Runs until cancelled.</summary>
    Task RunAsync(CancellationToken cancellationToken);
}

/// <summary>A role that others are sent to, and that leaves in order: told first, then nothing new, then the
/// end.</summary>
public interface ILeavingRole : IRole
{
    /// <summary>Transfers under way.</summary>
    int Transfers { get; }

    /// <summary>Tells everyone who sends clients here, lets the news travel, and from then on takes nothing new; what
    /// is under way goes on. Bounded: who does not answer is not waited for.</summary>
    Task LeaveAsync(CancellationToken cancellationToken);
}
