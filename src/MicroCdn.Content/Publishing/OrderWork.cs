using MicroCdn.Client;
using MicroCdn.Protocol;
using MicroCdn.Storage;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Content.Publishing;

/// <summary>Carries out what indexes ordered, and tells each what came of its own orders.</summary>
/// <remarks>Everything of an index in its sequence, which the log keeps: what is about different names and bytes is
/// written down with one stroke. But for fetching, which takes its time: so many at once, and nothing waits for it.
/// What two indexes want fetched is fetched once.</remarks>
internal sealed partial class OrderWork(ContentOptions options, BlobKeeper blobs, ChunkLists chunks,
    DigestDownload downloads, ILogger logger) : IDisposable
{
    /// <summary>Most fetches at once: small files wait for answers more than for the link.</summary>
    public const int AtOnce = 16;

    /// <summary>Most fetches that are under way or wait.</summary>
    public const int Most = 20_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<FileDigest, List<Told>> _fetches = [];
    private readonly SemaphoreSlim _turns = new(AtOnce);

    /// <summary>How many fetches are under way or wait.</summary>
    public int Fetching
    {
        get
        {
            lock (_lock) return _fetches.Count;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _turns.Dispose();

    /// <summary>Carries orders out; returns when only fetches are still under way.</summary>
    /// <param name="orders">The orders.</param>
    /// <param name="receipts">Tells the index that gave them what came of them.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task DoAsync(
        IReadOnlyList<OrderLine> orders, ReceiptLink receipts, CancellationToken cancellationToken)
    {
        List<Task> done = [];
        for (int at = 0; at < orders.Count;)
        {
            OrderLine order = orders[at];
            int end = at + 1;
            Told told = new(receipts, order.Order);
            if (order.Kind == OrderKind.Fetch) Fetch(order, told, cancellationToken);
            else if (order.Kind == OrderKind.Forget) done.Add(TryAsync(told, () => ForgetAsync(order, told)));
            else
            {
                while (end < orders.Count && orders[end].Order == order.Order
                    && orders[end].Kind is OrderKind.Show or OrderKind.Drop) end++;
                OrderLine[] group = [.. orders.Skip(at).Take(end - at)];
                done.Add(TryAsync(told, () => ChangeAsync(told, group)));
            }
            at = end;
        }
        await Task.WhenAll(done).ConfigureAwait(false);
    }

    private async Task ChangeAsync(Told told, OrderLine[] group)
    {
        NameResult[] results = await blobs.ChangeAsync([.. group.Select(line => new NameChange(
            System.Text.Encoding.UTF8.GetBytes(line.Name!.Value.Value),
            line.Kind == OrderKind.Drop ? FileDigest.None : line.Digest, line.Revision, Math.Max(0, line.Seconds)))])
            .ConfigureAwait(false);
        int missing = Array.IndexOf(results, NameResult.Missing);
        if (missing >= 0) Fail(told, "MISSING", $"{group[missing].Digest} is not here");
        else if (results.Contains(NameResult.Full)) Fail(told, "UNAVAILABLE", "no further names can be kept");
        else Done(told, results.Count(result => result == NameResult.Stale));
    }

    private async Task ForgetAsync(OrderLine order, Told told)
    {
        if (await blobs.ForgetAsync(order.Digest).ConfigureAwait(false)) Done(told, 0);
        else Fail(told, "IN_USE", "a name shows it");
    }

    private void Fetch(OrderLine order, Told told, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_fetches.TryGetValue(order.Digest, out List<Told>? waiting))
            {
                // Asked for again: it is told when it is here.
                if (!waiting.Contains(told) && waiting.Count < Most) waiting.Add(told);
                return;
            }
            if (_fetches.Count < Most)
            {
                _fetches.Add(order.Digest, [told]);
                _ = Task.Run(() => FetchInTurnAsync(order, cancellationToken), CancellationToken.None);
                return;
            }
        }
        Fail(told, "BUSY", $"{Most} fetches wait");
    }

    private async Task FetchInTurnAsync(OrderLine order, CancellationToken cancellationToken)
    {
        (string Word, string Why)? failure = ("UNAVAILABLE", "this server ends");
        try
        {
            await _turns.WaitAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                failure = await FetchAsync(order, cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                _turns.Release();
            }
        }
        catch (OperationCanceledException)
        {
            // The index orders it again.
        }
        catch (CdnException exception)
        {
            bool isWrong = exception.Failure == CdnFailure.WrongBytes;
            failure = (isWrong ? "WRONG_BYTES" : "UNREACHABLE", exception.Message);
        }
        catch (DiskFullException exception)
        {
            failure = ("DISK_FULL", exception.Message);
        }
        catch (Exception exception)
            when (exception is IOException or UnauthorizedAccessException or TargetException)
        {
            failure = ("UNAVAILABLE", exception.Message);
        }
        List<Told> waiting;
        lock (_lock)
        {
            _fetches.Remove(order.Digest, out List<Told>? all);
            waiting = all!;
        }
        foreach (Told told in waiting)
        {
            if (failure is { } why) Fail(told, why.Word, why.Why);
            else Done(told, 0);
        }
    }

    private async Task<(string Word, string Why)?> FetchAsync(OrderLine order, CancellationToken cancellationToken)
    {
        if (!blobs.IsOpen) return ("UNAVAILABLE", "nothing can be kept here");
        if (blobs.Find(order.Digest) is not null && await blobs.KeepAsync(order.Digest).ConfigureAwait(false))
        {
            return null;
        }
        if (!blobs.TryReserve(order.Size)) return ("DISK_FULL", "there is no room for it");
        try
        {
            WantedBytes wanted = new(order.Digest, order.Size, order.Root, order.Name, order.Sources);
            DownloadResult result = await downloads.RunAsync(
                wanted, blobs.Folder!.PathOf(order.Digest), cancellationToken).ConfigureAwait(false);
            if (!Chunks.FollowFromDigest(order.Size)) chunks.Keep(order.Root, result.ChunkDigests.Span);
            await blobs.AddAsync(new Blob(order.Digest, order.Size, order.Root)).ConfigureAwait(false);
            return null;
        }
        finally
        {
            blobs.Unreserve(order.Size);
        }
    }

    private async Task TryAsync(Told told, Func<Task> act)
    {
        try
        {
            if (blobs.IsOpen) await act().ConfigureAwait(false);
            else Fail(told, "UNAVAILABLE", "nothing can be kept here");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Fail(told, "UNAVAILABLE", exception.Message);
        }
    }

    private void Done(Told told, int stale) =>
        told.Receipts.Tell(new Receipt(ReceiptKind.Done, options.Id) { Word = told.Order, Stale = stale });

    private void Fail(Told told, string error, string why)
    {
        LogFailed(told.Order, error, why);
        told.Receipts.Tell(
            new Receipt(ReceiptKind.Failed, options.Id) { Word = told.Order, Error = error, Why = why });
    }

    // Which order of which index; words of two indexes may be the same.
    private readonly record struct Told(ReceiptLink Receipts, string Order);

    [LoggerMessage(4101, LogLevel.Warning, "order {Order} failed: {Error}: {Why}")]
    private partial void LogFailed(string order, string error, string why);
}
