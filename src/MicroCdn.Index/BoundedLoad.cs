namespace MicroCdn.Index;

/// <summary>Says which server has room for one more client when each key has a server of its own.</summary>
/// <remarks>
/// Consistent hashing with bounded loads (Mirrokni, Thorup and Zadimoghaddam, 2016): no server gets more than its share
/// of all there is to do and a quarter above it; what would be too much goes to the next in the key's own order, so
/// that a name that everybody wants is served by as many servers as it needs, and by no more. Somebody always has room,
/// since not everybody can be above the mean.
/// </remarks>
internal static class BoundedLoad
{
    // How far above its share a server may be. The smaller, the more keys are away from home.
    private const double Slack = 0.25;

    // With little to do, a quarter above the mean is one download: then two clients of one name would already be sent
    // to two servers. Every server bears this many.
    private const double NeverTooMuch = 32 * Server.OneAnswer;

    /// <summary>The number of the first that has room.</summary>
    /// <param name="field">Servers of equal standing in the order of a key, each with a contact; at least one.</param>
    public static int FirstWithRoom(ReadOnlySpan<Candidate> field)
    {
        double burden = Server.OneAnswer, weight = 0;
        foreach (Candidate candidate in field)
        {
            burden += candidate.Server.Burden;
            weight += candidate.Server.Contact!.Weight;
        }
        for (int at = 0; at < field.Length; at++)
        {
            Server server = field[at].Server;
            double room = Math.Max(NeverTooMuch, (1 + Slack) * burden * server.Contact!.Weight / weight);
            if (server.Burden + Server.OneAnswer <= room) return at;
        }
        // Rounding, and loads that change while they are added up.
        return 0;
    }
}
