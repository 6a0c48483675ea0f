namespace MicroCdn.Client;

/// <summary>Decides whom one download asks: whom first, when another one too, and whom no longer.</summary>
/// <remarks>
/// <para>Like a dispatcher with a list of couriers. One is sent for a small file, several for a large one. Who has not
/// answered within 300 ms, or has brought nothing for 700 ms, or brings a chunk drop by drop, is not counted on:
/// another one is sent, to another server, and the first to bring something good goes on. Who brings nothing for 10 s
/// is called back. A server that failed, was silent or sent wrong bytes is asked after the others from then on; after a
/// failure not before 3 s have passed.</para>
/// <para>Pure: the time is an argument, as the time since the download began. Not thread-safe.</para>
/// </remarks>
internal sealed class Crew(int wanted, TimeSpan stall, TimeSpan secondChance)
{
    /// <summary>Between two couriers that start while nothing is wrong.</summary>
    public static readonly TimeSpan Stagger = TimeSpan.FromMilliseconds(300);

    /// <summary>Silence after which another server is asked for the same chunk.</summary>
    public static readonly TimeSpan Hedge = TimeSpan.FromMilliseconds(700);

    /// <summary>So long a chunk may come slowly, however slowly.</summary>
    public static readonly TimeSpan DripTime = TimeSpan.FromSeconds(3);

    /// <summary>Bytes in a second; who brings a chunk more slowly than that is as good as silent.</summary>
    public const int DripBytes = 32 * 1024;

    // With the wanted ones: so many may wait for servers that do not answer.
    private const int MostWaiting = 3;

    private readonly List<Candidate> _candidates = [];
    private readonly List<Courier> _couriers = [];
    private int _nextId;
    private TimeSpan? _lastStart;

    /// <summary>Those under way.</summary>
    public IReadOnlyList<Courier> Couriers => _couriers;

    /// <summary>Every server that was named.</summary>
    public IReadOnlyList<Candidate> Candidates => _candidates;

    /// <summary>Takes a list of servers: new ones join, known ones keep what is known of them, those that are not named
    /// any more are not asked again.</summary>
    public void Take(IReadOnlyList<Holder> holders)
    {
        foreach (Candidate candidate in _candidates) candidate.IsNamed = false;
        for (int order = 0; order < holders.Count; order++)
        {
            Candidate? known = _candidates.Find(candidate => candidate.Holder.Key == holders[order].Key);
            if (known is null) _candidates.Add(known = new Candidate(holders[order]));
            (known.IsNamed, known.Order) = (true, order);
        }
    }

    /// <summary>The next courier to send, or null; asked again until there is none.</summary>
    /// <param name="now">The time.</param>
    /// <param name="hasWorkFor">Tells of a server whether there is a chunk that it may be asked for.</param>
    public Courier? Start(TimeSpan now, Func<Candidate, bool> hasWorkFor)
    {
        int counted = _couriers.Count(courier => courier.IsCountedOn(now));
        if (counted >= wanted || _couriers.Count >= wanted + MostWaiting) return null;
        // Those beyond the first start one after the other; a lost one is replaced at once.
        if (counted > 0 && _lastStart is { } last && now - last < Stagger) return null;
        if (Choose(now, hasWorkFor) is not { } chosen) return null;
        Courier started = new(_nextId++, chosen, now);
        _couriers.Add(started);
        chosen.IsBusy = true;
        _lastStart = now;
        return started;
    }

    /// <summary>True when a courier may go on: enough others do not do its work already.</summary>
    public bool IsNeeded(Courier courier, TimeSpan now) => !courier.IsCalledBack
        && _couriers.Count(other => other != courier && other.IsFlowing && other.IsCountedOn(now)) < wanted;

    /// <summary>Those who have brought nothing for too long, once each.</summary>
    public List<Courier> CallBack(TimeSpan now)
    {
        List<Courier> late = _couriers.FindAll(c => !c.IsCalledBack && now - c.HeardAt >= stall);
        late.ForEach(courier => courier.IsCalledBack = true);
        return late;
    }

    /// <summary>A courier ended.</summary>
    public void End(Courier courier, Outcome outcome, TimeSpan now)
    {
        _couriers.Remove(courier);
        Candidate candidate = courier.Candidate;
        candidate.IsBusy = false;
        candidate.Last = outcome;
        candidate.Penalty += outcome switch
        {
            Outcome.Done => 0,
            Outcome.Overtaken or Outcome.NoDigests or Outcome.WholeOnly => 1,
            Outcome.Failed or Outcome.Missing => 4,
            _ => 16,
        };
        if (outcome is Outcome.Done or Outcome.Overtaken) return;
        if (outcome is Outcome.Wrong) candidate.WrongChunks++;
        candidate.HasFailedBefore |= outcome is not (Outcome.NoDigests or Outcome.WholeOnly);
        // One rotten chunk says little of the others.
        candidate.RestsUntil = now + (outcome is Outcome.Wrong ? TimeSpan.Zero : secondChance);
    }

