using MicroCdn.Protocol;

namespace MicroCdn.Index;

/// <summary>Who gets a client: the policies, in the order in which they are asked.</summary>
/// <remarks>
/// <para>Think of sieves in a row. All servers that hold the file are the field. Each policy is a small function that
/// moves those it keeps to the front and says how many they are; the next one sees only these. When one is left, the
/// rest need not be asked. A policy that knows nothing (no zones, a client from nowhere) keeps everybody: not knowing
/// never excludes.</para>
/// <para>The loads we compare are up to three seconds old, and other indexes go by the same ones. If everybody took the
/// least loaded, all would run to the same server until the next report, and then to another, like a herd. Two servers
/// drawn at random, of which the less loaded wins, are nearly as good as perfect knowledge and cannot herd: even the
/// idlest is in a draw only as often as its weight says (docs/decisions/0009). Against our own bursts each answer
/// counts at once as if the download had begun (<see cref="Server.CountAnswer"/>).</para>
/// <para>Nothing here waits, locks or allocates: the line protocol's GET and the gateway's redirect walk this
/// list.</para>
/// </remarks>
internal static class Policies
{
    /// <summary>The list. Null when nobody of the field may get the client.</summary>
    /// <param name="holders">The numbers of those who have the file.</param>
    /// <param name="field">Room for as many numbers.</param>
    /// <param name="servers">All servers by number.</param>
    /// <param name="asker">The client.</param>
    /// <param name="locations">Where addresses are.</param>
    /// <param name="chance">Asked only where three or more are left.</param>
    /// <param name="decision">Which policy left one alone.</param>
    public static Server? Choose(ReadOnlySpan<ushort> holders, Span<ushort> field, Server[] servers, in Asker asker,
        Locations locations, Chance chance, out Decision decision)
    {
        int left = Eligible(holders, field, servers, asker);
        decision = left == 0 ? Decision.None : Decision.Only;
        if (left > 1) (left, decision) = (BestState(field[..left], servers), Decision.State);
        if (left > 1 && locations.AreKnown)
        {
            (left, decision) = (Nearest(field[..left], servers, locations.PlaceOf(asker.Address)), Decision.Place);
        }
        if (left > 2) left = TwoByWeight(field[..left], servers, chance.Next());
        if (left > 1) (left, decision) = (LessLoaded(field[..left], servers), Decision.Load);
        return left == 0 ? null : servers[field[0]];
    }

    /// <summary>Keeps those that may get the client at all.</summary>
    internal static int Eligible(
        ReadOnlySpan<ushort> holders, Span<ushort> field, Server[] servers, in Asker asker)
    {
        int kept = 0;
        foreach (ushort holder in holders)
        {
            // One that was enlisted since the table was taken: the next client gets it.
            if (holder >= servers.Length || ExclusionOf(servers[holder], asker) != Exclusion.None) continue;
            field[kept++] = holder;
        }
        return kept;
    }

    /// <summary>Keeps the alive; if there are none the returning, then the unknown, then the suspect, and last the dead
    /// while those who call them dead do not trust themselves.</summary>
    internal static int BestState(Span<ushort> field, Server[] servers)
    {
        int kept = 0;
        Standing best = Standing.Never;
        foreach (ushort server in field)
        {
            Standing standing = servers[server].Standing;
            if (standing > best) continue;
            if (standing < best) (best, kept) = (standing, 0);
            field[kept++] = server;
        }
        return kept;
    }

    /// <summary>Keeps those of the client's zone; if there are none, of its country, then of its continent; else
    /// all.</summary>
    internal static int Nearest(Span<ushort> field, Server[] servers, Place client)
    {
        int kept = 0;
        Nearness nearest = Nearness.Elsewhere;
        for (int at = 0; at < field.Length; at++)
        {
            Nearness nearness = client.To(servers[field[at]].Contact!.Place);
            if (nearness > nearest) continue;
            if (nearness < nearest) (nearest, kept) = (nearness, 0);
            field[kept++] = field[at];
        }
        return kept;
    }

    /// <summary>Keeps two, drawn by weight, never the same one twice; fewer than three stay as they are.</summary>
    internal static int TwoByWeight(Span<ushort> field, Server[] servers, ulong chance)
    {
        if (field.Length < 3) return field.Length;
        uint total = 0, different = 0, usual = Weight(servers, field[0]);
        foreach (ushort server in field)
        {
            uint weight = Weight(servers, server);
            total += weight;
            different |= weight ^ usual;
        }
        // The two halves of the random number are two tickets. Where all weigh alike, a ticket is a place in the field:
        // no walk, no branch that nobody can foretell.
        uint one = (uint)(chance >> 32), other = (uint)chance;
        if (different == 0)
        {
            int first = Share(one, (uint)field.Length), second = Share(other, (uint)field.Length - 1);
            second += second >= first ? 1 : 0;
            (field[0], field[1]) = (field[first], field[second]);
            return 2;
        }
        ToFront(field, Draw(field, servers, Share(one, total)));
        ToFront(field[1..], Draw(field[1..], servers, Share(other, total - Weight(servers, field[0]))));
        return 2;
    }

    /// <summary>Keeps the one with the least to do for its weight; of equals the first.</summary>
    internal static int LessLoaded(Span<ushort> field, Server[] servers)
    {
        int best = field[0];
        long least = ScoreOf(servers[best], servers[best].Contact!);
        foreach (ushort server in field[1..])
        {
            // All ones where this one has less to do. Of two drawn at random no processor foretells which has, and a
            // branch that it guesses wrong costs more than the arithmetic.
            long fewer = ScoreOf(servers[server], servers[server].Contact!) - least;
            long takes = fewer >> 63;
            best ^= (best ^ server) & (int)takes;
            least += fewer & takes;
        }
        field[0] = (ushort)best;
        return 1;
    }

    /// <summary>Why a server does not get a client; none when it may.</summary>
    internal static Exclusion ExclusionOf(Server server, in Asker asker)
    {
        if (server.Contact is not { } contact) return Exclusion.NotRegistered;
        if (!server.IsAsked) return server.State == ServerState.Draining ? Exclusion.Draining : Exclusion.Dead;
        if (!contact.Suits(asker.OverIPv4)) return Exclusion.AddressFamily;
        return asker.Not is { } unwanted && unwanted == server.Id ? Exclusion.NotWanted : Exclusion.None;
    }

    /// <summary>What there is to do for its weight, this client included.</summary>
    internal static long ScoreOf(Server server, Contact contact) => (server.Burden + Server.OneAnswer) * contact.Strain;

    // Whose ticket it is, when each of the field has as many as its weight says.
    private static int Draw(ReadOnlySpan<ushort> field, Server[] servers, int ticket)
    {
        int at = 0;
        while (at < field.Length - 1 && (ticket -= (int)Weight(servers, field[at])) >= 0) at++;
        return at;
    }

    private static void ToFront(Span<ushort> field, int at) => (field[0], field[at]) = (field[at], field[0]);

    // A random number below a bound; with 32 bits the bias is too small to be seen.
    private static int Share(uint chance, uint bound) => (int)(((ulong)chance * bound) >> 32);

    private static uint Weight(Server[] servers, ushort server) => (uint)servers[server].Contact!.Weight;
}
