using MicroCdn.Protocol;

namespace MicroCdn.Monitor;

/// <summary>Who of version 1 is alive: decides from the times of heartbeats alone, without I/O and without a clock of
/// its own.</summary>
/// <remarks>
/// <para>Think of a night watchman who listens for each guard's call. A guard not heard for the whole timeout is
/// given up. But when the watchman himself dozed off (the process was stopped, the machine suspended, a collection
/// ran), he cannot blame the guards for calls he slept through: the time he slept is taken out of every silence
/// first.</para>
/// <para>Nor is he alone with a lake full of the drowned the moment he takes up his post: when most of those whom he
/// only knows by hearsay stay silent, it is likelier that they cannot reach him. They are suspect then, not
/// dead.</para>
/// <para>Simple on purpose: version 1 beats every three seconds, so two lost datagrams and an unlucky third already end
/// the eight seconds. A wrong verdict costs little, since the next beat takes it back.</para>
/// <para>Times are timestamps of one monotonic clock. One caller at a time; the callers hold <see cref="Lock"/>.</para>
/// </remarks>
internal sealed class Roster
{
    /// <summary>How late a look may be before the silence is put down to ourselves.</summary>
    private static readonly TimeSpan Tolerance = TimeSpan.FromMilliseconds(250);

    // One or two may have died while we were away, and be all there is.
    private const int FewestUnheard = 3;

    private readonly TimeProvider _time;
    private readonly TimeSpan _timeout;
    private readonly TimeSpan _checkInterval;
    private readonly Dictionary<byte[], Member> _members;
    private readonly Dictionary<byte[], Member>.AlternateLookup<ReadOnlySpan<byte>> _lookup;
    private long _sweptAt;

    public Roster(TimeProvider time, TimeSpan timeout, TimeSpan checkInterval)
    {
        (_time, _timeout, _checkInterval) = (time, timeout, checkInterval);
        _members = new Dictionary<byte[], Member>(WordComparer.Instance);
        _lookup = _members.GetAlternateLookup<ReadOnlySpan<byte>>();
        StartedAt = _sweptAt = time.GetTimestamp();
    }

    /// <summary>Held by every caller while it reads or writes.</summary>
    public Lock Lock { get; } = new();

    /// <summary>When this monitor began to listen.</summary>
    public long StartedAt { get; }

    /// <summary>True while most of the fleet is silent and was never heard by this monitor: of those nobody is called
    /// dead.</summary>
    public bool IsDegraded { get; private set; }

    public IReadOnlyCollection<Member> Members => _members.Values;

    /// <summary>Takes in a heartbeat; allocates nothing for a server already known.</summary>
    /// <returns>What is news, or null; <paramref name="member"/> is null when the table is full.</returns>
    public Change? Record(in Heartbeat beat, long now, out Member? member)
    {
        if (!_lookup.TryGetValue(beat.Id, out member))
        {
            if (Add(beat.Id, beat.Host, beat.TcpPort) is not { } added) return null;
            member = added;
            member.Update(beat, now);
            return Change.Appeared;
        }
        bool returns = !member.IsAlive || member.IsDoubted;
        member.Update(beat, now);
        return returns ? Change.Returned : null;
    }

    /// <summary>Takes in a server that an index knows, as if it had been heard when this monitor began to
    /// listen.</summary>
    /// <remarks>One that the index calls dead stays dead until it is heard: it must not get clients for our
    /// restart.</remarks>
    public bool Expect(ServerRow row)
    {
        byte[] id = System.Text.Encoding.UTF8.GetBytes(row.Id.Value);
        if (_members.ContainsKey(id)) return false;
        if (Add(id, System.Text.Encoding.UTF8.GetBytes(row.Host), row.Port) is not { } member) return false;
        (member.HeardAt, member.Load, member.IsAlive) = (StartedAt, row.Load, row.Alive);
        return true;
    }

    /// <summary>Forgets a server, which speaks version 2 from now on.</summary>
    public void Remove(ReadOnlySpan<byte> id) => _lookup.Remove(id);

