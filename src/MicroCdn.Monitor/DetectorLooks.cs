using MicroCdn.Protocol;

namespace MicroCdn.Monitor;

// What happens with the passing of time, and how a server goes from state to state.
internal sealed partial class Detector
{
    /// <summary>Looks who is silent, who is to be probed, and who is lost.</summary>
    /// <returns>When to look again: what comes much later than that is put down to ourselves.</returns>
    public TimeSpan Look(TimeSpan now)
    {
        TimeSpan late = _hasLooked ? now - _lookedAt - _wait : TimeSpan.Zero;
        (_lookedAt, _hasLooked) = (now, true);
        _self.Late(late, now);
        if (late > SelfDoubt.Tolerance) Rebase(late, now);
        if (now >= _scanAt || late > SelfDoubt.Tolerance)
        {
            _scanAt = now + QuietLook;
            Scan(now);
        }
        Attend(now);
        return _wait = _all.Count == 0 ? IdleLook : _busy.Count > 0 ? profile.Ping : QuietLook;
    }

    private void Scan(TimeSpan now)
    {
        int patience = 1 + _self.Score, silent = 0, fleet = 0;
        foreach (Watched server in _all)
        {
            if (server.HasLeft) continue;
            if (server.State == ServerState.Dead)
            {
                if (server.IsProvenDead || now - server.Since > OneMoment) continue;
                silent++;
            }
            else if (server.State == ServerState.Suspect)
            {
                if (!server.LostTether || now - server.Since > ProbeTime) silent++;
            }
            else if (now - server.HeardAt > Usual(server) * patience)
            {
                Suspect(server, "it is silent", lostTether: false, now);
                silent++;
            }
            fleet++;
        }
        _fleet = fleet;
        if (!_self.Look(silent, fleet, now)) return;
        Deeds.Add(new Deed(DeedKind.Doubt, null, 0, $"{silent} of {fleet} servers are silent at once"));
        if (_self.IsDegraded) return;
        // Whoever is still silent gets the whole time again: the trouble was ours.
        foreach (Watched server in _busy) server.Since = now;
    }

    private static TimeSpan Usual(Watched server) =>
        server.Rhythm.IsHeard && server.PortOnly < PortOnlyIsUsual ? server.Rhythm.Limit : FirstBeat;

    // Those who are to be probed: suspects often, returning ones calmly.
    private void Attend(TimeSpan now)
    {
        int left = PingsPerLook;
        if (_firstBusy >= _busy.Count) _firstBusy = 0;
        for (int at = _busy.Count - 1; at >= 0; at--)
        {
            // Each look begins with the next, so that the bound on pings meets everyone in turn.
            Watched server = _busy[(at + _firstBusy) % _busy.Count];
            if (server.State is not (ServerState.Suspect or ServerState.Returning) || server.HasLeft) continue;
            bool isLost = server.State == ServerState.Suspect && IsLost(server, now);
            if (isLost && _budget.TryTake(_fleet, now))
            {
                Die(server, "it answered nothing", now);
                continue;
            }
            Spare(server, isLost);
            if (server.State == ServerState.Returning && IsTrustedAgain(server, now))
            {
                Enter(server, ServerState.Alive, "it stayed well", now);
                continue;
            }
            if (now < server.PingAt || left == 0) continue;
            left--;
            Ping(server, now);
        }
        _firstBusy++;
        for (int at = _busy.Count - 1; at >= 0; at--)
        {
            Watched server = _busy[at];
            if ((server.State is ServerState.Suspect or ServerState.Returning) && !server.HasLeft) continue;
            server.IsBusy = false;
            _busy[at] = _busy[^1];
            _busy.RemoveAt(_busy.Count - 1);
        }
    }

    private bool IsLost(Watched server, TimeSpan now) =>
        !_self.IsDegraded && now - server.Since >= profile.Suspicion * (1 + _self.Score);

