using System.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Records;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Index.Publishing;

/// <summary>Takes files from operators: says where to bring their bytes, sees to the copies, and writes the
/// book.</summary>
/// <remarks>A put is three steps, and only the last changes something. PLACE says which servers a file belongs on. The
/// client brings the bytes to the first of them. PUBLISH has the others fetch them, writes the book when enough servers
/// have them, and has the name shown. Nothing is remembered in between: who repeats a step repeats nothing that is
/// done.</remarks>
internal sealed partial class PublishDesk(
    Book book, Scribe scribe, OrderDesk orders, Router router, TimeProvider time, ILogger logger)
{
    // Each waits for servers that may be slow.
    private const int MostRounds = 10_000;

    private int _rounds;

    /// <summary>Who writes the book.</summary>
    public Scribe Scribe => scribe;

    /// <summary>How long servers that have the bytes are waited for to show them.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Takes PLACE: where a file's bytes are to be brought, the best first.</summary>
    public WireError? HandlePlace(Words words, ServerLines.AddressWord addressOf, Answer answer)
    {
        if (PublishRequest.Read(words) is not { } request) return WireErrors.Malformed;
        if (request.IsNew && book.TryFind(request.Name, out _)) return WireErrors.Exists;
        List<Server> order = InOrder(request);
        if (order.Count < WantedOf(request)) return WireErrors.NoRoom;
        foreach (Server server in order)
        {
            Contact contact = server.Contact!;
            answer.Write("SERVER "u8);
            answer.Write(addressOf(contact));
            answer.Write(contact.AfterAddress);
            answer.WriteNumber(request.Size);
            answer.Write("\n"u8);
            if (answer.Room < Limits.LineBytes) break;
        }
        answer.Write("END\n"u8);
        return null;
    }

    /// <summary>Takes PUBLISH, and tells what happens as it does.</summary>
    public WireError? HandlePublish(Words words, Answer answer)
    {
        if (PublishRequest.Read(words) is not { } request || request.At.Count == 0) return WireErrors.Malformed;
        return Begin(answer, told => PublishAsync(request, told));
    }

    /// <summary>Takes REMOVE: a name is published no more.</summary>
    public WireError? HandleRemove(Words words, Answer answer)
    {
        if (!words.Next(out var encoded) || !words.OnlyUnknownPairs()) return WireErrors.Malformed;
        byte[] decoded = new byte[encoded.Length];
        byte[] name = decoded[..PercentText.Decode(encoded, decoded)];
        return FileName.IsValid(name) ? Begin(answer, told => RemoveAsync(name, told)) : WireErrors.Malformed;
    }

    private WireError? Begin(Answer answer, Func<PurgeReceipts, Task<WireError?>> work)
    {
        if (Interlocked.Increment(ref _rounds) > MostRounds)
        {
            Interlocked.Decrement(ref _rounds);
            return WireErrors.LimitReached;
        }
        PurgeReceipts told = new(answer);
        answer.SendList(told);
        _ = Task.Run(async () =>
        {
            try
            {
                if (await work(told).ConfigureAwait(false) is { } refusal) told.Say(refusal.Line.Span);
            }
            catch (Exception exception)
            {
                LogBroken(exception);
                told.Say(WireErrors.Unavailable.Line.Span);
            }
            finally
            {
                told.End();
                Interlocked.Decrement(ref _rounds);
            }
        });
        return null;
    }

    private async Task<WireError?> PublishAsync(PublishRequest request, PurgeReceipts told)
    {
        if (request.UnixSeconds < 0) request = request with { UnixSeconds = time.GetUtcNow().ToUnixTimeSeconds() };
        FileState state = new(request.Size, request.Digest, request.UnixSeconds, request.Root);
        List<Server> holders = await BringAsync(request, told).ConfigureAwait(false);
        if (holders.Count < WantedOf(request)) return WireErrors.NoRoom;
        (long revision, ushort[] before) = (0, HoldersOf(request.Name));
        WireError? refusal = await scribe.WriteAsync((number, rows) =>
        {
            bool isThere = book.TryFind(request.Name, out PublishedName there);
            if (request.IsNew && isThere) return WireErrors.Exists;
            revision = number;
            rows.Add(new RecordRow((byte)BookKind.Name, request.Name,
                new PublishedName(number, state, request.Replicas).Write()));
            return null;
        }, () => Note(holders, request.Name, state)).ConfigureAwait(false);
        if (refusal is not null) return refusal;
        OrderLine show = OrderOf(OrderKind.Show, request, revision);
        await CarryOutAsync(holders.Select(server => (server, show))).ConfigureAwait(false);
        // Who had an older revision, and is to have none of this one.
        Server[] servers = router.Fleet.Servers;
        _ = CarryOutAsync(before.Select(number => servers[number]).Except(holders)
            .Select(server => (server, DropOf(request.Name, revision))));
        LogPublished(Encoding.UTF8.GetString(request.Name), revision, holders.Count);
        told.Say(Encoding.UTF8.GetBytes($"PUBLISHED {revision}\nEND\n"));
        return null;
    }

    // Has as many servers as wanted fetch the bytes; where one cannot, the next in order.
    private async Task<List<Server>> BringAsync(PublishRequest request, PurgeReceipts told)
    {
        int wanted = WantedOf(request);
        Queue<Server> order = new(InOrder(request));
        List<Server> holders = [];
        Dictionary<Task<string?>, Server> running = [];
        OrderLine fetch = OrderOf(OrderKind.Fetch, request, 0);
        Contact[] sources = [.. request.At.Select(id => router.Fleet.Find(id)?.Contact).OfType<Contact>()];
        while (holders.Count < wanted)
        {
            while (holders.Count + running.Count < wanted && order.TryDequeue(out Server? next))
            {
                running.Add(orders.GiveAsync(next.Id, fetch, sources), next);
            }
            if (running.Count == 0) return holders;
            Task<string?> done = await Task.WhenAny(running.Keys).ConfigureAwait(false);
            running.Remove(done, out Server? server);
            if (await done.ConfigureAwait(false) is { } why)
            {
                LogNotBrought(server!.Id, Encoding.UTF8.GetString(request.Name), why);
                continue;
            }
            holders.Add(server!);
            told.Say(Encoding.UTF8.GetBytes($"COPY {server!.Id}\n"));
        }
        return holders;
    }

    private async Task<WireError?> RemoveAsync(byte[] name, PurgeReceipts told)
    {
        (long revision, ushort[] holders) = (0, HoldersOf(name));
        WireError? refusal = await scribe.WriteAsync((number, rows) =>
        {
            if (!book.TryFind(name, out _)) return WireErrors.FileNotFound;
            revision = number;
            rows.Add(new RecordRow((byte)BookKind.Name, name, PublishedName.Removed(number).Write()));
            return null;
        }, () => Forget(holders, name)).ConfigureAwait(false);
        if (refusal is not null) return refusal;
        Server[] servers = router.Fleet.Servers;
        await CarryOutAsync(holders.Select(number => (servers[number], DropOf(name, revision))))
            .ConfigureAwait(false);
        told.Say(Encoding.UTF8.GetBytes($"REMOVED {revision}\nEND\n"));
        return null;
    }

    // One that cannot now does when it asks again: it may be registered, and just not be asking.
    private async Task CarryOutAsync(IEnumerable<(Server Server, OrderLine Order)> all)
    {
        Task done = Task.WhenAll(all.Select(one => orders.OweAsync(one.Server.Id, one.Order)));
        await done.WaitAsync(Patience, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    // The servers whose copies count are known in the same step in which the name changes.
    private void Note(List<Server> holders, byte[] name, FileState state)
    {
        foreach (Server holder in holders)
        {
            FileList list = new();
            list.Add(name, state);
            router.Catalog.Change(holder.Number, list);
        }
    }

    private void Forget(ushort[] holders, byte[] name)
    {
        foreach (ushort holder in holders)
        {
            FileList list = new();
            list.Remove(name);
            router.Catalog.Change(holder, list);
        }
    }

    private ushort[] HoldersOf(byte[] name)
    {
        Catalog.View view = router.Catalog.Now;
        int row = view.Names.Find(name);
        return row < 0 || !book.TryFind(name, out _) ? [] : view.Holders(row, router.Fleet.Servers, out FileState _);
    }

    private List<Server> InOrder(PublishRequest request)
    {
        ReplicationPolicy policy = book.Policies.Of(request.Name);
        Server[] servers = router.Fleet.Servers;
        CopyPlace[] places = [.. orders.Places.Where(place => policy.Servers.Count == 0
            || policy.Servers.Contains(servers[place.Number].Id))];
        List<int> order = Placement.Choose(request.Digest, request.Size, places.Length, policy.IsSpread, places,
            place => request.At.Contains(servers[place].Id));
        return [.. order.Select(number => servers[number])];
    }

    private int WantedOf(PublishRequest request) =>
        request.Replicas > 0 ? request.Replicas : book.Policies.Of(request.Name).Replicas;

    private static OrderLine OrderOf(OrderKind kind, PublishRequest request, long revision) => new(kind, "")
    {
        Name = NameOf(request.Name), Revision = revision, Size = request.Size, Digest = request.Digest,
        Root = request.Root, Seconds = request.UnixSeconds,
    };

    private static OrderLine DropOf(byte[] name, long revision) =>
        new(OrderKind.Drop, "") { Name = NameOf(name), Revision = revision };

    private static FileName NameOf(byte[] name) => FileName.TryCreate(name, out FileName read) ? read : default;

    [LoggerMessage(2054, LogLevel.Error, "a change of the book broke")]
    private partial void LogBroken(Exception exception);

    [LoggerMessage(2052, LogLevel.Information, "'{Name}' is published as revision {Revision}, with {Copies} copies")]
    private partial void LogPublished(string name, long revision, int copies);

    [LoggerMessage(2053, LogLevel.Warning, "{Id} did not take '{Name}': {Reason}")]
    private partial void LogNotBrought(ServerId id, string name, string reason);
}
