using System.Net;
using System.Net.Sockets;
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

    /// <summary>A monitor called it dead.</summary>
    Dead,

    /// <summary>Its list of files is not complete.</summary>
    NotRegistered,

    /// <summary>The client cannot reach its address family.</summary>
    AddressFamily,

    /// <summary>The client asked for another one.</summary>
    NotWanted,
}

/// <summary>One server that has the file, with what speaks for and against it.</summary>
/// <param name="Server">The server.</param>
/// <param name="Score">What the choice compares last: smaller is better.</param>
/// <param name="Exclusion">Why it does not get the client.</param>
public readonly record struct Candidate(Server Server, long Score, Exclusion Exclusion);

/// <summary>Puts the servers that have a file in the order in which a client should ask them.</summary>
internal sealed class Candidates
{
    private readonly Comparison<Candidate> _order = (one, other) =>
        (one.Exclusion, one.Score).CompareTo((other.Exclusion, other.Score));

    /// <summary>Fills in the candidates, the best first, the excluded last.</summary>
    /// <returns>How many there are; those that do not fit are left out.</returns>
    public int Rank(in FileEntry entry, in Asker asker, Span<Candidate> ranked)
    {
        int count = Math.Min(entry.Count, ranked.Length);
        for (int holder = 0; holder < count; holder++)
        {
            Server server = entry[holder];
            ranked[holder] = new Candidate(server, server.Weight, ExclusionOf(server, asker));
        }
        ranked[..count].Sort(_order);
        return count;
    }

    private static Exclusion ExclusionOf(Server server, in Asker asker)
    {
        if (server.Contact is not { } contact) return Exclusion.NotRegistered;
        if (!server.IsAlive) return Exclusion.Dead;
        if (asker.OverIPv4 && !contact.IsLoopback && contact.Address.AddressFamily != AddressFamily.InterNetwork)
        {
            return Exclusion.AddressFamily;
        }
        return asker.Not == server.Id ? Exclusion.NotWanted : Exclusion.None;
    }
}
