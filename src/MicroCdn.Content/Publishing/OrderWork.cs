using MicroCdn.Client;
using MicroCdn.Protocol;
using MicroCdn.Storage;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Content.Publishing;

/// <summary>Carries out what the index ordered, and tells what came of it.</summary>
/// <remarks>Everything in its sequence, which the log keeps: what is about different names and bytes is written down
/// with one stroke. But for fetching, which takes its time: so many at once, and nothing waits for it.</remarks>
internal sealed partial class OrderWork(ContentOptions options, BlobKeeper blobs, ChunkLists chunks,
    DigestDownload downloads, ReceiptLink receipts, ILogger logger) : IDisposable
{
    /// <summary>Most fetches at once: small files wait for answers more than for the link.</summary>
    public const int AtOnce = 16;

    /// <summary>Most fetches that are under way or wait.</summary>
    public const int Most = 20_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<FileDigest, List<string>> _fetches = [];
    private readonly SemaphoreSlim _turns = new(AtOnce);

    /// <summary>How many orders the index has not been told the end of.</summary>
    public int Busy
    {
        get
        {
            lock (_lock) return _fetches.Count + receipts.Count;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _turns.Dispose();

    /// <summary>Carries orders out; returns when only fetches are still under way.</summary>
    public async Task DoAsync(IReadOnlyList<OrderLine> orders, CancellationToken cancellationToken)
    {
        List<Task> done = [];
        for (int at = 0; at < orders.Count;)
        {
            OrderLine order = orders[at];
            int end = at + 1;
            if (order.Kind == OrderKind.Fetch) Fetch(order, cancellationToken);
            else if (order.Kind == OrderKind.Forget) done.Add(TryAsync(order, ForgetAsync));
            else
            {
                while (end < orders.Count && orders[end].Order == order.Order
                    && orders[end].Kind is OrderKind.Show or OrderKind.Drop) end++;
                OrderLine[] group = [.. orders.Skip(at).Take(end - at)];
                done.Add(TryAsync(order, one => ChangeAsync(one, group)));
            }
            at = end;
        }
        await Task.WhenAll(done).ConfigureAwait(false);
    }

    private async Task ChangeAsync(OrderLine order, OrderLine[] group)
    {
        NameResult[] results = await blobs.ChangeAsync([.. group.Select(line => new NameChange(
            System.Text.Encoding.UTF8.GetBytes(line.Name!.Value.Value),
            line.Kind == OrderKind.Drop ? FileDigest.None : line.Digest, line.Revision, Math.Max(0, line.Seconds)))])
            .ConfigureAwait(false);
        int missing = Array.IndexOf(results, NameResult.Missing);
        if (missing >= 0) Fail(order.Order, "MISSING", $"{group[missing].Digest} is not here");
        else if (results.Contains(NameResult.Full)) Fail(order.Order, "UNAVAILABLE", "no further names can be kept");
        else Done(order.Order, results.Count(result => result == NameResult.Stale));
    }

    private async Task ForgetAsync(OrderLine order)
    {
        if (await blobs.ForgetAsync(order.Digest).ConfigureAwait(false)) Done(order.Order, 0);
        else Fail(order.Order, "IN_USE", "a name shows it");
    }

    private void Fetch(OrderLine order, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_fetches.TryGetValue(order.Digest, out List<string>? words))
            {
                // Asked for again: it is told when it is here.
                if (!words.Contains(order.Order) && words.Count < Most) words.Add(order.Order);
                return;
            }
            if (_fetches.Count < Most)
            {
                _fetches.Add(order.Digest, [order.Order]);
                _ = Task.Run(() => FetchInTurnAsync(order, cancellationToken), CancellationToken.None);
                return;
            }
        }
        Fail(order.Order, "BUSY", $"{Most} fetches wait");
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
        List<string> words;
        lock (_lock)
        {
            _fetches.Remove(order.Digest, out List<string>? all);
            words = all!;
        }
        foreach (string word in words)
        {
            if (failure is { } why) Fail(word, why.Word, why.Why);
            else Done(word, 0);
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

    private async Task TryAsync(OrderLine order, Func<OrderLine, Task> act)
    {
        try
        {
            if (blobs.IsOpen) await act(order).ConfigureAwait(false);
            else Fail(order.Order, "UNAVAILABLE", "nothing can be kept here");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Fail(order.Order, "UNAVAILABLE", exception.Message);
        }
    }

    private void Done(string order, int stale) =>
        receipts.Tell(new Receipt(ReceiptKind.Done, options.Id) { Word = order, Stale = stale });

    private void Fail(string order, string error, string why)
    {
        LogFailed(order, error, why);
        receipts.Tell(new Receipt(ReceiptKind.Failed, options.Id) { Word = order, Error = error, Why = why });
    }

    [LoggerMessage(4101, LogLevel.Warning, "order {Order} failed: {Error}: {Why}")]
    private partial void LogFailed(string order, string error, string why);
}
