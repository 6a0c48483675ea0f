using System.Buffers;

namespace MicroCdn.Index;

/// <summary>Chooses which server gets a client: of those that hold the file, the one that the policies leave.</summary>
internal sealed class Router(Catalog catalog, Fleet fleet, Chance chance)
{
    // As many holders as a fleet of the size we build for has; a larger field is rented.
    private const int OnStack = 32;

    public Catalog Catalog => catalog;

    public Fleet Fleet => fleet;

    /// <summary>What is asked for lately.</summary>
    public Popularity Popularity { get; } = new();

    /// <summary>What decided so far.</summary>
    public Decisions Decisions { get; } = new();

    /// <summary>The server for one client, or null when no live server has the file. Allocates nothing.</summary>
    /// <param name="words">What the client asked for.</param>
    /// <param name="asker">The client.</param>
    /// <param name="size">The file's length in bytes.</param>
    /// <param name="contact">How the server is reached.</param>
    public Server? Choose(ReadOnlySpan<byte> words, in Asker asker, out long size, out Contact? contact)
    {
        Catalog.View view = catalog.Now;
        return Choose(view, view.Find(words), asker, out size, out contact);
    }

    /// <summary>The same for a row of the catalog; -1 is no file.</summary>
    public Server? Choose(Catalog.View view, int row, in Asker asker, out long size, out Contact? contact)
    {
        (size, contact) = (0, null);
        if (row < 0) return null;
        Popularity.Note(row);
        Server[] servers = fleet.Servers;
        Server? best = Choose(view.Holders(row, servers, out size), servers, asker);
        best?.CountAnswer();
        // Who has a contact once never loses it again.
        contact = best?.Contact;
        return best;
    }

    /// <summary>The same for known holders; counts no answer.</summary>
    public Server? Choose(ReadOnlySpan<ushort> holders, Server[] servers, in Asker asker)
    {
        Server? best;
        Decision decision;
        if (holders.Length <= OnStack)
        {
            best = Policies.Choose(
                holders, stackalloc ushort[OnStack], servers, asker, fleet.Locations, chance, out decision);
        }
        else
        {
            ushort[] field = ArrayPool<ushort>.Shared.Rent(holders.Length);
            best = Policies.Choose(holders, field, servers, asker, fleet.Locations, chance, out decision);
            ArrayPool<ushort>.Shared.Return(field);
        }
        Decisions.Count(decision);
        return best;
    }
}
