using MicroCdn.Records;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Index.Publishing;

/// <summary>Follows what the writer among several indexes writes, until this index is the writer itself.</summary>
/// <remarks>Like the heir who keeps a copy of the books: each page is copied as it is written, and when the desk is
/// empty whoever sits down first goes on, once he has read the last page.</remarks>
internal sealed partial class Succession(
    ISharedRecordStore store, string address, Book book, Foretold foretold, Applied applied, TimeProvider time,
    ILogger logger)
{
    // The lease of a writer that died ends by itself after 5 s; it is asked for so often.
    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(1), WhileReading = TimeSpan.FromMilliseconds(20);

    // A change may wait for its servers, and the log is looked at once a second.
    private static readonly TimeSpan Usual = Foretold.Patience + TimeSpan.FromSeconds(2);

    private bool _mustLoad;
    private volatile IWriterLease? _lease;
    private string? _said;
    private volatile string? _writer;

    /// <summary>Where the writer is, as it said; null when none is known.</summary>
    public string? Writer => _writer;

    /// <summary>For how long this index cannot tell whether it has seen the last change; null when that is no longer
    /// than usual.</summary>
    public TimeSpan? Behind => store.Silence is var silence && silence > Usual ? silence : null;

    /// <summary>For how long this index cannot tell whether it is the writer still, if it was; null when no other one
    /// can have taken over meanwhile.</summary>
    public TimeSpan? Doubt => store.Silence is var silence && silence > IWriterLease.Length ? silence : null;

    // By a lease that it still has: what it had before it led, or lost meanwhile, says nothing of who writes now.
    private bool IsHeir => _lease is { Lost.IsCompleted: false };

    /// <summary>Follows until this index is the writer, and has seen all that was written before.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled first.</exception>
    public async Task<IWriterLease> FollowAsync(CancellationToken cancellationToken)
    {
        _lease = null;
        Task following = Task.CompletedTask;
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        bool leads = false;
        try
        {
            while (true)
            {
                if (following.IsCompleted)
                {
                    Notice(following);
                    if (_mustLoad) await TryLoadAsync(cancellationToken).ConfigureAwait(false);
                    following = _mustLoad ? Task.Delay(Pace, time, enough.Token)
                        : store.FollowAsync(book.Number, change => TakeAsync(change, enough.Token), enough.Token);
                }
                if (_lease is { Lost.IsCompleted: true } lost)
                {
                    await lost.DisposeAsync().ConfigureAwait(false);
                    _lease = null;
                }
                _lease ??= await TryClaimAsync(cancellationToken).ConfigureAwait(false);
                // Whoever is to write sees the last page at once: nobody else has the servers show what is on it.
                if (IsHeir) foretold.Ring();
                if (_lease is { } lease && !_mustLoad && !following.IsCompleted && book.Number >= lease.LastNumber)
                {
                    leads = true;
                    LogLeads(book.Number);
                    return lease;
                }
                TimeSpan pause = _lease is null ? Pace : WhileReading;
                await Task.WhenAny(following, Task.Delay(pause, time, enough.Token)).ConfigureAwait(false);
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
        finally
        {
            await enough.CancelAsync().ConfigureAwait(false);
            await following.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!leads && _lease is { } unused) await unused.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task<IWriterLease?> TryClaimAsync(CancellationToken cancellationToken)
    {
        try
        {
            (IWriterLease? lease, string holder) =
                await store.ClaimLeaseAsync(address, cancellationToken).ConfigureAwait(false);
            _writer = lease is null ? holder : null;
            Say(lease is null ? $"follows the writer, {holder}" : "is to be the writer", isTrouble: false);
            return lease;
        }
        catch (RecordStoreException exception)
        {
            _writer = null;
            Say($"cannot tell who the writer is, reads go on, writes are refused: {exception.Message}", true);
            return null;
        }
    }

    // The next change is asked for when this one is seen.
    private async ValueTask TakeAsync(RecordChange? change, CancellationToken cancellationToken)
    {
        if (change is null) _mustLoad = true;
        else await foretold.HoldAsync(change, applied, () => !IsHeir, cancellationToken).ConfigureAwait(false);
    }

    private void Notice(Task following)
    {
        if (following.Exception?.InnerException is not { } exception) return;
        if (exception is not RecordStoreException) _mustLoad = true;
        Say($"cannot follow, and trying on: {exception.Message}", isTrouble: true);
    }

    // What is here is not the beginning of what is there.
    private async Task TryLoadAsync(CancellationToken cancellationToken)
    {
        try
        {
            List<RecordRow> rows = [];
            long number = await store.LoadAsync(
                (kind, key, value) => rows.Add(new RecordRow(kind, key.ToArray(), value.ToArray())), cancellationToken)
                .ConfigureAwait(false);
            await applied.DoAsync(() => foretold.Replace(number, rows)).WaitAsync(cancellationToken)
                .ConfigureAwait(false);
            _mustLoad = false;
            LogLoaded(number);
        }
        catch (RecordStoreException exception)
        {
            Say($"cannot load the book, and trying on: {exception.Message}", isTrouble: true);
        }
    }

    // The same once, however often it is found again.
    private void Say(string what, bool isTrouble)
    {
        if (_said == what) return;
        _said = what;
        LogNews(isTrouble ? LogLevel.Error : LogLevel.Information, what);
    }

    [LoggerMessage(EventId = 2070, Message = "this index {What}")]
    private partial void LogNews(LogLevel level, string what);

    [LoggerMessage(2071, LogLevel.Information, "this index is the writer; it has seen all up to change {Number}")]
    private partial void LogLeads(long number);

    [LoggerMessage(2072, LogLevel.Warning, "the book was loaded anew, up to change {Number}")]
    private partial void LogLoaded(long number);
}