    /// <summary>Looks who has been silent too long.</summary>
    /// <param name="now">The time.</param>
    /// <param name="others">How many servers of version 2 are there: they are heard, or judged by themselves.</param>
    /// <returns>Those who are dead from now on, and those who are doubted from now on, which still count as
    /// alive.</returns>
    public IReadOnlyList<Member> Sweep(long now, int others)
    {
        TimeSpan late = _time.GetElapsedTime(_sweptAt, now) - _checkInterval;
        _sweptAt = now;
        if (late > Tolerance) Rebase(late);

        Doubt(now, others);
        List<Member> news = [];
        foreach (Member member in _members.Values)
        {
            if (!IsSilent(member, now)) continue;
            bool isDoubtful = IsDegraded && !member.WasHeard;
            if (isDoubtful && member.IsDoubted) continue;
            if (isDoubtful) member.IsDoubted = true;
            else member.IsAlive = false;
            news.Add(member);
        }
        return news;
    }

    private void Doubt(long now, int others)
    {
        int alive = 0, silent = 0, unheard = 0;
        foreach (Member member in _members.Values)
        {
            if (member.IsAlive) alive++;
            if (!IsSilent(member, now)) continue;
            silent++;
            if (!member.WasHeard) unheard++;
        }
        bool doubts = unheard >= FewestUnheard && silent * 2 > others + alive;
        if (IsDegraded && !doubts)
        {
            // Whoever is still silent gets the whole time again: the trouble was ours.
            foreach (Member member in _members.Values)
            {
                if (IsSilent(member, now) && !member.WasHeard) member.HeardAt = now;
            }
        }
        IsDegraded = doubts;
    }

    private bool IsSilent(Member member, long now) =>
        member.IsAlive && _time.GetElapsedTime(member.HeardAt, now) >= _timeout;

    private void Rebase(TimeSpan late)
    {
        long shift = (long)(late.TotalSeconds * _time.TimestampFrequency);
        foreach (Member member in _members.Values)
        {
            // The dead need no allowance; to IndexNotices a new time would mean that they were heard again.
            // Never into the future: who was heard after the pause needs no allowance either.
            if (member.IsAlive) member.HeardAt = Math.Min(member.HeardAt + shift, _sweptAt);
        }
    }

    private Member? Add(ReadOnlySpan<byte> id, ReadOnlySpan<byte> host, int port)
    {
        if (_members.Count >= Limits.Servers) return null;
        ServerId.TryCreate(id, out ServerId name);
        Member member = new(name, host.ToArray(), port);
        _members.Add(id.ToArray(), member);
        return member;
    }
}

/// <summary>What a heartbeat changed.</summary>
internal enum Change
{
    /// <summary>The server was never heard before.</summary>
    Appeared,

    /// <summary>The server was dead.</summary>
    Returned,
}

/// <summary>One server as the monitor knows it.</summary>
internal sealed class Member(ServerId id, byte[] host, int port)
{
    public ServerId Id => id;

    public byte[] Host { get; private set; } = host;

    public int Port { get; private set; } = port;

    public int Load { get; set; }

    public int Files { get; private set; }

    public long HeardAt { get; set; }

    public bool IsAlive { get; set; } = true;

    /// <summary>When its last heartbeat came, whatever allowance was made since; null when this monitor never heard
    /// it, and knows it from an index.</summary>
    public long? BeatAt { get; private set; }

    public bool WasHeard => BeatAt is not null;

    /// <summary>It is suspect: silent, and never heard, when the monitor had reason to doubt itself.</summary>
    public bool IsDoubted { get; set; }

    public void Update(in Heartbeat beat, long now)
    {
        (Port, Load, Files, HeardAt, IsAlive) = (beat.TcpPort, beat.Load, beat.Files, now, true);
        (BeatAt, IsDoubted) = (now, false);
        if (!beat.Host.SequenceEqual(Host)) Host = beat.Host.ToArray();
    }
}
