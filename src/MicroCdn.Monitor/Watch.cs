using System.Globalization;
using System.Net;
using MicroCdn.Network;
using MicroCdn.Protocol;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Monitor;

/// <summary>All that the monitor knows, behind one lock, and what it does about it: probes, words to the indexes,
/// lines in the log.</summary>
/// <remarks>Servers of version 1 stand in the <see cref="Roster"/>, those with a tether in the <see cref="Detector"/>;
/// no server stands in both. Nothing is sent while the lock is held.</remarks>
internal sealed partial class Watch(Roster roster, Detector detector, TimeProvider time, ILogger logger)
{
    // Two beats of version 1.
    private static readonly TimeSpan Downgrade = TimeSpan.FromSeconds(5);
    private readonly long _startedAt = time.GetTimestamp();
    private Prober? _prober;
    private Action _news = () => { };
    private CancellationToken _stop;

    /// <summary>What is told to the indexes.</summary>
    public Ledger Ledger { get; } = new();

    /// <summary>How long servers had not been heard when they were called dead.</summary>
    public Durations Detections { get; } = new(0.1, 0.25, 0.5, 1, 2.5, 10);

    /// <summary>Held by whoever reads <see cref="Ledger"/>, the roster or the detector.</summary>
    public Lock Lock => roster.Lock;

    private TimeSpan Now => time.GetElapsedTime(_startedAt);

    /// <summary>Begins to act: before that, what is decided is only written down.</summary>
    public void Begin(Prober prober, Action news, CancellationToken cancellationToken) =>
        (_prober, _news, _stop) = (prober, news, cancellationToken);

    /// <summary>Takes in a TETHER that came on a connection; with a seal, only datagrams that bear it count from now
    /// on.</summary>
    public TetherOutcome Attach(
        in Tether message, IPAddress peer, object tether, DatagramSeal? seal, out Watched? server)
    {
        TetherOutcome outcome;
        IPAddress? held;
        using (Deciding())
        {
            held = detector.Find(message.Id)?.Address;
            outcome = detector.Attach(message, peer, tether, Now, out server);
            if (outcome == TetherOutcome.Tethered)
            {
                roster.Remove(message.Id);
                server!.Seal = seal;
            }
            if (Ledger.Rows.Count > 2 * Limits.Servers) ForgetRows();
        }
        if (outcome == TetherOutcome.Twin && server is not null)
        {
            LogTwin(server.Id, held!, server.TcpPort, server.Incarnation, peer, message.TcpPort, message.Incarnation);
        }
        return outcome;
    }

    /// <summary>Takes in that a tether's connection ended.</summary>
    public void Detach(Watched server, object tether)
    {
        using (Deciding()) detector.Detach(server, tether, Now);
    }

    /// <summary>Takes in a BYE; false when it is not this connection's to say.</summary>
    public bool Leave(ReadOnlySpan<byte> id, object tether)
    {
        using (Deciding()) return detector.Leave(id, tether, Now);
    }

    /// <summary>Those that an operator took out of rotation.</summary>
    public ServerId[] Drained
    {
        get
        {
            lock (Lock) return [.. detector.Drained];
        }
    }

    /// <summary>Takes a server out of rotation or back in; false when nobody of this id has a tether.</summary>
    public bool Drain(ReadOnlySpan<byte> id, bool isDrained)
    {
        using (Deciding()) return detector.Drain(id, isDrained, Now);
    }

    /// <summary>Takes in a numbered beat; false when it counts for nothing.</summary>
    /// <param name="beat">What it says.</param>
    /// <param name="datagram">All of it, with its seal.</param>
    /// <param name="isTrusted">True when it comes from where beats are taken without proof.</param>
    public bool Hear(in NumberedHeartbeat beat, ReadOnlySpan<byte> datagram, bool isTrusted)
    {
        using (Deciding())
        {
            if (detector.Find(beat.Plain.Id) is not { } server || !IsGenuine(server, datagram, isTrusted)) return false;
            bool counts = detector.Record(server, beat.Incarnation, beat.Sequence, beat.Gap, Now);
            if (counts) Describe(server, beat.Plain);
            return counts;
        }
    }

    /// <summary>Takes in an answer to a PING; false when it answers none.</summary>
    /// <param name="pong">What it says.</param>
    /// <param name="datagram">All of it, with its seal.</param>
    /// <param name="isTrusted">True when it comes from where answers are taken without proof.</param>
    public bool Hear(in Pong pong, ReadOnlySpan<byte> datagram, bool isTrusted)
    {
        using (Deciding())
        {
            return detector.Find(pong.Id) is { } server && IsGenuine(server, datagram, isTrusted)
                && detector.Answered(server, pong.Nonce, pong.Incarnation, Now);
        }
    }

