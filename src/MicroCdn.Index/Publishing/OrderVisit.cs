using System.Diagnostics.CodeAnalysis;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Index.Publishing;

/// <summary>One connection on which a content server asks for orders; the desk's, under its lock.</summary>
/// <remarks>Fetching has a queue of its own: a server that has thousands of files to fetch still hears at once what it
/// is to show.</remarks>
/// <param name="server">The server.</param>
/// <param name="addressOf">How another server is reached from where this one is.</param>
internal sealed class OrderVisit(ServerId server, ServerLines.AddressWord addressOf)
{
    // Those of which no receipt has come, by their words.
    private readonly Dictionary<string, PendingOrder> _given = [];
    private readonly Queue<PendingOrder> _waiting = new(), _fetches = new();
    private int _fetching;

    public ServerId Server => server;

    /// <summary>The answer that is held; null when it is given.</summary>
    public Answer? Held { get; set; }

    /// <summary>Since when.</summary>
    public long HeldSince { get; set; }

    /// <summary>How many it was not given yet.</summary>
    public int Waiting => _waiting.Count + _fetches.Count;

    /// <summary>Whether it may be given one now.</summary>
    public bool HasNext => NextQueue is not null;

    private Queue<PendingOrder>? NextQueue => _given.Count >= OrderDesk.MostGiven ? null
        : _waiting.Count > 0 ? _waiting
        : _fetches.Count > 0 && _fetching < OrderDesk.MostFetching ? _fetches : null;

    public void Enqueue(PendingOrder order) => (order.IsFetch ? _fetches : _waiting).Enqueue(order);

    /// <summary>Takes the next one that it may be given, if that has so many lines at most.</summary>
    public bool TryNext(int lines, [NotNullWhen(true)] out PendingOrder? next)
    {
        next = null;
        return NextQueue is { } queue && queue.Peek().Orders.Count <= lines && queue.TryDequeue(out next);
    }

    /// <summary>Notes that it was given one by this word.</summary>
    public void Give(string word, PendingOrder order)
    {
        _given.Add(word, order);
        if (order.IsFetch) _fetching++;
    }

    /// <summary>The one that it was given by this word, which is over; null when there is none.</summary>
    public PendingOrder? Take(string word)
    {
        if (_given.Remove(word, out PendingOrder? order) && order.IsFetch) _fetching--;
        return order;
    }

    /// <summary>All that it was given or was to be; none is left.</summary>
    public List<PendingOrder> TakeAll()
    {
        List<PendingOrder> all = [.. _given.Values, .. _waiting, .. _fetches];
        _given.Clear();
        _waiting.Clear();
        _fetches.Clear();
        _fetching = 0;
        return all;
    }

    /// <summary>Where the line port of another server is.</summary>
    public (string Host, int Port) PlaceOf(Contact contact) =>
        (System.Text.Encoding.UTF8.GetString(addressOf(contact)), contact.TcpPort);
}
