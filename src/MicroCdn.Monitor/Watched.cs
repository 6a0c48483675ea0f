using System.Net;
using MicroCdn.Protocol;

namespace MicroCdn.Monitor;

/// <summary>One content server of version 2 as the detector knows it.</summary>
internal sealed class Watched(ServerId id, DetectionProfile profile)
{
    public ServerId Id => id;

    /// <summary>Where its tether comes from: probes go there.</summary>
    public IPAddress Address { get; set; } = IPAddress.None;

    /// <summary>Where it answers PING datagrams.</summary>
    public IPEndPoint Probes { get; set; } = new(IPAddress.None, 0);

    /// <summary>The address or name that its heartbeats give.</summary>
    public byte[] Host { get; set; } = [];

    public int TcpPort { get; set; }

    public int Load { get; set; }

    public int Files { get; set; }

    public long Incarnation { get; set; }

    /// <summary>Number of the last beat; -1 before the first.</summary>
    public long Sequence { get; set; } = -1;

    /// <summary>Alive, Returning, Suspect or Dead: what the evidence says.</summary>
    public ServerState State { get; set; }

    /// <summary>The connection whose end would mean its death; null when there is none.</summary>
    public object? Tether { get; set; }

    /// <summary>What its datagrams end with since its last tether; null when it proved nothing.</summary>
    public DatagramSeal? Seal { get; set; }

    /// <summary>How many PINGs were sent to it under a seal; the number of the last.</summary>
    public long SealedPings { get; set; }

    /// <summary>It said BYE: nothing is expected of this incarnation any more.</summary>
    public bool HasLeft { get; set; }

    /// <summary>An operator took it out.</summary>
    public bool IsDrained { get; set; }

    /// <summary>It refused a connection: its beats on the way prove nothing, only a new tether does.</summary>
    public bool IsProvenDead { get; set; }

    /// <summary>It is suspect because its tether ended, and not for its silence.</summary>
    public bool LostTether { get; set; }

    /// <summary>It answered nothing for its whole time, and only the limit of removals keeps it from being
    /// dead.</summary>
    public bool IsSpared { get; set; }

    /// <summary>It has to earn its trust again once it is no longer suspect.</summary>
    public bool IsOnProbation { get; set; }

    public Rhythm Rhythm { get; } = new(profile);

    /// <summary>When it last gave a sign of life.</summary>
    public TimeSpan HeardAt { get; set; }

    /// <summary>When its last heartbeat came; null before the first.</summary>
    public TimeSpan? BeatAt { get; set; }

    /// <summary>When its state began.</summary>
    public TimeSpan Since { get; set; }

    /// <summary>When the next PING is due, for a suspect and a returning one.</summary>
    public TimeSpan PingAt { get; set; }

    /// <summary>The nonce of this round's first PING; the others count up from it.</summary>
    public ulong Nonce { get; set; }

    public int Pings { get; set; }

    /// <summary>Counts suspicions and tethers, so that a late answer is not taken for one of now.</summary>
    public int Round { get; set; }

    /// <summary>Deaths not yet forgotten; each doubles the next probation.</summary>
    public int Deaths { get; set; }

    public TimeSpan ReturnedAt { get; set; }

    public int GoodProbes { get; set; }

    /// <summary>How often its port answered since a datagram of it last came.</summary>
    public int PortOnly { get; set; }

    /// <summary>When it was first heard in version 1 since it is gone; null when it was not.</summary>
    public TimeSpan? PlainSince { get; set; }

    /// <summary>True while it stands in the detector's list of those who are probed.</summary>
    public bool IsBusy { get; set; }

    /// <summary>What the world is told.</summary>
    public ServerState Shown => HasLeft ? ServerState.Draining
        : IsDrained && State != ServerState.Dead ? ServerState.Draining : State;

    /// <summary>What the world was told last.</summary>
    public ServerState Told { get; set; } = ServerState.Unknown;

    /// <summary>Which start that was said of.</summary>
    public long ToldIncarnation { get; set; }

    /// <summary>Whether <see cref="IsSpared"/> was said with it.</summary>
    public bool ToldSpared { get; set; }
}

/// <summary>What a detector wants done.</summary>
internal enum DeedKind
{
    /// <summary>Send a PING datagram with the deed's number as its nonce.</summary>
    Ping,

    /// <summary>Connect to the data port and ask something; the number is the round to report with the
    /// outcome.</summary>
    Probe,

    /// <summary>Tell that <see cref="Watched.Shown"/> changed.</summary>
    Tell,

    /// <summary>Tell whether the monitor doubts itself.</summary>
    Doubt,
}

/// <summary>One thing to do, and why.</summary>
internal readonly record struct Deed(DeedKind Kind, Watched? Server, ulong Number, string Reason);

/// <summary>What came of a connection to a data port.</summary>
internal enum ProbeOutcome
{
    /// <summary>It answered.</summary>
    Answered,

    /// <summary>The machine is there and nobody listens: the process is gone.</summary>
    Refused,

    /// <summary>Nothing, in time.</summary>
    Silent,
}

/// <summary>What became of a TETHER.</summary>
internal enum TetherOutcome
{
    /// <summary>The server is watched by this connection from now on.</summary>
    Tethered,

    /// <summary>Another process goes by this id.</summary>
    Twin,

    /// <summary>The table is full of living servers.</summary>
    Full,
}
