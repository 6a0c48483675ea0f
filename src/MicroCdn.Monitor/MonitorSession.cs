using System.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Monitor;

/// <summary>One connection to the monitor: someone asks who is alive, or an index subscribes to failures.</summary>
internal sealed class MonitorSession(MonitorService service, IPeer peer) : ILineSession
{
    private readonly Guard _guard = new(service.Credentials, service.Trust, peer, service.Complaints);

    public bool MayIdle { get; private set; }

    public void Handle(ReadOnlySpan<byte> line, Answer answer)
    {
        Words words = new(line);
        words.Next(out ReadOnlySpan<byte> verb);
        WireError? error = verb switch
        {
            _ when verb.SequenceEqual("LIST_SERVERS"u8) => HandleListServers(words, answer),
            _ when verb.SequenceEqual("PING"u8) => HandlePing(words, answer),
            _ when verb.SequenceEqual("HELLO"u8) => HandleHello(words, answer),
            _ when verb.SequenceEqual("AUTH"u8) => HandleAuth(words, answer),
            _ when verb.SequenceEqual("REGISTER_INDEX"u8) => HandleRegisterIndex(words, answer),
            _ => WireErrors.UnknownCommand,
        };
        if (error is null) return;
        service.Complaints.Add(peer, error, line);
        answer.Write(error.Line.Span);
    }

    private WireError? HandleListServers(Words words, Answer answer)
    {
        if (!words.AtEnd) return WireErrors.Malformed;
        answer.SendList(new MemberLines(service.Roster));
        return null;
    }

    private static WireError? HandlePing(Words words, Answer answer)
    {
        if (!words.AtEnd) return WireErrors.Malformed;
        answer.Write("PONG\n"u8);
        return null;
    }

    private WireError? HandleHello(Words words, Answer answer)
    {
        if (!Greeting.TryParse(words, out int version)) return WireErrors.Malformed;
        MayIdle |= version == 2 && _guard.MayStay;
        _guard.Welcome(version, answer);
        return null;
    }

    private WireError? HandleAuth(Words words, Answer answer)
    {
        WireError? error = _guard.HandleAuth(words, answer);
        MayIdle |= _guard.Role != PeerRole.None;
        return error;
    }

    private WireError? HandleRegisterIndex(Words words, Answer answer)
    {
        if (_guard.Refuses(PeerRole.Index) is { } error) return error;
        if (!IndexSubscription.TryParse(words, out IndexSubscription message)) return WireErrors.Malformed;
        IndexAddress index = new(Encoding.UTF8.GetString(message.Host), message.Port);
        if (!service.Indexes.Add(index, peer.Remote)) return WireErrors.LimitReached;
        answer.Write("OK INDEX_REGISTERED\n"u8);
        return null;
    }
}

/// <summary>LIST_SERVERS: everyone ever heard, with the last load and state.</summary>
internal sealed class MemberLines(Roster roster) : ILineSource
{
    private const int LongestLine = Limits.ServerIdBytes + Limits.HostBytes + 64;
    private readonly Member[] _members = Snapshot(roster);
    private int _next;

    public bool Write(Answer answer)
    {
        int before = answer.UnsentBytes;
        for (; _next < _members.Length; _next++)
        {
            if (answer.UnsentBytes - before > Answer.PieceBytes - LongestLine) return true;
            Member member = _members[_next];
            answer.Write("SERVER "u8);
            answer.WriteText(member.Id.Value);
            answer.Write(" "u8);
            answer.Write(member.Host);
            answer.Write(" "u8);
            answer.WriteNumber(member.Port);
            answer.Write(" "u8);
            answer.WriteNumber(member.Load);
            answer.Write(member.IsAlive ? " alive\n"u8 : " dead\n"u8);
        }
        answer.Write("END\n"u8);
        return false;
    }

    private static Member[] Snapshot(Roster roster)
    {
        lock (roster.Lock) return [.. roster.Members];
    }
}

/// <summary>What all sessions of a monitor share.</summary>
internal sealed class MonitorService(
    Roster roster, IndexNotices indexes, TrustedNetworks trust, Complaints complaints) : ILineService
{
    public Roster Roster => roster;

    public IndexNotices Indexes => indexes;

    public TrustedNetworks Trust => trust;

    public Complaints Complaints => complaints;

    /// <summary>The keys that control messages are checked by.</summary>
    public Credentials Credentials { get; init; } = Credentials.None;

    public ILineSession Open(IPeer peer) => new MonitorSession(this, peer);
}
