using MicroCdn.Protocol;

namespace MicroCdn.Index;

/// <summary>What the index itself has of a server, beside the words of monitors.</summary>
/// <param name="Incarnation">The one it registered with; 0 when it told none.</param>
/// <param name="IsNew">It registered a moment ago.</param>
/// <param name="IsUnreached">The index's own last connection to it was refused or not answered.</param>
/// <param name="IsCalledDead">Somebody who sits on no bench, a monitor of version 1, sent SERVER_DOWN.</param>
/// <param name="Reported">What clients report of it; null when nothing, or too long ago.</param>
/// <param name="Drains">It said itself that it leaves.</param>
/// <param name="IsParted">The connection by which it was registered ended, and nobody has looked yet.</param>
/// <param name="IsLapsed">The key by which it was registered was taken out, and it did not come back by
/// another.</param>
/// <param name="IsExpelled">So long ago that it is not expected back.</param>
/// <param name="IsAbsent">The connection by which it was registered ended a while ago, and no other came.</param>
/// <param name="IsRemembered">An earlier process of the index knew it, and it has not registered with this one.</param>
/// <param name="IsForgotten">The same for so long that it is not expected any more.</param>
internal readonly record struct Evidence(long Incarnation = 0, bool IsNew = false, bool IsUnreached = false,
    bool IsCalledDead = false, Trouble? Reported = null, bool Drains = false, bool IsParted = false,
    bool IsLapsed = false, bool IsExpelled = false, bool IsAbsent = false, bool IsRemembered = false,
    bool IsForgotten = false);

/// <summary>What is to be believed of a server, and why.</summary>
/// <param name="State">The state.</param>
/// <param name="Why">The reason in words; empty for a server that is well.</param>
/// <param name="IsOpen">A look of the index's own could settle it.</param>
internal readonly record struct Verdict(ServerState State, string Why = "", bool IsOpen = false);

/// <summary>Combines what all monitors say of a server with what the index itself has seen. Pure; not for several
/// threads at once.</summary>
/// <remarks>
/// <para>Think of a jury. Anybody's word is enough to be careful with a server: it is suspect, and asked last. To give
/// it up takes more: most of the jurors who are here and trust themselves, or one of them together with a look of our
/// own that found nobody. Who doubts himself has no vote; when all do, what they said last still puts the servers in
/// order, but nobody is left out for it.</para>
/// <para>A monitor removes only so many servers in a while for their silence (docs/decisions/0013). Whom that spares is
/// suspect; the monitor says so, and a look of our own that finds nobody makes good what its vote may not.</para>
/// <para>With nobody on the bench the dead are those whom the index cannot reach itself, and everyone else is unknown,
/// which may be used: clients go on downloading however long the monitors are away.</para>
/// <para>A word about an incarnation older than the registered one is about a process that is no more.</para>
/// </remarks>
internal sealed class Jury
{
    /// <summary>The most monitors on the bench: a majority of more than a handful is no better.</summary>
    public const int MostJurors = 16;

    // A monitor that knows this index by two names has two connections, and says the same on both.
    private const int MostSeatsOfOne = 4;

    private readonly List<Juror> _jurors = [];

    /// <summary>Those who are heard now, each once: of several connections of one monitor the newest, and one that is
    /// asked at the address of one that speaks version 2, or that goes by its name, is that same monitor.</summary>
    public IEnumerable<Juror> Present => _jurors.Where((juror, at) => juror.IsHere && !IsSecondVoice(juror, at));

    /// <summary>All seats, also of those who are away.</summary>
    public IReadOnlyList<Juror> All => _jurors;

    /// <summary>True while nobody is heard.</summary>
    public bool IsEmpty => !Present.Any();

    /// <summary>True when there are jurors and none of them trusts himself.</summary>
    public bool IsInDoubt => Present.Any() && Present.All(juror => juror.Doubts);

    /// <summary>Takes a monitor onto the bench; false when the bench is full.</summary>
    public bool Seat(Juror juror)
    {
        Juror[] same = [.. _jurors.Where(other => IsSame(juror, other))];
        if (same.Length == 0 && _jurors.DistinctBy(other => (other.Name, other.IsVersion1)).Count() >= MostJurors)
        {
            return false;
        }
        if (same.Length >= MostSeatsOfOne) Dismiss(same[0]);
        _jurors.Add(juror);
        return true;
    }

    /// <summary>Lets one leave for good.</summary>
    public void Dismiss(Juror juror)
    {
        juror.IsHere = false;
        _jurors.Remove(juror);
    }

    /// <summary>What is to be believed of a server.</summary>
    public Verdict Judge(ServerId id, in Evidence own)
    {
        bool all = IsInDoubt;
        Count count = default;
        foreach (Juror juror in Present)
        {
            if (juror.Doubts && !all) continue;
            count.Add(juror, Counts(juror.Of(id), own.Incarnation));
        }
        return count.Voters == 0 ? Alone(own) : Judge(count, own);
    }

    private static Verdict Parted =>
        new(ServerState.Suspect, "the connection that registered it ended", IsOpen: true);

    // It may answer: but what it has now nobody told, and something is wrong with it that only an operator can mend.
    private static Verdict Absent =>
        new(ServerState.Suspect, "the connection that registered it ended, and it did not come back");

    // That it answers is no reason to send clients there.
    private static Verdict Expelled => new(ServerState.Draining, "the key that it registered by was taken out");

    // Whether it has still what it had nobody has told: who did tell is asked first.
    private static Verdict Remembered =>
        new(ServerState.Unknown, "it has not registered since the index started", IsOpen: true);

    private static Verdict Forgotten => new(ServerState.Dead, "it has not registered since the index started");

