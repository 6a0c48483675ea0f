namespace MicroCdn.Index;

/// <summary>Chooses which server gets a client: of the live ones that hold the file, the one with the least to
/// do.</summary>
/// <remarks>
/// The reported loads are up to three seconds old. Going by them alone, a burst would all go to whoever looked idle
/// last. So each answer counts at once as if the download had begun, and is forgotten as reports catch up.
/// </remarks>
internal sealed class Router(Catalog catalog, Fleet fleet)
{
    public Catalog Catalog => catalog;

    public Fleet Fleet => fleet;

    /// <summary>The server for one client, or null when no live server has the file. Allocates nothing.</summary>
    /// <param name="words">What the client asked for.</param>
    /// <param name="overIPv4">The client came over IPv4, and is sent to IPv4 addresses alone.</param>
    /// <param name="size">The file's length in bytes.</param>
    /// <param name="contact">How the server is reached.</param>
    public Server? Choose(ReadOnlySpan<byte> words, bool overIPv4, out long size, out Contact? contact)
    {
        Catalog.View view = catalog.Now;
        return Choose(view, view.Find(words), overIPv4, out size, out contact);
    }

    /// <summary>The same for a row of the catalog; -1 is no file.</summary>
    public Server? Choose(Catalog.View view, int row, bool overIPv4, out long size, out Contact? contact)
    {
        (size, contact) = (0, null);
        if (row < 0) return null;

        Server[] servers = fleet.Servers;
        Server? best = null;
        long least = long.MaxValue;
        foreach (ushort holder in view.Holders(row, servers, out size))
        {
            // One that was enlisted since the table was taken: the next client gets it.
            if (holder >= servers.Length) continue;
            Server server = servers[holder];
            if (!server.IsAlive || server.Contact is not { } reached || !reached.Suits(overIPv4)) continue;
            long weight = server.Weight;
            if (weight >= least) continue;
            (best, least, contact) = (server, weight, reached);
        }
        best?.CountAnswer();
        return best;
    }
}
