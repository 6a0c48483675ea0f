using MicroCdn.Protocol;

namespace MicroCdn.Index;

// Servers that an earlier process of the index knew, until they register with this one.
internal sealed partial class Fleet
{
    /// <summary>How long a server that was known before the index started is expected: a machine that starts with the
    /// index has registered a million files by then.</summary>
    public static readonly TimeSpan RememberTime = TimeSpan.FromMinutes(10);

    private readonly long _began = time.GetTimestamp();

    /// <summary>Takes a server for one that is perhaps still there, as an earlier process knew it.</summary>
    /// <returns>Null when it is here already, or when the fleet is full.</returns>
    public Server? Remember(ServerId id, Contact contact)
    {
        if (Enlist(id) is not { Contact: null } server) return null;
        Decide(changes =>
        {
            contact.Place = Locations.PlaceOf(contact);
            server.Contact = contact;
            server.Evidence = new Evidence(contact.Incarnation, IsRemembered: true);
            changes.Judge(server, look: true);
        });
        return server;
    }

    /// <summary>True for a remembered server that did not come back in time.</summary>
    public bool HasForgotten(Server server) =>
        server.IsRemembered && time.GetElapsedTime(_began) > RememberTime;
}
