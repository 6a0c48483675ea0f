using System.Net;
using MicroCdn.Protocol;

namespace MicroCdn.Index;

// What is believed of the servers. All of it runs under the fleet's lock; what came of it is told behind the lock.
internal sealed partial class Fleet
{
    /// <summary>How long a new registration outweighs a monitor that still lists the server dead: three
    /// heartbeats.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    /// <summary>How long what clients report counts: a client that lies has done no harm for longer.</summary>
    private static readonly TimeSpan ReportTime = TimeSpan.FromSeconds(30);

    /// <summary>How long a server whose key was taken out has to come back by another one, before it gets no more
    /// clients: to tell a million files takes a while, and in the last step of a rotation all come at once.</summary>
    private static readonly TimeSpan ReturnTime = TimeSpan.FromSeconds(30);

    /// <summary>How long a server that counts its starts may be without a connection that registers it: twice the
    /// longest pause that ours makes.</summary>
    private static readonly TimeSpan AbsentTime = TimeSpan.FromMinutes(1);

    /// <summary>A monitor of version 2 that is silent for so long is away, whatever its connection looks like: it
    /// tells everything it knows every 5 s at least.</summary>
    private static readonly TimeSpan JurorTime = TimeSpan.FromSeconds(15);

    // Of so many registered servers one may be asked last because of reports: reports are cheap, and must not herd
    // everybody to the servers that nobody reports.
    private const int ServersForEachReported = 3;

    // From here on losing more than half of the fleet says more about us than about the servers.
    private const int WorthDoubting = 3;

    private readonly Jury _jury = new();
    private bool _asksTheDead;

    /// <summary>Hears of every server whose state changed.</summary>
    public Action<Server> Changed { get; set; } = _ => { };

    /// <summary>Is asked to see for itself whether a server answers.</summary>
    public Action<Server> Look { get; set; } = _ => { };

    /// <summary>A server completed its registration.</summary>
    public void Registered(Server server, Contact contact) => Decide(changes =>
    {
        contact.Place = Locations.PlaceOf(contact);
        bool pulled = server.Contact?.Pulls.Count > 0;
        server.Contact = contact;
        if (pulled || contact.Pulls.Count > 0) Volatile.Write(ref _pulled, PulledPaths.Of(_servers));
        server.RegisteredAt = time.GetTimestamp();
        // Its connection may have ended while its list was being put in place.
        bool isParted = contact.Incarnation > 0 && server.Claim is null;
        bool isLapsed = server.Claim is null && server.Evidence.IsLapsed;
        server.Evidence = new Evidence(contact.Incarnation, IsParted: isParted, IsLapsed: isLapsed);
        foreach (Juror juror in _jury.All) juror.Overrule(server.Id, contact.Incarnation);
        changes.Judge(server, look: true);
    });

    /// <summary>A server says itself that it leaves, or that it stays after all.</summary>
    public void Drain(Server server, bool drains) => Decide(changes =>
    {
        server.Evidence = server.Evidence with { Drains = drains };
        changes.Judge(server);
    });

    /// <summary>Takes a monitor onto the bench; false when it is full.</summary>
    public bool Seat(Juror juror)
    {
        bool seated = false;
        Decide(changes =>
        {
            juror.HeardAt = time.GetTimestamp();
            seated = _jury.Seat(juror);
            changes.JudgeAll();
        });
        return seated;
    }

    /// <summary>A monitor is not heard any more; one of version 1 keeps its seat, since it is asked on.</summary>
    public void Lose(Juror juror) => Decide(changes =>
    {
        if (!juror.IsHere) return;
        juror.IsHere = false;
        if (!juror.IsVersion1) _jury.Dismiss(juror);
        changes.JurorLeft();
    });

    /// <summary>A monitor of version 2 says something; true when that is news.</summary>
    public bool Hear(Juror juror, ServerId id, in Statement statement)
    {
        Statement said = statement;
        bool news = false;
        Decide(changes =>
        {
            juror.HeardAt = time.GetTimestamp();
            news = juror.Hear(id, said);
            if (news && _byId.TryGetValue(id, out Server? server)) changes.Judge(server, look: true);
        });
        return news;
    }

    /// <summary>A monitor of version 2 tells all it knows.</summary>
    public void Hear(Juror juror, IReadOnlyList<DigestRow> rows, long? upTo) => Decide(changes =>
    {
        juror.HeardAt = juror.ToldAllAt = time.GetTimestamp();
        juror.Replace(rows, upTo);
        changes.JudgeAll();
    });