    /// <summary>Takes in a beat of version 1; false when the table is full, and null when its server has a tether and
    /// is judged by that.</summary>
    public bool? Hear(in Heartbeat beat, out Member? member)
    {
        Change? change;
        lock (Lock)
        {
            member = null;
            if (detector.Find(beat.Id) is { } watched)
            {
                if (!IsPlainNow(watched)) return null;
                detector.Remove(watched);
            }
            change = roster.Record(beat, time.GetTimestamp(), out member);
            if (member is null) return false;
            if (change is not null) Write(member.Id, ServerState.Alive, 0);
        }
        if (change is { } news)
        {
            LogAlive(member.Id, news, System.Text.Encoding.UTF8.GetString(member.Host), member.Port);
            _news();
        }
        return true;
    }

    /// <summary>Looks who of version 1 has been silent too long.</summary>
    public void Sweep(TimeSpan timeout)
    {
        Member[] silent, dead;
        bool doubts, isTurned;
        lock (Lock)
        {
            bool doubted = roster.IsDegraded;
            silent = [.. roster.Sweep(time.GetTimestamp(), detector.Servers.Count(
                server => !server.HasLeft && server.State != ServerState.Dead))];
            dead = [.. silent.Where(member => !member.IsAlive)];
            foreach (Member member in dead) Detections.Add(time.GetElapsedTime(member.HeardAt));
            // A suspect makes the index look for itself.
            foreach (Member member in silent)
            {
                Write(member.Id, member.IsAlive ? ServerState.Suspect : ServerState.Dead, 0);
            }
            doubts = roster.IsDegraded;
            isTurned = doubts != doubted;
            Ledger.Doubts = detector.IsDegraded || doubts;
        }
        foreach (Member member in dead)
        {
            LogSilent(member.Id, System.Text.Encoding.UTF8.GetString(member.Host), member.Port, timeout.TotalSeconds);
        }
        if (isTurned && doubts) LogDoubt("most servers are silent, and were not heard since this start");
        else if (isTurned) LogTrust("of those who were never heard, most are heard now");
        if (silent.Length > 0 || isTurned) _news();
    }

    /// <summary>Takes in servers that an index knows; returns how many were news.</summary>
    public int Expect(IEnumerable<ServerRow> rows)
    {
        lock (Lock)
        {
            return rows.Count(row =>
                detector.Find(System.Text.Encoding.UTF8.GetBytes(row.Id.Value)) is null && roster.Expect(row));
        }
    }

    /// <summary>How long each server has said nothing, those that beat in version 1 too.</summary>
    public (ServerId Server, TimeSpan Age)[] Silences()
    {
        lock (Lock)
        {
            return
            [
                .. detector.Servers.Select(server => (server.Id, Now - server.HeardAt)),
                .. roster.Members.Select(member => (member.Id, time.GetElapsedTime(member.HeardAt))),
            ];
        }
    }

    /// <summary>How long ago the last heartbeat of each server came; nothing of those never heard.</summary>
    public Dictionary<ServerId, TimeSpan> Beats()
    {
        Dictionary<ServerId, TimeSpan> beats = [];
        lock (Lock)
        {
            foreach (Watched server in detector.Servers)
            {
                if (server.BeatAt is { } at) beats[server.Id] = Now - at;
            }
            foreach (Member member in roster.Members)
            {
                if (member.BeatAt is { } at) beats[member.Id] = time.GetElapsedTime(at);
            }
        }
        return beats;
    }

    /// <summary>Lets the detector look; returns when to look again.</summary>
    public TimeSpan Look()
    {
        using (Deciding()) return detector.Look(Now);
    }

    /// <summary>Everyone known, as LIST_SERVERS of version 1 tells it.</summary>
    public Row[] Rows()
    {
        lock (Lock)
        {
            return
            [
                .. detector.Servers.Select(server => new Row(server.Id, server.Host, server.TcpPort, server.Load,
                    server.Shown.IsAliveInVersion1())),
                .. roster.Members.Select(member => new Row(member.Id, member.Host, member.Port, member.Load,
                    member.IsAlive)),
            ];
        }
    }

