using System.Text;
using MicroCdn.Protocol;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Index.Publishing;

/// <summary>Sees to it that as many servers as asked have a file's bytes.</summary>
internal sealed partial class CopyRounds(Book book, OrderDesk orders, Router router, ILogger logger)
{
    /// <summary>How many copies of a file there are to be.</summary>
    public int WantedOf(FileCopies file) =>
        file.Replicas > 0 ? file.Replicas : book.Policies.Of(file.Name).Replicas;

    /// <summary>The servers that a file belongs on, the best first.</summary>
    /// <param name="file">The file.</param>
    /// <param name="holds">Whether a server has it already: it needs no room for it.</param>
    /// <param name="places">The servers that may be given something.</param>
    public List<Server> InOrder(FileCopies file, Predicate<Server> holds, IReadOnlyList<CopyPlace> places)
    {
        ReplicationPolicy policy = book.Policies.Of(file.Name);
        Server[] servers = router.Fleet.Servers;
        CopyPlace[] may = policy.Servers.Count == 0 ? [.. places]
            : [.. places.Where(place => policy.Servers.Contains(servers[place.Number].Id))];
        List<int> order = Placement.Choose(file.State.Digest, file.State.Size, may.Length,
            policy.IsSpread || file.IsSpread, may, place => holds(servers[place]));
        return [.. order.Select(number => servers[number])];
    }

    /// <summary>Who may have a file's bytes: where it belongs now, and wherever it may have belonged before.</summary>
    public Contact[] SourcesOf(IReadOnlyList<Server> order, IReadOnlyList<CopyPlace> places)
    {
        Server[] servers = router.Fleet.Servers;
        return [.. order.Concat(places.Select(place => servers[place.Number])).Select(server => server.Contact)
            .OfType<Contact>().Distinct().Take(OrderLine.MostSources)];
    }

    /// <summary>Has as many servers as wanted fetch the bytes; where one cannot, the next in order.</summary>
    /// <param name="file">The file.</param>
    /// <param name="order">The servers, the best first.</param>
    /// <param name="sources">Who may have the bytes.</param>
    /// <param name="told">Told of each copy.</param>
    /// <returns>The servers that have them, verified and durable; fewer than wanted where no more can.</returns>
    public async Task<List<Server>> BringAsync(
        FileCopies file, IEnumerable<Server> order, IReadOnlyList<Contact> sources, Action<Server>? told = null)
    {
        int wanted = WantedOf(file);
        Queue<Server> waiting = new(order);
        List<Server> holders = [];
        Dictionary<Task<string?>, Server> running = [];
        OrderLine fetch = file.Order(OrderKind.Fetch, 0);
        while (holders.Count < wanted)
        {
            while (holders.Count + running.Count < wanted && waiting.TryDequeue(out Server? next))
            {
                running.Add(orders.GiveAsync(next.Id, fetch, sources), next);
            }
            if (running.Count == 0) return holders;
            Task<string?> done = await Task.WhenAny(running.Keys).ConfigureAwait(false);
            running.Remove(done, out Server? server);
            if (await done.ConfigureAwait(false) is { } why)
            {
                LogNotBrought(server!.Id, Encoding.UTF8.GetString(file.Name), why);
                continue;
            }
            holders.Add(server!);
            told?.Invoke(server!);
        }
        return holders;
    }

    [LoggerMessage(2053, LogLevel.Warning, "{Id} did not take '{Name}': {Reason}")]
    private partial void LogNotBrought(ServerId id, string name, string reason);
}

/// <summary>A file of which there are to be copies.</summary>
/// <param name="Name">Its name.</param>
/// <param name="State">Its bytes.</param>
/// <param name="Replicas">How many copies were asked for; 0 when the policy of its prefix says.</param>
/// <param name="IsSpread">Whether they are to be in as many zones as there are.</param>
internal sealed record FileCopies(byte[] Name, FileState State, byte Replicas, bool IsSpread)
{
    public FileCopies(byte[] name, in PublishedName published)
        : this(name, published.State, published.Replicas, published.IsSpread)
    {
    }

    /// <summary>As the book has it, under a revision.</summary>
    public PublishedName As(long revision) => new(revision, State, Replicas, IsSpread);

    /// <summary>An order about it.</summary>
    public OrderLine Order(OrderKind kind, long revision) => new(kind, "")
    {
        Name = FileName.TryCreate(Name, out FileName name) ? name : default, Revision = revision,
        Size = State.Size, Digest = kind == OrderKind.Drop ? FileDigest.None : State.Digest,
        Root = State.ToldRoot, Seconds = Math.Max(0, State.UnixSeconds),
    };
}