    /// <summary>How long ago the monitor that heard it last heard each server's heartbeat; nothing of those of whom
    /// none told that.</summary>
    public Dictionary<ServerId, TimeSpan> HeartbeatAges()
    {
        Dictionary<ServerId, TimeSpan> ages = [];
        lock (_lock)
        {
            foreach (Juror juror in _jury.Present)
            {
                TimeSpan since = time.GetElapsedTime(juror.ToldAllAt);
                foreach ((ServerId id, TimeSpan heard) in juror.Heard)
                {
                    TimeSpan age = since + heard;
                    if (!ages.TryGetValue(id, out TimeSpan best) || age < best) ages[id] = age;
                }
            }
        }
        return ages;
    }

    /// <summary>A monitor doubts itself, or does so no more.</summary>
    public void Doubt(Juror juror, bool doubts) => Decide(changes =>
    {
        juror.HeardAt = time.GetTimestamp();
        if (juror.Doubts == doubts) return;
        juror.Doubts = doubts;
        changes.JudgeAll();
    });

    /// <summary>A monitor of version 1 calls a server dead; true when that is news.</summary>
    /// <param name="id">The server.</param>
    /// <param name="from">Where the monitor speaks from: it is the one that is asked there, or else all that are
    /// asked take its word until they say otherwise.</param>
    public bool MarkDead(ServerId id, IPAddress? from = null)
    {
        bool news = false;
        Decide(changes =>
        {
            if (!_byId.TryGetValue(id, out Server? server)) return;
            server.DownAt = time.GetTimestamp();
            Juror[] asked = [.. _jury.Present.Where(juror => juror.IsVersion1)];
            Juror[] same = [.. asked.Where(juror => from is not null && from.Equals(juror.Address))];
            foreach (Juror juror in same.Length > 0 ? same : asked) juror.Set(id, ServerState.Dead);
            if (asked.Length == 0) server.Evidence = server.Evidence with { IsCalledDead = true };
            bool before = server.State == ServerState.Dead;
            changes.Judge(server, look: true);
            news = !before && server.State == ServerState.Dead;
        });
        return news;
    }

    /// <summary>The list of a monitor of version 1 arrived; returns the servers whose state it changed.</summary>
    /// <param name="juror">The monitor.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="askedAt">When it was asked, by our clock.</param>
    public List<Server> Hear(Juror juror, IReadOnlyList<ServerRow> rows, long askedAt) => Decide(changes =>
    {
        bool came = !juror.IsHere;
        juror.IsHere = true;
        foreach (ServerRow row in rows)
        {
            if (!_byId.TryGetValue(row.Id, out Server? server) || server.Contact is null) continue;
            server.Load = row.Load;
            bool believed = row.Alive ? server.DownAt <= askedAt
                : time.GetElapsedTime(server.RegisteredAt, askedAt) > Grace;
            if (!believed) continue;
            juror.Set(row.Id, row.Alive ? ServerState.Alive : ServerState.Dead);
            if (row.Alive) server.Evidence = server.Evidence with { IsCalledDead = false };
            if (!came) changes.Judge(server);
        }
        if (came) changes.JudgeAll();
    });

    /// <summary>True when a monitor that is asked for its lists may be heard a second time, from elsewhere.</summary>
    public bool MayBeHeardTwice(Juror asked)
    {
        lock (_lock) return _jury.MayBeSecondVoice(asked);
    }

    /// <summary>A monitor that is asked for its lists says what it calls itself; null when it does not.</summary>
    public void Recognize(Juror asked, string? name) => Decide(changes =>
    {
        asked.CallsItself = name;
        changes.JudgeAll();
    });

    /// <summary>The index itself has looked whether a server answers.</summary>
    /// <param name="server">The server.</param>
    /// <param name="contact">Where it looked; nothing is learned when the server has moved since.</param>
    /// <param name="answers">What it found.</param>
    public void Looked(Server server, Contact contact, bool answers) => Decide(changes =>
    {
        if (server.Contact != contact) return;
        changes.LooksAtNews = false;
        Evidence own = server.Evidence;
        server.Evidence = own with
        {
            IsUnreached = !answers,
            IsParted = false,
            IsCalledDead = own.IsCalledDead && !answers,
            // That it cannot be reached is disproved; what else clients say is not.
            Reported = answers && own.Reported == Trouble.Connect ? null : own.Reported,
        };
        if (_jury.IsEmpty) changes.JudgeAll();
        else changes.Judge(server);
    });