    // A server of version 2 beats in version 1 until its tether holds. Only one that is gone, and whose beats go on
    // like that, was replaced by one of version 1.
    private bool IsPlainNow(Watched server)
    {
        bool isGone = server.Tether is null && (server.HasLeft || server.State == ServerState.Dead);
        if (!isGone) server.PlainSince = null;
        else server.PlainSince ??= Now;
        return isGone && Now - server.PlainSince >= Downgrade;
    }

    // A seal that nobody can check, since its server proved nothing, is worth no more than none.
    private static bool IsGenuine(Watched server, ReadOnlySpan<byte> datagram, bool isTrusted) =>
        server.Seal is { } seal ? seal.IsOn(datagram) : isTrusted;

    private static void Describe(Watched server, in Heartbeat beat)
    {
        (server.Load, server.Files) = (beat.Load, beat.Files);
        if (!beat.Host.SequenceEqual(server.Host)) server.Host = beat.Host.ToArray();
    }

    // Ids that come and go would fill the ledger.
    private void ForgetRows()
    {
        HashSet<ServerId> known =
            [.. roster.Members.Select(member => member.Id), .. detector.Servers.Select(server => server.Id)];
        Ledger.Keep(known.Contains);
    }

    private Decision Deciding() => new(this);

    // Under the lock: takes what was decided, and writes down what will be said.
    private Deed[] Written()
    {
        if (detector.Deeds.Count == 0) return [];
        Deed[] deeds = [.. detector.Deeds];
        detector.Deeds.Clear();
        for (int at = 0; at < deeds.Length; at++)
        {
            if (deeds[at] is { Kind: DeedKind.Doubt })
            {
                Ledger.Doubts = detector.IsDegraded || roster.IsDegraded;
                deeds[at] = deeds[at] with { Number = detector.IsDegraded ? 1u : 0 };
            }
            if (deeds[at] is not { Kind: DeedKind.Tell, Server: { } server }) continue;
            Write(server.Id, server.Shown, server.Incarnation, server.IsSpared, EvidenceOf(server, deeds[at].Reason));
            if (server.Shown == ServerState.Dead) Detections.Add(Now - server.HeardAt);
            // The state may go on before the log has its line.
            deeds[at] = deeds[at] with { Number = (ulong)server.Shown };
        }
        return deeds;
    }

    private void Write(
        ServerId id, ServerState state, long incarnation, bool isSpared = false, string why = "") =>
        Ledger.Write(id, state, incarnation, time.GetUtcNow().ToUnixTimeSeconds(), isSpared, why);

    private string EvidenceOf(Watched server, string reason) => string.Create(CultureInfo.InvariantCulture,
        $"{reason}, {(Now - server.HeardAt).TotalMilliseconds:0} ms after it was heard");

    private void Do(Deed[] deeds)
    {
        bool isNews = false;
        foreach (Deed deed in deeds)
        {
            switch (deed)
            {
                case { Kind: DeedKind.Ping, Server: { } server }:
                    _prober?.Ping(server, deed.Number);
                    break;
                case { Kind: DeedKind.Probe, Server: { } server }:
                    if (_prober is not null) _ = ProbeAsync(_prober, server, deed.Number);
                    break;
                case { Kind: DeedKind.Tell, Server: { } server }:
                    Log(server, (ServerState)deed.Number, deed.Reason);
                    isNews = true;
                    break;
                default:
                    if (deed.Number > 0) LogDoubt(deed.Reason);
                    else LogTrust(deed.Reason);
                    isNews = true;
                    break;
            }
        }
        if (isNews) _news();
    }

    private async Task ProbeAsync(Prober prober, Watched server, ulong round)
    {
        ProbeOutcome outcome = await prober.AskAsync(server, _stop).ConfigureAwait(false);
        if (outcome == ProbeOutcome.Silent) return;
        using (Deciding()) detector.Probed(server, round, outcome, Now);
    }

    /// <summary>Holds the lock while the detector decides; at its end that is written down, the lock is given back, and
    /// only then it is done.</summary>
    private readonly ref struct Decision
    {
        private readonly Watch _watch;

        public Decision(Watch watch)
        {
            _watch = watch;
            watch.Lock.Enter();
        }

        public void Dispose()
        {
            Deed[] deeds;
            try
            {
                deeds = _watch.Written();
            }
            finally
            {
                _watch.Lock.Exit();
            }
            _watch.Do(deeds);
        }
    }
}

/// <summary>One line of LIST_SERVERS.</summary>
internal readonly record struct Row(ServerId Id, byte[] Host, int Port, int Load, bool IsAlive);
