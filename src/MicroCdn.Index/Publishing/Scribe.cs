using System.Text;
using System.Threading.Channels;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Records;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Index.Publishing;

/// <summary>Says what a change would write, or why it must not be.</summary>
/// <param name="number">The revision of what the change says.</param>
/// <param name="rows">Where the rows go; none when nothing has to be written.</param>
internal delegate WireError? Draft(long number, List<RecordRow> rows);

/// <summary>Writes the book: one change after another, durable before anybody sees it.</summary>
/// <remarks>
/// A disk takes as long for a hundred rows as for one. So what came while one batch was being written goes into the
/// next, all of it under one number. A draft is worked out when its turn comes and all before it are applied; one that
/// is about a row that the batch has already waits for the next.
/// </remarks>
internal sealed partial class Scribe(
    IRecordStore store, Book book, Applied applied, ILogger logger, Succession? succession = null)
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
    private volatile bool _leads = succession is null;
    private bool _isUncertain;

    /// <summary>What the change that is being worked out holds so far; for a draft alone, which is part of
    /// it.</summary>
    public IReadOnlyList<RecordRow> Together => _rows;

    /// <summary>What the catalog's writer does when this index begins to write in another one's place.</summary>
    public Action TookOver { get; init; } = () => { };

    /// <summary>Where the index that writes listens, as far as this one of several knows.</summary>
    public string? Writer => succession?.Writer;

    /// <summary>True when this index may write, and give orders. One that cannot tell whether another one took its
    /// place gives none.</summary>
    public bool Leads => _leads && succession?.Doubt is null;

    /// <summary>Writes what a draft says. Done when it is durable, and everybody who asks this index sees it.</summary>
    /// <param name="draft">What is to be written.</param>
    /// <param name="before">What the catalog's writer does right before it is seen.</param>
    /// <param name="isAlone">It is about more than its rows, and shares a change with nothing else.</param>
    /// <returns>Null, or why nothing was written.</returns>
    public async Task<WireError?> WriteAsync(Draft draft, Action? before = null, bool isAlone = false)
    {
        Proposal proposal = new(draft, before, isAlone);
        if (!_waiting.Writer.TryWrite(proposal)) return WireErrors.LimitReached;
        if (!_leads) RefuseWaiting();
        return await proposal.Done.Task.ConfigureAwait(false);
    }

    /// <summary>Writes what a draft says, and answers an operator with a word and the revision, or with the
    /// refusal.</summary>
    /// <remarks>One connection has one change at a time: what waits is bounded by them.</remarks>
    /// <param name="answer">Answered when it is durable.</param>
    /// <param name="word">The word.</param>
    /// <param name="draft">What is to be written; no rows where it is so already.</param>
    /// <param name="written">Called when it is durable.</param>
    public void Write(Answer answer, string word, Draft draft, Action? written = null)
    {
        answer.Later();
        _ = Task.Run(async () =>
        {
            long revision = 0;
            WireError? refusal = await WriteAsync((number, rows) =>
            {
                revision = number;
                return draft(number, rows);
            }).ConfigureAwait(false);
            if (refusal is null) written?.Invoke();
            answer.Complete(refusal?.Line.ToArray() ?? Encoding.UTF8.GetBytes($"{word} {revision}\nEND\n"));
        });
    }

    /// <summary>Works until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (succession is null)
        {
            await LeadAsync(cancellationToken).ConfigureAwait(false);
            return;
        }
        while (true)
        {
            IWriterLease lease = await succession.FollowAsync(cancellationToken).ConfigureAwait(false);
            await using (lease.ConfigureAwait(false))
            {
                (_leads, _isUncertain) = (true, false);
                _ = applied.DoAsync(TookOver);
                using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                Task leading = LeadAsync(over.Token);
                await Task.WhenAny(leading, lease.Lost).ConfigureAwait(false);
                _leads = false;
                await over.CancelAsync().ConfigureAwait(false);
                await leading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                RefuseAll();
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
    }

    // Where indexes follow one another, whoever is not certain any more ends leading: by following he sees what is so.
    private async Task LeadAsync(CancellationToken cancellationToken)
    {
        while (_next is not null || await _waiting.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (_isUncertain && succession is not null) return;
            if (_isUncertain && !await TryReadAgainAsync(cancellationToken).ConfigureAwait(false))
            {
                RefuseAll();
                continue;
            }
            Gather(book.NextRevision);
            await CommitAsync(book.Number + 1, cancellationToken).ConfigureAwait(false);
            if (_isUncertain && succession is not null) return;
        }
    }

    // Fills the batch with drafts that are about different rows.
    private void Gather(long number)
    {
        List<RecordRow> rows = [];
        while (_batch.Count < MostTogether && (_next is not null || _waiting.Reader.TryRead(out _next)))
        {
            if (_next.IsAlone && _batch.Count > 0) return;
            bool isAlone = _next.IsAlone;
            rows.Clear();
            WireError? refusal = _next.Draft(number, rows);
            if (refusal is null && rows.Exists(row => _keys.Contains(KeyOf(row)))) return;
            if (refusal is not null || rows.Count == 0) _next.Done.SetResult(refusal);
            else _batch.Add(_next);
            _next = null;
            foreach (RecordRow row in rows) _keys.Add(KeyOf(row));
            _rows.AddRange(rows);
            if (isAlone) return;
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
                Proposal[] batch = [.. _batch];
                await store.CommitAsync(number, change.Rows, cancellationToken).ConfigureAwait(false);
                await applied.DoAsync(() => Apply(change, batch)).WaitAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        catch (RecordStoreException exception)
        {
            LogNotWritten(exception.Message);
            _isUncertain |= exception.IsUncertain || exception is WriterLostException;
            refusal = WireErrors.Unavailable;
            // Nobody else writes behind a change that may be ours: it is seen at once what came of it. What is done
            // with a change is done for one that was written after all, or its name would have no copies.
            if (exception.IsUncertain && await IsWrittenAsync(number, cancellationToken).ConfigureAwait(false))
            {
                refusal = null;
            }
        }
        catch (OperationCanceledException)
        {
            // The end, or another index took over: what is written, if it is, is seen by following.
            _isUncertain = true;
            refusal = WireErrors.Unavailable;
        }
        foreach (Proposal proposal in _batch) proposal.Done.TrySetResult(refusal);
        _batch.Clear();
        _rows.Clear();
        _keys.Clear();
    }

    // What may have been written, or was by somebody else, is seen before anything follows it.
    private async Task<bool> TryReadAgainAsync(CancellationToken cancellationToken, Action? before = null)
    {
        List<RecordRow> rows = [];
        try
        {
            long number = await store.LoadAsync(
                (kind, key, value) => rows.Add(new RecordRow(kind, key.ToArray(), value.ToArray())), cancellationToken)
                .ConfigureAwait(false);
            await applied.DoAsync(() =>
            {
                before?.Invoke();
                book.Replace(number, rows);
            }).ConfigureAwait(false);
            _isUncertain = false;
        }
        catch (RecordStoreException exception)
        {
            LogNotRead(exception.Message);
        }
        return !_isUncertain;
    }

    // A row names the revision that it was written as, so nobody else's is the same; one that was to go is not there.
    private async Task<bool> IsWrittenAsync(long number, CancellationToken cancellationToken)
    {
        HashSet<string> rows = [.. _rows.Where(row => row.Value is not null)
            .Select(row => TextOf(row.Kind, row.Key, row.Value))];
        HashSet<string> gone = [.. _rows.Where(row => row.Value is null).Select(row => TextOf(row.Kind, row.Key, []))];
        try
        {
            bool isOther = false;
            long read = await store.LoadAsync((kind, key, value) =>
            {
                rows.Remove(TextOf(kind, key, value));
                isOther |= gone.Count > 0 && gone.Contains(TextOf(kind, key, []));
            }, cancellationToken).ConfigureAwait(false);
            return read == number && rows.Count == 0 && !isOther
                && await TryReadAgainAsync(cancellationToken, BeforeAll).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is RecordStoreException or OperationCanceledException)
        {
            // Whoever waits is told that it may be so, as before.
            return false;
        }
    }

    private static string TextOf(byte kind, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) =>
        $"{kind} {Convert.ToHexString(key)} {Convert.ToHexString(value)}";

    private void RefuseAll()
    {
        _next?.Done.SetResult(WireErrors.Unavailable);
        _next = null;
        RefuseWaiting();
    }

    private void RefuseWaiting()
    {
        while (_waiting.Reader.TryRead(out Proposal? proposal)) proposal.Done.SetResult(WireErrors.Unavailable);
    }

    /// <summary>Answers for a writer that is elsewhere, and whoever asks who it is.</summary>
    /// <param name="verb">What is asked.</param>
    /// <param name="answer">Is told where.</param>
    /// <param name="error">Set when nobody knows.</param>
    /// <returns>False when the verb is still to be answered, by this index.</returns>
    public bool IsElsewhere(ReadOnlySpan<byte> verb, Answer answer, out WireError? error)
    {
        error = null;
        bool isAsked = verb.SequenceEqual("WRITER"u8);
        if (_leads && isAsked)
        {
            string behind = succession?.Doubt is { } doubt ? $"BEHIND {(long)doubt.TotalSeconds}\n" : "";
            answer.Write(Encoding.UTF8.GetBytes($"{behind}END\n"));
        }
        if (_leads) return isAsked;
        if (succession!.Writer is { } writer && writer.LastIndexOf(':') is > 0 and int colon)
        {
            string host = writer[..colon].Trim('[', ']');
            answer.Write(Encoding.UTF8.GetBytes($"WRITER {host} {writer[(colon + 1)..]}\nEND\n"));
        }
        else error = WireErrors.Unavailable;
        return true;
    }

    // Of two different keys nobody finds the same digest.
    private static (byte, FileDigest) KeyOf(in RecordRow row) =>
        (row.Kind, new FileDigest(System.Security.Cryptography.SHA256.HashData(row.Key)));

    // It may come to it only when nobody waits any more.
    private void Apply(RecordChange change, Proposal[] batch)
    {
        foreach (Proposal proposal in batch) proposal.Before?.Invoke();
        book.Apply(change);
    }

    private void BeforeAll()
    {
        foreach (Proposal proposal in _batch) proposal.Before?.Invoke();
    }

    private sealed record Proposal(Draft Draft, Action? Before, bool IsAlone)
    {
        public TaskCompletionSource<WireError?> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    [LoggerMessage(2050, LogLevel.Error, "the book cannot be written: {Trouble}")]
    private partial void LogNotWritten(string trouble);

    [LoggerMessage(2051, LogLevel.Error, "what is in the book is not certain, and it cannot be read: {Trouble}")]
    private partial void LogNotRead(string trouble);
}
