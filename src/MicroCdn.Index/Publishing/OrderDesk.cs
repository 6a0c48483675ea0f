using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Index.Publishing;

/// <summary>Hands orders to the content servers that ask for them, and their receipts to whoever gave them.</summary>
/// <remarks>
/// A content server asks what there is to do, and its question is held until there is something: so it hears of an
/// order at once. What came of one it tells on another connection. When a server is not here, whoever gave it an order
/// hears so and thinks again: what there is to do follows from what should be and what is, and is written down nowhere.
/// </remarks>
internal sealed class OrderDesk(Fleet fleet, TimeProvider time)
{
    /// <summary>How long a question is held, so that both sides notice when the other is gone.</summary>
    public static readonly TimeSpan HoldTime = TimeSpan.FromSeconds(5);

    /// <summary>Most orders that a server has at once; what is more is given when receipts come.</summary>
    public const int MostGiven = 1_000;

    /// <summary>Most of these that fetch: they take their time, and nothing else is to wait for them.</summary>
    public const int MostFetching = 200;

    /// <summary>Most orders that wait for one server.</summary>
    public const int MostWaiting = 100_000;

    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);
    private static readonly OrderFailure NotHere = new(OrderFailure.Away, "it is not here");
    private static readonly OrderFailure NotHereAnyMore = new(OrderFailure.Away, "it is not here any more");
    private static readonly OrderFailure TooMuch = new("BUSY", "it has too much to do");

    private readonly Lock _lock = new();
    private readonly Dictionary<ServerId, OrderVisit> _visits = [];

    // What they said when they last asked, also of those that are away.
    private readonly Dictionary<ServerId, OrderPlace> _places = [];

    // By server and name, until the last of them is done.
    private readonly Dictionary<ServerId, Dictionary<FileName, OrderLine[]>> _owed = [];

    // Receipts may come late, and from orders of an index that was here before: no word is used twice.
    private long _word = time.GetUtcNow().ToUnixTimeMilliseconds() << 10;

    /// <summary>The servers that keep published files and may be given some now.</summary>
    public IReadOnlyList<CopyPlace> Places
    {
        get
        {
            lock (_lock) return [.. _visits.Keys.Select(PlaceOf).OfType<CopyPlace>()];
        }
    }

    /// <summary>All servers that keep published files, also those that are away.</summary>
    public IReadOnlyList<(ServerId Server, OrderPlace Place)> Known
    {
        get
        {
            lock (_lock) return [.. _places.Select(place => (place.Key, place.Value))];
        }
    }

    /// <summary>Takes ORDERS from a content server.</summary>
    public void HandleOrders(OrderVisit visit, OrdersQuestion question, Answer answer)
    {
        OrderLine[][] owed = [];
        lock (_lock)
        {
            _visits.TryGetValue(visit.Server, out OrderVisit? other);
            if (other is not null && other != visit) Close(other);
            if (other != visit && _owed.TryGetValue(visit.Server, out var all)) owed = [.. all.Values];
            _visits[visit.Server] = visit;
            _places[visit.Server] = OrderPlace.After(
                _places.GetValueOrDefault(visit.Server), question.Capacity, question.Free);
            (visit.Held, visit.HeldSince) = (answer, time.GetTimestamp());
            answer.Later();
            if (visit.HasNext) Release(visit);
        }
        foreach (OrderLine[] orders in owed) _ = GiveOwedAsync(visit.Server, orders);
    }

    /// <summary>Takes what a content server tells of its orders. Of an order that it was not given by this connection's
    /// desk nothing is to be done.</summary>
    public void HandleReceipt(Receipt receipt)
    {
        // What was brought or lost is seen by what the server tells of its files.
        if (receipt.Kind is not (ReceiptKind.Done or ReceiptKind.Failed)) return;
        PendingOrder? given;
        lock (_lock)
        {
            if (!_visits.TryGetValue(receipt.Server, out OrderVisit? visit)
                || (given = visit.Take(receipt.Word)) is null) return;
            if (visit.Held is not null && visit.HasNext) Release(visit);
        }
        given.Done.SetResult(receipt.Kind == ReceiptKind.Done ? null
            : new OrderFailure(receipt.Error, receipt.Why.Length > 0 ? receipt.Why : receipt.Error));
    }

    /// <summary>Gives an order.</summary>
    /// <param name="server">Who is to carry it out.</param>
    /// <param name="order">The order.</param>
    /// <param name="sources">Where it gets the bytes, the best first; of more than fit the first.</param>
    /// <returns>When it is carried out null, else the reason why it was not, in words.</returns>
    public async Task<string?> GiveAsync(ServerId server, OrderLine order, params IReadOnlyList<Contact> sources) =>
        (await TryAsync(server, order, sources).ConfigureAwait(false))?.Why;

    /// <summary>The same, and tells as a word too why it was not carried out.</summary>
    public Task<OrderFailure?> TryAsync(ServerId server, OrderLine order, params IReadOnlyList<Contact> sources) =>
        GiveAsync(server, new PendingOrder([order], sources));

    private Task<OrderFailure?> GiveAsync(ServerId server, PendingOrder pending)
    {
        lock (_lock)
        {
            if (!_visits.TryGetValue(server, out OrderVisit? visit)) return Task.FromResult<OrderFailure?>(NotHere);
            if (visit.Waiting >= MostWaiting) return Task.FromResult<OrderFailure?>(TooMuch);
            visit.Enqueue(pending);
            if (visit.Held is not null && visit.HasNext) Release(visit);
        }
        return pending.Done.Task;
    }

    /// <summary>Gives orders about one name now, and on each connection that the server makes, until the last of them
    /// is done.</summary>
    /// <returns>Done when they are carried out, or cannot be now.</returns>
    public Task OweAsync(ServerId server, params OrderLine[] orders)
    {
        lock (_lock)
        {
            if (!_owed.TryGetValue(server, out var all)) _owed.Add(server, all = []);
            // What is more is told again with the server's next list.
            if (all.Count >= MostWaiting) return Task.CompletedTask;
            // Whatever it was to do about the name before is over: a SHOW behind a later DROP would bring it back.
            all[orders[0].Name!.Value] = orders;
        }
        return GiveOwedAsync(server, orders);
    }

    /// <summary>Gives SHOW and DROP orders about different names that become true together; what is not done now is
    /// given again, each for itself, on each connection that the server makes.</summary>
    /// <returns>Whether all is carried out now.</returns>
    public async Task<bool> OweTogetherAsync(ServerId server, IReadOnlyList<OrderLine> orders)
    {
        OrderLine[][] owed = [.. orders.Select(order => new[] { order })];
        lock (_lock)
        {
            if (!_owed.TryGetValue(server, out var all)) _owed.Add(server, all = []);
            foreach (OrderLine[] one in owed.Take(MostWaiting - all.Count)) all[one[0].Name!.Value] = one;
        }
        OrderFailure?[] failures = await Task.WhenAll(orders.Chunk(OrderLine.MostLines)
            .Select(together => GiveAsync(server, new PendingOrder(together, [])))).ConfigureAwait(false);
        if (!Array.TrueForAll(failures, failure => failure is null)) return false;
        lock (_lock)
        {
            foreach (OrderLine[] one in owed) IsDone(server, one);
        }
        return true;
    }

    /// <summary>Forgets what a server was to drop: it tells all it has anew.</summary>
    /// <remarks>What it was to show it may have without telling, until it shows it.</remarks>
    public void OweNoDrop(ServerId server)
    {
        lock (_lock)
        {
            if (!_owed.TryGetValue(server, out var all)) return;
            foreach ((FileName name, OrderLine[] orders) in all)
            {
                if (orders[^1].Kind == OrderKind.Drop) all.Remove(name);
            }
            if (all.Count == 0) _owed.Remove(server);
        }
    }

    private async Task GiveOwedAsync(ServerId server, OrderLine[] orders)
    {
        string?[] whys = await Task.WhenAll(orders.Select(order => GiveAsync(server, order))).ConfigureAwait(false);
        if (whys[^1] is not null) return;
        lock (_lock) IsDone(server, orders);
    }

    private void IsDone(ServerId server, OrderLine[] orders)
    {
        FileName name = orders[0].Name!.Value;
        if (!_owed.TryGetValue(server, out var all) || all.GetValueOrDefault(name) != orders) return;
        all.Remove(name);
        if (all.Count == 0) _owed.Remove(server);
    }

    /// <summary>The connection of a content server ended.</summary>
    public void End(OrderVisit visit)
    {
        lock (_lock)
        {
            if (_visits.GetValueOrDefault(visit.Server) == visit)
            {
                _visits.Remove(visit.Server);
                _places[visit.Server] = _places[visit.Server] with { GoneAt = time.GetTimestamp() };
            }
            visit.Held = null;
            Close(visit);
        }
    }

    /// <summary>Ends questions that were held for long enough, until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await Task.Delay(Tick, time, cancellationToken).ConfigureAwait(false);
            lock (_lock)
            {
                foreach (OrderVisit visit in _visits.Values)
                {
                    if (visit.Held is not null && time.GetElapsedTime(visit.HeldSince) >= HoldTime) Release(visit);
                }
            }
        }
    }

    private CopyPlace? PlaceOf(ServerId id)
    {
        if (fleet.Find(id) is not { Contact: { } contact, State: < ServerState.Suspect } server) return null;
        if (server.IsRetired || server.IsRemembered) return null;
        OrderPlace place = _places[id];
        return new CopyPlace(server.Number, server.Spot, place.Capacity, place.Free, contact.Zone ?? "");
    }

    private void Release(OrderVisit visit)
    {
        Answer answer = visit.Held!;
        visit.Held = null;
        List<OrderLine> orders = [];
        while (visit.TryNext(OrderLine.MostLines - orders.Count, out PendingOrder? next))
        {
            string word = $"{++_word}";
            visit.Give(word, next);
            orders.AddRange(next.Orders.Select(order => order with
            {
                Order = word,
                Sources = [.. next.Sources.Take(OrderLine.MostSources).Select(visit.PlaceOf)],
            }));
        }
        answer.Complete(later => later.SendList(new OrderLines(orders)));
    }

    private static void Close(OrderVisit visit)
    {
        foreach (PendingOrder order in visit.TakeAll()) order.Done.SetResult(NotHereAnyMore);
    }
}

/// <summary>An order that waits, of one line or of several that belong together, and who is told what came of
/// it.</summary>
internal sealed record PendingOrder(IReadOnlyList<OrderLine> Orders, IReadOnlyList<Contact> Sources)
{
    public bool IsFetch => Orders[0].Kind == OrderKind.Fetch;

    public TaskCompletionSource<OrderFailure?> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>The answer to ORDERS, a piece at a time.</summary>
internal sealed class OrderLines(List<OrderLine> orders) : ILineSource
{
    private int _next;

    public bool Write(Answer answer)
    {
        int before = answer.UnsentBytes;
        while (_next < orders.Count && answer.UnsentBytes - before <= Answer.PieceBytes - Limits.LineBytes)
        {
            orders[_next++].Write(answer);
        }
        if (_next < orders.Count) return true;
        answer.Write("END\n"u8);
        return false;
    }
}
