using System.Threading.Channels;
using MicroCdn.Protocol;
using MicroCdn.Records;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Index.Publishing;

/// <summary>Says what a change would write, or why it must not be.</summary>
/// <param name="number">The number that the change will have.</param>
/// <param name="rows">Where the rows go; none when nothing has to be written.</param>
internal delegate WireError? Draft(long number, List<RecordRow> rows);

/// <summary>Writes the book: one change after another, durable before anybody sees it.</summary>
/// <remarks>
/// A disk takes as long for a hundred rows as for one. So what came while one batch was being written goes into the
/// next, all of it under one number. A draft is worked out when its turn comes and all before it are applied; one that
/// is about a row that the batch has already waits for the next.
/// </remarks>
internal sealed partial class Scribe(IRecordStore store, Book book, Applied applied, ILogger logger)
{
    /// <summary>Most changes that wait: with the rows of one each, some megabytes.</summary>
    public const int MostWaiting = 10_000;

    // What one batch may hold, so that no follower waits long for one.
    private const int MostTogether = 1_000;

    private readonly Channel<Proposal> _waiting = Channel.CreateBounded<Proposal>(MostWaiting);
    private readonly List<Proposal> _batch = [];
    private readonly List<RecordRow> _rows = [];
    private readonly HashSet<(byte Kind, FileDigest Key)> _keys = [];
    private Proposal? _next;
    private bool _isUncertain;

    /// <summary>Writes what a draft says. Done when it is durable, and everybody who asks this index sees it.</summary>
    /// <param name="draft">What is to be written.</param>
    /// <param name="before">What the catalog's writer does right before it is seen.</param>
    /// <returns>Null, or why nothing was written.</returns>
    public async Task<WireError?> WriteAsync(Draft draft, Action? before = null)
    {
        Proposal proposal = new(draft, before);
        return _waiting.Writer.TryWrite(proposal) ? await proposal.Done.Task.ConfigureAwait(false)
            : WireErrors.LimitReached;
    }

    /// <summary>Works until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (_next is not null || await _waiting.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (_isUncertain && !await TryReadAgainAsync(cancellationToken).ConfigureAwait(false))
            {
                RefuseAll();
                continue;
            }
            Gather(book.Number + 1);
            await CommitAsync(book.Number + 1, cancellationToken).ConfigureAwait(false);
        }
    }

    // Fills the batch with drafts that are about different rows.
    private void Gather(long number)
    {
        List<RecordRow> rows = [];
        while (_batch.Count < MostTogether && (_next is not null || _waiting.Reader.TryRead(out _next)))
        {
            rows.Clear();
            WireError? refusal = _next.Draft(number, rows);
            if (refusal is null && rows.Exists(row => _keys.Contains(KeyOf(row)))) return;
            if (refusal is not null || rows.Count == 0) _next.Done.SetResult(refusal);
            else _batch.Add(_next);
            _next = null;
            foreach (RecordRow row in rows) _keys.Add(KeyOf(row));
            _rows.AddRange(rows);
        }
    }

    private async Task CommitAsync(long number, CancellationToken cancellationToken)
    {
        WireError? refusal = null;
        try
        {
            if (_rows.Count > 0)
            {
                RecordChange change = new(number, [.. _rows]);
                await store.CommitAsync(number, change.Rows, cancellationToken).ConfigureAwait(false);
                await applied.DoAsync(() => Apply(change)).ConfigureAwait(false);
            }
        }
        catch (RecordStoreException exception)
        {
            LogNotWritten(exception.Message);
            _isUncertain |= exception.IsUncertain || exception is WriterLostException;
            refusal = WireErrors.Unavailable;
        }
        foreach (Proposal proposal in _batch) proposal.Done.SetResult(refusal);
        _batch.Clear();
        _rows.Clear();
        _keys.Clear();
    }

    // What may have been written, or was by somebody else, is seen before anything follows it. Rows say how things are
    // and not how they change, so that reading those that are known already does no harm.
    private async Task<bool> TryReadAgainAsync(CancellationToken cancellationToken)
    {
        List<RecordRow> rows = [];
        try
        {
            long number = await store.LoadAsync(
                (kind, key, value) => rows.Add(new RecordRow(kind, key.ToArray(), value.ToArray())), cancellationToken)
                .ConfigureAwait(false);
            await applied.DoAsync(() => book.Apply(new RecordChange(number, rows))).ConfigureAwait(false);
            _isUncertain = false;
        }
        catch (RecordStoreException exception)
        {
            LogNotRead(exception.Message);
        }
        return !_isUncertain;
    }

    private void RefuseAll()
    {
        _next?.Done.SetResult(WireErrors.Unavailable);
        _next = null;
        while (_waiting.Reader.TryRead(out Proposal? proposal)) proposal.Done.SetResult(WireErrors.Unavailable);
    }

    // Of two different keys nobody finds the same digest.
    private static (byte, FileDigest) KeyOf(in RecordRow row) =>
        (row.Kind, new FileDigest(System.Security.Cryptography.SHA256.HashData(row.Key)));

    private void Apply(RecordChange change)
    {
        foreach (Proposal proposal in _batch) proposal.Before?.Invoke();
        book.Apply(change);
    }

    private sealed record Proposal(Draft Draft, Action? Before)
    {
        public TaskCompletionSource<WireError?> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    [LoggerMessage(2050, LogLevel.Error, "the book cannot be written: {Trouble}")]
    private partial void LogNotWritten(string trouble);

    [LoggerMessage(2051, LogLevel.Error, "what is in the book is not certain, and it cannot be read: {Trouble}")]
    private partial void LogNotRead(string trouble);
}
