using System.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Monitor;

/// <summary>One connection to the monitor: someone asks who is alive, or an index subscribes to failures.</summary>
internal sealed class MonitorSession(MonitorService service, IPeer peer) : ILineSession
{
    private readonly Guard _guard = new(service.Credentials, service.Trust, peer, service.Complaints);
    private bool _speaks2;
    private Watched? _tethered;

    public bool MayIdle { get; private set; }

    public bool IsOver => _guard.HasLapsed;

    // The connection is the tether: its end is news.
    public void End()
    {
        if (_tethered is { } server) service.Watch.Detach(server, this);
    }

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
            _ when verb.SequenceEqual("MONITOR"u8) && _speaks2 => HandleMonitor(words, answer),
            _ when verb.SequenceEqual("TETHER"u8) && _speaks2 => RefuseContent() ?? HandleTether(words, answer),
            _ when verb.SequenceEqual("BYE"u8) && _speaks2 => RefuseContent() ?? HandleBye(words, answer),
            _ when verb.SequenceEqual("DRAIN"u8) && _speaks2 => HandleDrain(words, true, answer),
            _ when verb.SequenceEqual("RESUME"u8) && _speaks2 => HandleDrain(words, false, answer),
            _ => WireErrors.UnknownCommand,
        };
        if (error is null) return;
        service.Complaints.Add(peer, error, line);
        answer.Write(error.Line.Span);
    }

    private WireError? HandleListServers(Words words, Answer answer)
    {
        if (!words.AtEnd) return WireErrors.Malformed;
        answer.SendList(new MemberLines(service.Watch.Rows()));
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
        _speaks2 |= version == 2;
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

    // An index asks who it dialed: it may hear the same monitor from another address.
    private WireError? HandleMonitor(Words words, Answer answer)
    {
        if (_guard.Refuses(PeerRole.Index) is { } error) return error;
        if (!words.OnlyUnknownPairs()) return WireErrors.Malformed;
        answer.WriteMonitor(service.Id.Value);
        return null;
    }

    private WireError? HandleTether(Words words, Answer answer)
    {
        if (!Tether.TryParse(words, out Tether message)) return WireErrors.Malformed;
        if (ServerId.TryCreate(message.Id, out ServerId id) && _guard.Refuses(PeerRole.Content, id) is { } error)
        {
            return error;
        }
        // One connection is one tether: whose end would it be else?
        if (_tethered is { } held && !held.Id.Value.AsSpan().SequenceEqual(Encoding.UTF8.GetString(message.Id)))
        {
            return WireErrors.Malformed;
        }
        TetherOutcome outcome = 
            service.Watch.Attach(message, peer.Remote, this, _guard.Seal, out Watched? server);
        if (outcome == TetherOutcome.Twin) return WireErrors.Twin;
        if (outcome == TetherOutcome.Full) return WireErrors.LimitReached;
        _tethered = server;
        answer.Write("OK TETHERED\n"u8);
        return null;
    }

    private WireError? RefuseContent() => _guard.Refuses(PeerRole.Content);

    private WireError? HandleBye(Words words, Answer answer)
    {
        if (!ServerMention.TryParse(words, out ServerMention message)) return WireErrors.Malformed;
        if (!service.Watch.Leave(message.Id, this)) return WireErrors.UnknownServer;
        answer.Write("OK BYE\n"u8);
        return null;
    }

    // By an operator, or by the server itself.
    private WireError? HandleDrain(Words words, bool isDrained, Answer answer)
    {
        if (_guard.Refuses(PeerRole.Operator | PeerRole.Content) is { } error) return error;
        if (!ServerMention.TryParse(words, out ServerMention message)) return WireErrors.Malformed;
        if (_guard is { Role: PeerRole.Content, Id: { } own }
            && !(ServerId.TryCreate(message.Id, out ServerId id) && id == own)) return WireErrors.NotAuthenticated;
        if (!service.Watch.Drain(message.Id, isDrained)) return WireErrors.UnknownServer;
        string said = isDrained ? "OK DRAINING\n" : "OK RESUMED\n";
        if (!service.Drained.Lasts)
        {
            answer.WriteText(said);
            return null;
        }
        // The disk may take its time, and others wait for this thread.
        answer.Later();
        _ = Task.Run(() =>
        {
            service.Drained.Write(() => service.Watch.Drained);
            answer.Complete(Encoding.UTF8.GetBytes(said));
        });
        return null;
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
internal sealed class MemberLines(Row[] rows) : ILineSource
{
    private const int LongestLine = Limits.ServerIdBytes + Limits.HostBytes + 64;
    private int _next;

    public bool Write(Answer answer)
    {
        int before = answer.UnsentBytes;
        for (; _next < rows.Length; _next++)
        {
            if (answer.UnsentBytes - before > Answer.PieceBytes - LongestLine) return true;
            Row row = rows[_next];
            answer.Write("SERVER "u8);
            answer.WriteText(row.Id.Value);
            answer.Write(" "u8);
            answer.Write(row.Host);
            answer.Write(" "u8);
            answer.WriteNumber(row.Port);
            answer.Write(" "u8);
            answer.WriteNumber(row.Load);
            answer.Write(row.IsAlive ? " alive\n"u8 : " dead\n"u8);
        }
        answer.Write("END\n"u8);
        return false;
    }
}

/// <summary>What all sessions of a monitor share.</summary>
internal sealed class MonitorService(
    Watch watch, IndexNotices indexes, TrustedNetworks trust, Complaints complaints) : ILineService
{
    public Watch Watch => watch;

    public IndexNotices Indexes => indexes;

    public TrustedNetworks Trust => trust;

    public Complaints Complaints => complaints;

    /// <summary>The name by which indexes tell it from other monitors.</summary>
    public required ServerId Id { get; init; }

    /// <summary>Where it is remembered who is drained.</summary>
    public required DrainedServers Drained { get; init; }

    /// <summary>The keys that control messages are checked by.</summary>
    public Credentials Credentials { get; init; } = Credentials.None;

    public ILineSession Open(IPeer peer) => new MonitorSession(this, peer);
}