    /// <summary>When to look again; null when nothing is due before something happens.</summary>
    public TimeSpan? NextLook(TimeSpan now)
    {
        TimeSpan? next = null;
        void Consider(TimeSpan at)
        {
            if (at > now && (next is null || at < next)) next = at;
        }
        foreach (Courier courier in _couriers)
        {
            Consider(courier.CountedUntil);
            if (!courier.IsCalledBack) Consider(courier.HeardAt + stall);
        }
        if (_lastStart is { } last) Consider(last + Stagger);
        foreach (Candidate candidate in _candidates) Consider(candidate.RestsUntil);
        return next;
    }

    /// <summary>True when somebody could be sent now, or is under way and counted on.</summary>
    public bool HasHope(TimeSpan now, Func<Candidate, bool> hasWorkFor) =>
        _couriers.Exists(courier => courier.IsCountedOn(now)) || Choose(now, hasWorkFor) is not null;

    private Candidate? Choose(TimeSpan now, Func<Candidate, bool> hasWorkFor)
    {
        Candidate? best = null;
        foreach (Candidate candidate in _candidates)
        {
            if (candidate.IsBusy || !candidate.IsNamed || candidate.IsOut || candidate.RestsUntil > now) continue;
            if (best is not null && (best.Penalty, best.Order).CompareTo((candidate.Penalty, candidate.Order)) <= 0)
            {
                continue;
            }
            if (hasWorkFor(candidate)) best = candidate;
        }
        return best;
    }
}

/// <summary>A server of this download, and what it was like so far.</summary>
internal sealed class Candidate(Holder holder)
{
    // Two copies with some rotten chunks each still make a whole file, so a few do not put a server out; and who sends
    // more right bytes than wrong ones is of use.
    private const int MostWrong = 3;

    public Holder Holder => holder;

    /// <summary>Its place in the newest list.</summary>
    public int Order { get; set; }

    /// <summary>True while the newest list names it.</summary>
    public bool IsNamed { get; set; }

    /// <summary>True while a courier is with it.</summary>
    public bool IsBusy { get; set; }

    /// <summary>The more went wrong, the later it is asked.</summary>
    public int Penalty { get; set; }

    /// <summary>True once it failed.</summary>
    public bool HasFailedBefore { get; set; }

    /// <summary>How often it sent wrong bytes.</summary>
    public int WrongChunks { get; set; }

    /// <summary>True when it is not asked again in this download: what it has is another file.</summary>
    public bool IsOut => WrongChunks >= MostWrong && Delivered < (long)WrongChunks * Protocol.Chunks.Bytes;

    /// <summary>How its last courier ended.</summary>
    public Outcome? Last { get; set; }

    /// <summary>It is not asked again before.</summary>
    public TimeSpan RestsUntil { get; set; }

    /// <summary>Bytes of the file that came from it.</summary>
    public long Delivered { get; set; }
}

/// <summary>One connection under way to one server.</summary>
internal sealed class Courier(int id, Candidate candidate, TimeSpan now)
{
    private TimeSpan? _beganAt;
    private long _bytes;

    public int Id => id;

    public Candidate Candidate => candidate;

    /// <summary>When it last brought something, or began to wait.</summary>
    public TimeSpan HeardAt { get; private set; } = now;

    /// <summary>True once the server has said anything.</summary>
    public bool IsFlowing { get; private set; }

    /// <summary>True when it is to end.</summary>
    public bool IsCalledBack { get; set; }

    /// <summary>Until then it is counted on without a further byte.</summary>
    public TimeSpan CountedUntil => HeardAt + (IsFlowing ? Crew.Hedge : Crew.Stagger);

    public bool IsCountedOn(TimeSpan at) => !IsCalledBack && at < CountedUntil && !IsDripping(at);

    /// <summary>A chunk begins.</summary>
    public void Begin(TimeSpan at) => (_beganAt, _bytes) = (at, 0);

    /// <summary>The server has said something.</summary>
    /// <param name="at">The time.</param>
    /// <param name="bytes">How much of a chunk that was.</param>
    public void Hear(TimeSpan at, int bytes = 0)
    {
        (IsFlowing, HeardAt) = (true, at);
        _bytes += bytes;
    }

    /// <summary>What it was busy with itself is done; from now on it waits for the server.</summary>
    public void Wait(TimeSpan at) => (HeardAt, _beganAt) = (at, null);

    private bool IsDripping(TimeSpan at) => _beganAt is { } began && at - began >= Crew.DripTime
        && _bytes < (at - began).TotalSeconds * Crew.DripBytes;
}

/// <summary>How a courier ended.</summary>
internal enum Outcome
{
    /// <summary>There was nothing left for it to do.</summary>
    Done,

    /// <summary>Another one was faster.</summary>
    Overtaken,

    /// <summary>The server does not know the digests of the chunks yet.</summary>
    NoDigests,

    /// <summary>The server sends the file whole alone.</summary>
    WholeOnly,

    /// <summary>The server could not be reached, refused, or ended early.</summary>
    Failed,

    /// <summary>The server sent nothing for too long.</summary>
    Stalled,

    /// <summary>The server has no such file, or another version of it.</summary>
    Missing,

    /// <summary>The server sent wrong bytes.</summary>
    Wrong,
}