    // Indexes hear of it: one whose own look finds nobody either need not wait for the limit.
    private void Spare(Watched server, bool isSpared)
    {
        if (server.IsSpared == isSpared) return;
        server.IsSpared = isSpared;
        Tell(server, isSpared ? "it answered nothing, and enough were removed in the last ten seconds"
            : "it gets more time");
    }

    private static bool IsTrustedAgain(Watched server, TimeSpan now)
    {
        TimeSpan wait = FirstProbation * (1 << Math.Clamp(server.Deaths - 1, 0, MostDoublings));
        if (wait > LongestProbation) wait = LongestProbation;
        return server.GoodProbes >= GoodProbes && now - server.ReturnedAt >= wait;
    }

    private void Ping(Watched server, TimeSpan now)
    {
        bool isCalm = server.State == ServerState.Returning || _self.IsDegraded;
        server.PingAt = now + (isCalm ? CalmPing : profile.Ping);
        Deeds.Add(new Deed(DeedKind.Ping, server, server.Nonce + (ulong)server.Pings, ""));
        if (server.Pings++ % ProbeEvery == 0)
        {
            Deeds.Add(new Deed(DeedKind.Probe, server, (ulong)server.Round, "it is silent"));
        }
    }

    private void Hear(Watched server, TimeSpan now, string reason)
    {
        server.HeardAt = now;
        if (server.State == ServerState.Suspect)
        {
            Enter(server, server.IsOnProbation ? ServerState.Returning : ServerState.Alive, reason, now);
        }
        else if (server.State == ServerState.Dead)
        {
            Return(server, now, reason);
        }
    }

    private void Suspect(Watched server, string reason, bool lostTether, TimeSpan now)
    {
        server.LostTether = lostTether;
        server.IsOnProbation = server.State == ServerState.Returning;
        Enter(server, ServerState.Suspect, reason, now);
        BeginRound(server, now);
    }

    private void Return(Watched server, TimeSpan now, string reason)
    {
        // A restart that nobody missed was a death all the same.
        if (server.State != ServerState.Dead) CountDeath(server, now);
        (server.ReturnedAt, server.GoodProbes) = (now, 0);
        Enter(server, ServerState.Returning, reason, now);
        BeginRound(server, now);
    }

    private void Die(Watched server, string reason, TimeSpan now)
    {
        CountDeath(server, now);
        Enter(server, ServerState.Dead, reason, now);
    }

    private static void CountDeath(Watched server, TimeSpan now)
    {
        if (now - server.ReturnedAt > Forgiven) server.Deaths = 0;
        server.Deaths++;
        server.IsOnProbation = false;
    }

    private void BeginRound(Watched server, TimeSpan now)
    {
        server.Round++;
        (server.Nonce, server.Pings, server.PingAt) = (nonce(), 0, now);
        if (server.IsBusy) return;
        server.IsBusy = true;
        _busy.Add(server);
    }

    private void Enter(Watched server, ServerState state, string reason, TimeSpan now)
    {
        (server.State, server.Since, server.IsSpared) = (state, now, false);
        Tell(server, reason);
    }

    private void Tell(Watched server, string reason)
    {
        // Whoever is told goes by what was said of this start; words about an earlier one count for nothing.
        if (server.Told == server.Shown && server.ToldIncarnation == server.Incarnation
            && server.ToldSpared == server.IsSpared) return;
        (server.Told, server.ToldIncarnation, server.ToldSpared) =
            (server.Shown, server.Incarnation, server.IsSpared);
        Deeds.Add(new Deed(DeedKind.Tell, server, 0, reason));
    }

    // Time that we slept through is nobody's silence; and what a suspect said meanwhile waits to be read, so that its
    // time begins anew.
    private void Rebase(TimeSpan late, TimeSpan now)
    {
        foreach (Watched server in _all)
        {
            if (server.State == ServerState.Dead) continue;
            server.HeardAt = Min(server.HeardAt + late, now);
            if (server.State == ServerState.Suspect) server.Since = now;
        }
    }

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
