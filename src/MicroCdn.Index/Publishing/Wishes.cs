using MicroCdn.Protocol;

namespace MicroCdn.Index.Publishing;

/// <summary>Says of each published name how many copies of it there are to be, and where they may be.</summary>
internal sealed class Wishes(Book book, Fleet fleet, Liars liars, HealTroubles troubles)
{
    private readonly Dictionary<ReplicationPolicy, bool[]> _allowed = [];
    private PolicyTable _policies = PolicyTable.Empty;
    private int _servers;

    /// <summary>Looks at the policies; true when others count than at the last look.</summary>
    public bool Look()
    {
        PolicyTable now = book.Policies;
        bool isNew = now != _policies;
        if (isNew || _servers != fleet.Servers.Length) _allowed.Clear();
        (_policies, _servers) = (now, fleet.Servers.Length);
        return isNew;
    }

    /// <summary>What there should be of a row of the catalog, and who says that he has it; false when nothing is
    /// published there.</summary>
    public bool TryOf(Catalog.View view, int row, out PublishedName published, out ushort[] holders,
        out WantedCopies wanted)
    {
        holders = view.PublishedAt(row, out published) ?? [];
        wanted = default;
        if (published.Revision == 0) return false;
        ReplicationPolicy policy = _policies.Of(view.NameOf(row));
        int replicas = published.Replicas > 0 ? published.Replicas : policy.Replicas;
        wanted = new WantedCopies(published.State.Digest, published.State.Size, replicas,
            policy.IsSpread || published.IsSpread)
        {
            Allowed = policy.Servers.Count == 0 ? null : AllowedBy(policy),
            Avoided = troubles.AvoidedFor(row),
            Liars = liars.HasAny && FileName.TryCreate(view.NameOf(row), out FileName name) ? liars.Of(name) : null,
        };
        return true;
    }

    private bool[] AllowedBy(ReplicationPolicy policy)
    {
        if (_allowed.TryGetValue(policy, out bool[]? allowed) && allowed.Length >= fleet.Servers.Length) return allowed;
        // One that came since is looked at in a second.
        return _allowed[policy] = [.. fleet.Servers.Select(server => policy.Servers.Contains(server.Id))];
    }
}
