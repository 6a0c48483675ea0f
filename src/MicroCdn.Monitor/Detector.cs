using System.Net;
using MicroCdn.Protocol;

namespace MicroCdn.Monitor;

/// <summary>Decides who of version 2 is alive, suspect or dead, from all evidence there is; without I/O, clock or
/// chance of its own.</summary>
/// <remarks>
/// <para>Think of a lifeguard at a lake. Each swimmer calls now and then, and holds a thin line to the jetty. A line
/// that goes slack, or a call that does not come, is no drowning: the lifeguard looks that way at once, shouts the
/// name, again and again, and sends someone wading. An arm above the water is enough to lean back. Only who answers
/// nothing for half a breath is counted as lost; who is found to be gone from the water is counted at once.</para>
/// <para>A good lifeguard also knows himself. If he dozed off, the calls he slept through count for nobody. If most of
/// the lake falls silent in one moment, it is likelier that there is water in his ears: he clears nobody's place until
/// he hears again. And he never empties the lake in a rush, whatever he believes to see.</para>
/// <para>Who came back from the water is watched for a while before he is trusted, and longer each time.</para>
/// <para>Times are those of one monotonic clock since any beginning. One caller at a time. What is to be done stands in
/// <see cref="Deeds"/> after each call; the caller does it and empties the list.</para>
/// </remarks>
internal sealed partial class Detector(DetectionProfile profile, Func<ulong> nonce)
{
    private const int GoodProbes = 3;
    private const int ProbeEvery = 8;
    private const int MostDoublings = 5;
    // A monitor that hears nobody must not flood a network that may be full already.
    private const int PingsPerLook = 256;
    private static readonly TimeSpan QuietLook = TimeSpan.FromMilliseconds(25);
    // Nobody is there to be missed; the first tether is then seen a little late, and no more than that.
    private static readonly TimeSpan IdleLook = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan CalmPing = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan FirstProbation = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestProbation = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Forgiven = TimeSpan.FromMinutes(5);
    // A tether that ended is answered by one connection; until its outcome is due, that is no silence.
    private static readonly TimeSpan ProbeTime = TimeSpan.FromMilliseconds(300);
    // One that is not heard, behind a firewall perhaps, is not worth a suspicion three times a second: neither before
    // its first beat nor once its port alone answered three times.
    private static readonly TimeSpan FirstBeat = TimeSpan.FromSeconds(3);
    private const int PortOnlyIsUsual = 3;
    // Deaths of a moment ago belong to the same event.
    private static readonly TimeSpan OneMoment = TimeSpan.FromSeconds(2);

    private readonly Dictionary<byte[], Watched> _servers = new(WordComparer.Instance);
    private readonly List<Watched> _all = [];
    private readonly List<Watched> _busy = [];
    private readonly RemovalBudget _budget = new();
    private readonly SelfDoubt _self = new();
    private TimeSpan _lookedAt;
    private bool _hasLooked;
    private TimeSpan _wait;
    private TimeSpan _scanAt;
    private int _fleet;
    private int _firstBusy;

    /// <summary>What is to be done; the caller empties it.</summary>
    public List<Deed> Deeds { get; } = [];

    /// <summary>Those that an operator took out of rotation, whether they are there at the moment or not.</summary>
    public HashSet<ServerId> Drained { get; } = [];

    /// <summary>Everyone known, the dead and those who left included.</summary>
    public IReadOnlyList<Watched> Servers => _all;

    /// <summary>True while the monitor does not trust itself: nobody is removed.</summary>
    public bool IsDegraded => _self.IsDegraded;

    /// <summary>How unwell the monitor is, 0 to 8.</summary>
    public int Score => _self.Score;

    /// <summary>Finds a server by its id on the wire.</summary>
    public Watched? Find(ReadOnlySpan<byte> id) =>
        _servers.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(id, out Watched? server) ? server : null;

    /// <summary>Takes in a TETHER.</summary>
    /// <param name="message">What it says.</param>
    /// <param name="peer">Where it comes from.</param>
    /// <param name="tether">The connection, told again when it ends.</param>
    /// <param name="now">The time.</param>
    /// <param name="server">Who is watched, or the one that already is.</param>
    public TetherOutcome Attach(in Tether message, IPAddress peer, object tether, TimeSpan now, out Watched? server)
    {
        server = Find(message.Id);
        bool isNew = server is null;
        if (server is null)
        {
            if (_all.Count >= Limits.Servers && !Forget()) return TetherOutcome.Full;
            ServerId.TryCreate(message.Id, out ServerId id);
            server = new Watched(id, profile)
            {
                Host = System.Text.Encoding.UTF8.GetBytes(WireAddress.Format(peer)), IsDrained = Drained.Contains(id),
            };
            _servers.Add(message.Id.ToArray(), server);
            _all.Add(server);
        }
        else if (IsTwin(server, message, peer))
        {
            return TetherOutcome.Twin;
        }
        bool restarted = !isNew && message.Incarnation != server.Incarnation;
        bool wasDead = server.State == ServerState.Dead || (restarted && !server.HasLeft);
        if (isNew || restarted)
        {
            (server.Incarnation, server.Sequence) = (message.Incarnation, -1);
            server.HasLeft = false;
            server.Rhythm.Begin(message.Beat);
        }
        (server.Address, server.Tether, server.TcpPort) = (peer, tether, message.TcpPort);
        server.Probes = new IPEndPoint(peer, message.UdpPort);
        (server.IsProvenDead, server.PlainSince) = (false, null);
        server.HeardAt = now;
        server.Round++;
        if (isNew) Enter(server, ServerState.Alive, "it appeared", now);
        else if (!restarted && server.State != ServerState.Dead) Hear(server, now, "its tether");
        else if (wasDead) Return(server, now, restarted ? "it was started again" : "its tether");
        else Enter(server, ServerState.Alive, "it is back", now);
        return TetherOutcome.Tethered;
    }

