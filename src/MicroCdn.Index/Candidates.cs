using System.Buffers;
using System.Net;
using MicroCdn.Protocol;

namespace MicroCdn.Index;

/// <summary>What the choice of a server may know of the client.</summary>
/// <param name="Address">Its address, a mapped one as IPv4; null when it is not known.</param>
/// <param name="OverIPv4">It is sent to IPv4 addresses alone.</param>
/// <param name="Not">The server it does not want for this one answer.</param>
public readonly record struct Asker(IPAddress? Address, bool OverIPv4, ServerId? Not = null);

/// <summary>Why a server that has the file does not get the client.</summary>
public enum Exclusion
{
    /// <summary>It may get it.</summary>
    None,

    /// <summary>It is given up; <see cref="Server.Why"/> says by whom.</summary>
    Dead,

    /// <summary>It leaves in order.</summary>
    Draining,

    /// <summary>Its list of files is not complete.</summary>
    NotRegistered,

    /// <summary>The client cannot reach its address family.</summary>
    AddressFamily,

    /// <summary>The client asked for another one.</summary>
    NotWanted,
}

/// <summary>One server that has the file, with what speaks for and against it.</summary>
/// <param name="Server">The server.</param>
/// <param name="Score">What the choice compares last, its load for its weight: smaller is better.</param>
/// <param name="Exclusion">Why it does not get the client.</param>
/// <param name="Nearness">How near it is to the client.</param>
public readonly record struct Candidate(
    Server Server, long Score, Exclusion Exclusion, Nearness Nearness = Nearness.Elsewhere)
{
    // As it was when the candidates were judged: it must not change while they are put in order.
    internal Standing Standing { get; } = Server.Standing;

    /// <summary>How far it is from what is asked for, where each name has a server of its own; else 0.</summary>
    internal double Distance { get; init; }

    /// <summary>The score in downloads under way, this client's included, as a server of the usual weight would feel
    /// them.</summary>
    public double Load => (double)Score / (Server.OneAnswer * Contact.UsualStrain);

    /// <summary>How near it is, in words.</summary>
    public string Where => Nearness switch
    {
        Nearness.Zone => "in the client's zone",
        Nearness.Country => "in the client's country",
        Nearness.Continent => "on the client's continent",
        _ => "elsewhere",
    };
}

/// <summary>Puts the servers that have a file in the order in which a client should ask them.</summary>
/// <remarks>The first is the one that the policies chose, by the same list and the same chance as any GET. Behind it
/// come those to turn to when it fails: those in the best state first, of these the nearest, of these the one with the
/// least to do. The excluded are last, so that somebody can read why.</remarks>
internal sealed class Candidates(Router router)
{
    private static readonly Comparison<Candidate> Order = (one, other) =>
        (one.Exclusion, one.Standing, one.Nearness, one.Distance, one.Score).CompareTo(
            (other.Exclusion, other.Standing, other.Nearness, other.Distance, other.Score));

    /// <summary>Fills in the candidates, the best first, the excluded last.</summary>
    /// <returns>How many there are; the last of those that do not fit are left out.</returns>
    public int Rank(in FileEntry entry, in Asker asker, Span<Candidate> ranked)
    {
        if (entry.Count <= ranked.Length)
        {
            RankAll(entry, asker, ranked[..entry.Count]);
            return entry.Count;
        }
        Candidate[] all = ArrayPool<Candidate>.Shared.Rent(entry.Count);
        RankAll(entry, asker, all.AsSpan(0, entry.Count));
        all.AsSpan(0, ranked.Length).CopyTo(ranked);
        ArrayPool<Candidate>.Shared.Return(all, clearArray: true);
        return ranked.Length;
    }

    /// <summary>Fills in those who pull a path from an origin: a path belongs to one of them, so that all of them
    /// together keep it once.</summary>
    /// <returns>How many there are.</returns>
    public int RankPulled(in FileEntry entry, ReadOnlySpan<byte> path, in Asker asker, Span<Candidate> ranked)
    {
        Place client = router.Fleet.Locations.AreKnown ? router.Fleet.Locations.PlaceOf(asker.Address) : default;
        ulong spot = Rendezvous.SpotOf(path);
        ranked = ranked[..entry.Count];
        router.Decisions.Count(Decision.Path);
        for (int puller = 0; puller < ranked.Length; puller++)
        {
            Server server = entry[puller];
            ranked[puller] = Judge(server, asker, client) with
            {
                Distance = Rendezvous.Distance(spot, server.Spot, server.Contact!.Weight),
            };
        }
        ranked.Sort(Order);
        int equals = 0;
        while (equals < ranked.Length && AreEqual(ranked[equals], ranked[0])) equals++;
        if (equals < 2) return ranked.Length;
        int chosen = BoundedLoad.FirstWithRoom(ranked[..equals]);
        Candidate first = ranked[chosen];
        ranked[..chosen].CopyTo(ranked[1..]);
        ranked[0] = first;
        return ranked.Length;
    }

    private static bool AreEqual(in Candidate one, in Candidate other) => one.Exclusion == Exclusion.None
        && (one.Exclusion, one.Standing, one.Nearness) == (other.Exclusion, other.Standing, other.Nearness);

    private void RankAll(in FileEntry entry, in Asker asker, Span<Candidate> ranked)
    {
        Place client = router.Fleet.Locations.AreKnown ? router.Fleet.Locations.PlaceOf(asker.Address) : default;
        Server? chosen = router.Choose(entry.Holders, entry.Servers, asker);
        int first = -1;
        for (int holder = 0; holder < ranked.Length; holder++)
        {
            ranked[holder] = Judge(entry[holder], asker, client);
            // It may have died since it was chosen.
            if (ranked[holder].Server == chosen && ranked[holder].Exclusion == Exclusion.None) first = holder;
        }
        if (first >= 0) (ranked[0], ranked[first]) = (ranked[first], ranked[0]);
        ranked[(first >= 0 ? 1 : 0)..].Sort(Order);
    }

    private static Candidate Judge(Server server, in Asker asker, Place client)
    {
        Exclusion exclusion = Policies.ExclusionOf(server, asker);
        // One that never completed its list has said nothing of itself.
        if (server.Contact is not { } contact) return new Candidate(server, long.MaxValue, exclusion);
        return new Candidate(server, Policies.ScoreOf(server, contact), exclusion, client.To(contact.Place));
    }
}