    /// <summary>A client reports a server; false when enough servers are asked last for that already.</summary>
    public bool Report(Server server, Trouble trouble)
    {
        bool taken = false;
        Decide(changes =>
        {
            int most = Math.Max(1, _servers.Count(one => one.Contact is not null) / ServersForEachReported);
            taken = server.Evidence.Reported is not null
                || _servers.Count(one => one.Evidence.Reported is not null) < most;
            if (!taken) return;
            server.ReportedAt = time.GetTimestamp();
            server.Evidence = server.Evidence with { Reported = trouble };
            changes.Judge(server);
        });
        if (server.Contact is not null) Look(server);
        return taken;
    }

    /// <summary>Other servers are retired than before.</summary>
    public void Reconsider() => Decide(changes => changes.JudgeAll());

    /// <summary>Lets time do its work: ages the count of recent answers, what was reported, what was new; asks for
    /// another look where one could settle something. Called once a second.</summary>
    public void Forget()
    {
        foreach (Server server in Servers) server.Forget();
        Decide(changes =>
        {
            foreach (Juror juror in _jury.All.ToArray())
            {
                if (juror.IsVersion1 || time.GetElapsedTime(juror.HeardAt) <= JurorTime) continue;
                _jury.Dismiss(juror);
                changes.JurorLeft();
            }
            foreach (Server server in _servers)
            {
                LapseWithoutConnection(server);
                if (server.Evidence.Reported is null || time.GetElapsedTime(server.ReportedAt) < ReportTime) continue;
                server.Evidence = server.Evidence with { Reported = null };
            }
            changes.JudgeAll(look: true);
        });
    }

    private List<Server> Decide(Action<Changes> change)
    {
        Changes changes = new(this);
        lock (_lock) change(changes);
        foreach (Server server in changes.States) Changed(server);
        foreach (Server server in changes.Looks) Look(server);
        return changes.States;
    }

    /// <summary>What one change leads to.</summary>
    private sealed class Changes(Fleet fleet)
    {
        private readonly long _now = fleet.Time.GetTimestamp();

        public List<Server> States { get; } = [];

        public List<Server> Looks { get; } = [];

        // What a look led to is no reason for the next.
        public bool LooksAtNews { private get; set; } = true;

        public void Judge(Server server, bool look = false)
        {
            if (server.Contact is null) return;
            bool isNew = fleet.Time.GetElapsedTime(server.RegisteredAt, _now) <= Grace;
            bool isExpelled = server.Evidence.IsLapsed
                && fleet.Time.GetElapsedTime(server.LapsedAt, _now) > ReturnTime;
            bool isAbsent = server.Parted is { Claim.Incarnation: > 0 } parted
                && fleet.Time.GetElapsedTime(parted.At, _now) > AbsentTime;
            Verdict verdict = fleet._jury.Judge(server.Id, server.Evidence with
            {
                IsNew = isNew, IsExpelled = isExpelled, IsAbsent = isAbsent,
                IsForgotten = fleet.HasForgotten(server),
            });
            (server.IsRetired, server.LeavesItself) = (fleet.Retired.Has(server.Id), server.Evidence.Drains);
            string why = server.IsRetired && verdict.Why.Length == 0 ? "it is retired" : verdict.Why;
            bool news = server.Believe(verdict.State, why, fleet._asksTheDead);
            if (news) States.Add(server);
            if (verdict.IsOpen && (look || (news && LooksAtNews))) Looks.Add(server);
        }

        public void JudgeAll(bool look = false)
        {
            Server[] known = [.. fleet._servers.Where(server => server.Contact is not null)];
            int unreached = known.Count(server => server.Evidence.IsUnreached);
            fleet._asksTheDead = fleet._jury.IsInDoubt
                || (fleet._jury.IsEmpty && unreached >= WorthDoubting && unreached * 2 > known.Length);
            foreach (Server server in known) Judge(server, look);
        }

        // With nobody left to say that a server is dead, a look of our own has to: until then it stays so.
        public void JurorLeft()
        {
            if (fleet._jury.IsEmpty)
            {
                foreach (Server server in fleet._servers)
                {
                    if (server.State != ServerState.Dead) continue;
                    server.Evidence = server.Evidence with { IsUnreached = true };
                }
            }
            JudgeAll(look: true);
        }
    }
}