    private static Verdict Lapsed => new(ServerState.Suspect, "the key that it registered by was taken out");

    private static Verdict Judge(in Count count, in Evidence own)
    {
        int dead = count.Dead + (own.IsUnreached ? 1 : 0);
        bool isMost = count.Dead * 2 > count.Voters;
        if (isMost) return new Verdict(ServerState.Dead, $"{Said(count.Against!)} says that it is dead{count.Because}");
        if (own.IsUnreached && (count.Dead > 0 || count.Spared > 0 || own.IsCalledDead))
        {
            string says = count.Dead > 0 || own.IsCalledDead ? "says that it is dead" : "hears nothing of it";
            return new Verdict(ServerState.Dead,
                $"{Said(count.Against)} {says}, and it does not answer the index", IsOpen: true);
        }
        if (own.IsForgotten) return Forgotten;
        if (own.IsExpelled) return Expelled;
        if (own.Drains || count.Draining > 0) return new Verdict(ServerState.Draining, "it leaves in order");
        if (dead > 0 || own.IsCalledDead || count.Suspect > 0)
        {
            string why = count.Dead > 0 || own.IsCalledDead
                ? $"{Said(count.Against)} says that it is dead, the others do not"
                : count.Suspect > 0 ? $"{Said(count.Against)} suspects it{count.Because}"
                : "it does not answer the index";
            return new Verdict(ServerState.Suspect, why, IsOpen: true);
        }
        if (own.IsLapsed) return Lapsed;
        if (own.IsParted) return Parted;
        if (own.IsAbsent) return Absent;
        if (own.Reported is { } trouble) return new Verdict(ServerState.Suspect, Told(trouble));
        if (own.IsRemembered) return Remembered;
        if (count.Alive > 0) return new Verdict(ServerState.Alive);
        if (count.Returning > 0) return new Verdict(ServerState.Returning, "it was dead a moment ago");
        return own.IsNew ? new Verdict(ServerState.Alive)
            : new Verdict(ServerState.Unknown, "no monitor knows it");
    }

    // Nobody is on the bench.
    private static Verdict Alone(in Evidence own)
    {
        // Who sits on no bench may be mistaken, and will not take it back: one that we reach ourselves lives.
        if (own.IsCalledDead) return new Verdict(ServerState.Dead, "a monitor heard nothing from it", IsOpen: true);
        if (own.IsUnreached) return new Verdict(ServerState.Dead, "it does not answer the index", IsOpen: true);
        if (own.IsForgotten) return Forgotten;
        if (own.IsExpelled) return Expelled;
        if (own.Drains) return new Verdict(ServerState.Draining, "it leaves in order");
        if (own.IsLapsed) return Lapsed;
        if (own.IsParted) return Parted;
        if (own.IsAbsent) return Absent;
        if (own.Reported is { } trouble) return new Verdict(ServerState.Suspect, Told(trouble));
        return own.IsRemembered ? Remembered
            : new Verdict(ServerState.Unknown, "no monitor is heard");
    }

    private static string Said(Juror? juror) => juror is null ? "a monitor" : $"monitor {juror.Name}";

    private static string Told(Trouble trouble) => $"clients report it: {TroubleReport.Text(trouble)}";

    private static Statement? Counts(Statement? said, long registered) =>
        said is not { IsOverruled: false } word || (word.Incarnation > 0 && word.Incarnation < registered)
            ? null : said;

    /// <summary>True when one that is asked by LIST_SERVERS may be one of those who speak version 2, from another
    /// address than it is asked at.</summary>
    public bool MayBeSecondVoice(Juror asked) =>
        _jurors.Exists(other => other is { IsVersion1: false, IsHere: true })
        && !IsSecondVoice(asked, _jurors.IndexOf(asked));

    private bool IsSecondVoice(Juror juror, int at) => juror.IsVersion1
        ? _jurors.Exists(other => other is { IsVersion1: false, IsHere: true } && IsHeardAs(juror, other))
            || (juror.CallsItself is { } name && _jurors.FindIndex(
                other => other is { IsVersion1: true, IsHere: true } && other.CallsItself == name) < at)
        : _jurors.FindLastIndex(other => other.IsHere && IsSame(juror, other)) > at;

    private static bool IsHeardAs(Juror asked, Juror speaking) =>
        asked.CallsItself == speaking.Name || (asked.Address is { } address && address.Equals(speaking.Address));

    private static bool IsSame(Juror one, Juror other) =>
        one.Name == other.Name && one.IsVersion1 == other.IsVersion1;

    private struct Count
    {
        public int Voters;
        public int Alive;
        public int Returning;
        public int Suspect;
        public int Spared;
        public int Draining;
        public int Dead;
        public Juror? Against;
        private string? _why;

        // What the one gives as the reason that is named.
        public readonly string Because => _why is { Length: > 0 } why ? $": {why}" : "";

        public void Add(Juror juror, Statement? said)
        {
            Voters++;
            if (said is not { } word) return;
            if (word.State == ServerState.Alive) Alive++;
            else if (word.State == ServerState.Returning) Returning++;
            else if (word.State == ServerState.Suspect) Suspect++;
            else if (word.State == ServerState.Draining) Draining++;
            else if (word.State == ServerState.Dead) Dead++;
            bool isSpared = word is { State: ServerState.Suspect, IsSpared: true };
            if (isSpared) Spared++;
            // Who says the worst is named.
            bool isWorst = word.State == ServerState.Dead
                || (word.State == ServerState.Suspect && Dead == 0 && (isSpared || Spared == 0));
            if (isWorst) (Against, _why) = (juror, word.Why);
        }
    }
}
