using MicroCdn.Protocol;

namespace MicroCdn.Index.Publishing;

/// <summary>Finds copies of what was replaced or removed in what a server tells, and has the server drop
/// them.</summary>
/// <remarks>A server that was away still shows what it was told to show. It says by which revision, and the book knows
/// whether there was a later one; so nobody is sent there for old bytes, and no removed name comes back. What the book
/// never heard of stays: it may be the book that was lost.</remarks>
internal sealed class Strays(Book book, Catalog catalog, OrderDesk orders, Fleet fleet, Liars? liars = null)
{
    // As many as the largest release has, on two servers each, with room. What is more is dropped when its server
    // registers again.
    private const int MostAwaited = 200_000;

    private readonly Dictionary<FileName, (HashSet<ushort> Servers, long Since)> _awaited = [];

    /// <summary>Takes them out of a list before it is put in place. The catalog's writer alone.</summary>
    /// <param name="server">Whose list it is.</param>
    /// <param name="list">What it told.</param>
    /// <param name="isWhole">True for all it has, false for changes.</param>
    public void TakeOut(Server server, FileList list, bool isWhole)
    {
        if (isWhole) orders.OweNoDrop(server.Id);
        if (_awaited.Count > 0) NoteGone(server, list, isWhole);
        if (liars is { HasAny: true }) TellsAnew(server, list, isWhole);
        if (!list.HasPublished) return;
        List<(byte[] Name, PublishedName? Now, bool IsLate, long Since)> found = [];
        FileList.Reader rows = list.Read();
        while (rows.Next())
        {
            if (rows.Revision == 0) continue;
            bool isPublished = book.TryFind(rows.Name, out PublishedName now);
            if (isPublished && now.State.HasBytesOf(rows.State)) continue;
            long since = isPublished ? now.Revision : book.RemovedAt(rows.Name);
            if (since <= rows.Revision) continue;
            // One that has the new bytes as well is just being told to show them.
            bool isLate = !isWhole && isPublished && catalog.Now.HasPublished(rows.Name, server.Number);
            found.Add((rows.Name.ToArray(), isPublished ? now : null, isLate, since));
        }
        foreach ((byte[] name, PublishedName? now, bool isLate, long since) in found)
        {
            // The last word of a list counts.
            if (isLate) list.Add(name, now!.Value.State);
            else list.Remove(name);
            if (!isLate && FileName.TryCreate(name, out FileName stale))
            {
                _ = orders.OweAsync(server.Id, OrdersOf(stale, now, since));
            }
        }
    }

    /// <summary>Notes who had what a change of another index removes, until they tell that it is gone. The catalog's
    /// writer alone.</summary>
    public void Await(ReadOnlySpan<byte> name, ushort[] servers, long since)
    {
        if (servers.Length == 0 || _awaited.Count >= MostAwaited) return;
        if (FileName.TryCreate(name, out FileName read)) _awaited[read] = ([.. servers], since);
    }

    /// <summary>Has servers drop what was replaced or removed and what they still show: whoever wrote that may have
    /// ended before it told them. For an index that begins to write. The catalog's writer alone.</summary>
    public void LookAgain()
    {
        foreach ((FileName name, (HashSet<ushort> servers, long since)) in _awaited)
        {
            if (book.TryFind(System.Text.Encoding.UTF8.GetBytes(name.Value), out _)) continue;
            foreach (ushort server in servers) Owe(server, name, null, since);
        }
        _awaited.Clear();
        Catalog.View view = catalog.Now;
        foreach (int row in view.Noted)
        {
            if (!view.TryPublished(row, out PublishedName now)) continue;
            if (!FileName.TryCreate(view.NameOf(row), out FileName name)) continue;
            // What lies in a folder by hand is not touched by a drop.
            foreach ((FileState state, ushort[] servers) in view.Claims(row))
            {
                if (state.Digest.IsNone || now.State.HasBytesOf(state)) continue;
                foreach (ushort server in servers) Owe(server, name, now, now.Revision);
            }
        }
    }

    private void Owe(ushort server, FileName name, PublishedName? now, long since) =>
        _ = orders.OweAsync(fleet.Servers[server].Id, OrdersOf(name, now, since));

    private void NoteGone(Server server, FileList list, bool isWhole)
    {
        ushort number = (ushort)server.Number;
        if (isWhole)
        {
            foreach (FileName name in _awaited.Keys) NoteGone(name, number);
            return;
        }
        FileList.Reader rows = list.Read();
        while (rows.Next())
        {
            if (rows.IsRemoval && FileName.TryCreate(rows.Name, out FileName name)) NoteGone(name, number);
        }
    }

    private void NoteGone(FileName name, ushort server)
    {
        if (!_awaited.TryGetValue(name, out var awaited)) return;
        awaited.Servers.Remove(server);
        if (awaited.Servers.Count == 0) _awaited.Remove(name);
    }

    private void TellsAnew(Server server, FileList list, bool isWhole)
    {
        if (isWhole) liars!.RemoveAll(server.Number);
        FileList.Reader rows = list.Read();
        while (!isWhole && rows.Next())
        {
            if (FileName.TryCreate(rows.Name, out FileName name)) liars!.Remove(name, server.Number);
        }
    }

    // It may have the bytes of now as well, and was only never told to show them: the index was lost in between, or the
    // connection. If not, that one fails and the old ones are dropped; where it is done, the drop comes too late.
    private static OrderLine[] OrdersOf(FileName name, PublishedName? now, long since)
    {
        OrderLine drop = new(OrderKind.Drop, "") { Name = name, Revision = since };
        if (now is not { State: var state }) return [drop];
        OrderLine show = new(OrderKind.Show, "")
        {
            Name = name, Revision = since, Size = state.Size, Digest = state.Digest, Root = state.ToldRoot,
            Seconds = state.UnixSeconds,
        };
        return [show, drop with { Revision = since - 1 }];
    }
}