    /// <summary>Takes in that a tether's connection ended.</summary>
    public void Detach(Watched server, object tether, TimeSpan now)
    {
        if (!ReferenceEquals(server.Tether, tether)) return;
        server.Tether = null;
        if (server.HasLeft || server.State == ServerState.Dead) return;
        // The pings that follow from the next look on may clear it too.
        if (server.State != ServerState.Suspect) Suspect(server, "its connection ended", lostTether: true, now);
        Deeds.Add(new Deed(DeedKind.Probe, server, (ulong)server.Round, "its connection ended"));
    }

    /// <summary>Takes in a BYE; false when this connection is not that server's tether.</summary>
    public bool Leave(ReadOnlySpan<byte> id, object tether, TimeSpan now)
    {
        if (Find(id) is not { } server || !ReferenceEquals(server.Tether, tether)) return false;
        server.HasLeft = true;
        // Whatever it was suspect of: it said itself what it does.
        Enter(server, ServerState.Alive, "it leaves in order", now);
        return true;
    }

    /// <summary>Takes a server out of rotation or back in; false when nobody of this id is known.</summary>
    public bool Drain(ReadOnlySpan<byte> id, bool isDrained, TimeSpan now)
    {
        if (Find(id) is not { } server) return false;
        server.IsDrained = isDrained;
        _ = isDrained ? Drained.Add(server.Id) : Drained.Remove(server.Id);
        Tell(server, isDrained ? "an operator took it out" : "an operator took it back in");
        return true;
    }

    /// <summary>Takes in a beat; false when it is of another incarnation, old, or of nobody known.</summary>
    public bool Record(Watched server, long incarnation, long sequence, TimeSpan gap, TimeSpan now)
    {
        if (server.HasLeft || server.IsProvenDead) return false;
        if (incarnation != server.Incarnation || sequence <= server.Sequence) return false;
        long steps = sequence - server.Sequence;
        (server.Sequence, server.BeatAt) = (sequence, now);
        server.PortOnly = 0;
        server.Rhythm.Beat(steps, gap, now);
        Hear(server, now, "it is heard again");
        return true;
    }

    /// <summary>Takes in an answer to a PING; false when it answers none of this round.</summary>
    public bool Answered(Watched server, ulong number, long incarnation, TimeSpan now)
    {
        if (server.HasLeft || server.IsProvenDead || incarnation != server.Incarnation) return false;
        if (number - server.Nonce >= (ulong)server.Pings) return false;
        server.GoodProbes++;
        server.PortOnly = 0;
        Hear(server, now, "it answered a PING");
        return true;
    }

    /// <summary>Takes in what came of a connection to a data port.</summary>
    public void Probed(Watched server, ulong round, ProbeOutcome outcome, TimeSpan now)
    {
        if (server.HasLeft || (ulong)server.Round != round || server.State == ServerState.Dead) return;
        if (outcome == ProbeOutcome.Answered)
        {
            server.GoodProbes++;
            server.PortOnly++;
            Hear(server, now, "its port answered");
        }
        // A beat that was under way when its process ended may have cleared it meanwhile; a lost tether says so.
        // While the tether holds, the process is there: a firewall may refuse in its place. Silence decides then.
        else if (outcome == ProbeOutcome.Refused && server.Tether is null && !_self.IsDegraded)
        {
            server.IsProvenDead = true;
            Die(server, "its port refused", now);
        }
    }

    /// <summary>Forgets a server.</summary>
    public void Remove(Watched server)
    {
        _all.Remove(server);
        if (server.IsBusy) _busy.Remove(server);
        _servers.Remove(System.Text.Encoding.UTF8.GetBytes(server.Id.Value));
    }

    private static bool IsTwin(Watched server, in Tether message, IPAddress peer)
    {
        bool isHeld = server.Tether is not null;
        bool isHeard = !server.HasLeft && (server.State is ServerState.Alive or ServerState.Returning
            || (server.State == ServerState.Suspect && isHeld));
        if (!isHeard) return false;
        if (!server.Address.Equals(peer) || message.Incarnation < server.Incarnation) return true;
        // A state folder that was copied: the same start, twice on one machine.
        return isHeld && message.Incarnation == server.Incarnation && message.TcpPort != server.TcpPort;
    }

    // Makes room by the one that is gone for longest.
    private bool Forget()
    {
        Watched? oldest = null;
        foreach (Watched server in _all)
        {
            bool isGone = !server.IsDrained && (server.HasLeft || server.State == ServerState.Dead);
            if (isGone && (oldest is null || server.Since < oldest.Since)) oldest = server;
        }
        if (oldest is null) return false;
        Remove(oldest);
        return true;
    }
}
