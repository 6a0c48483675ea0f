using System.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Monitor;

/// <summary>Tells one index of version 1 of deaths, one after another, and asks it once which servers to
/// expect.</summary>
/// <remarks>
/// A notice is repeated after 1, 2, 4 ... 30 s until any answer, until the server is heard again, or three times to an
/// index that closes without an answer, as some version 1 indexes do. There is one notice for each dead server and one
/// connection at a time, whatever dies at once. An index that cannot be reached is not dialed for each of them.
/// </remarks>
internal sealed partial class IndexNotifier(
    IndexAddress index, Identity self, Watch watch, IDialer dialer, TimeProvider time, Signal signal, ILogger logger)
{
    private const int TriesAtClosingIndex = 3;
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    private readonly Dictionary<ServerId, Notice> _open = [];
    private long _seen = LastEvent(watch);
    private bool _saidNotTold;
    private bool _greetsFirst;
    private bool _expected;
    private LineConnection? _speaks2;

    private enum Outcome
    {
        Answered,
        Closed,
        Unreachable,
    }

    /// <summary>Sends what is due until the index is to be greeted anew; returns a connection when it turned out to
    /// speak version 2.</summary>
    public async Task<LineConnection?> RunAsync(Func<bool> isSubscribed, CancellationToken cancellationToken)
    {
        _greetsFirst = false;
        _speaks2 = null;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task expecting = _expected ? Task.CompletedTask : ExpectServersAsync(stop.Token);
        try
        {
            while (!isSubscribed() && _speaks2 is null)
            {
                await UntilDueAsync(cancellationToken).ConfigureAwait(false);
                TakeUp();
                long now = time.GetTimestamp();
                Notice[] due = [.. _open.Values.Where(notice => notice.DueAt <= now)];
                foreach (Notice notice in due)
                {
                    if (!await SendAsync(notice, cancellationToken).ConfigureAwait(false)) continue;
                    // Nobody is there: the others need not dial to learn the same.
                    foreach (Notice other in due.Where(other => other.DueAt <= now)) other.Postpone(time);
                    break;
                }
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await expecting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        return _speaks2;
    }

    private static long LastEvent(Watch watch)
    {
        lock (watch.Lock) return watch.Ledger.Last;
    }

    // Version 1 knows one kind of news. Who leaves in order is to get no clients either.
    private void TakeUp()
    {
        lock (watch.Lock)
        {
            if (watch.Ledger.Last == _seen) return;
            foreach (StateEvent row in watch.Ledger.Rows)
            {
                if (row.Event <= _seen || row.State.IsAliveInVersion1()) continue;
                _open[row.Id] = new Notice(row, time.GetTimestamp());
            }
            _seen = watch.Ledger.Last;
        }
    }

    // Asks until the index has told its servers: a monitor that was restarted has an empty table, and who died
    // meanwhile would never be missed.
    private async Task ExpectServersAsync(CancellationToken cancellationToken)
    {
        for (TimeSpan pause = FirstPause / 2; ; pause = Min(pause * 2, LongestPause))
        {
            if (await ListServersAsync(cancellationToken).ConfigureAwait(false) is { } rows)
            {
                int expected = watch.Expect(rows);
                if (expected > 0) LogExpected(expected, index);
                _expected = true;
                return;
            }
            await Task.Delay(pause, time, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task UntilDueAsync(CancellationToken cancellationToken)
    {
        TimeSpan? wait = _open.Count == 0 ? null
            : time.GetElapsedTime(time.GetTimestamp(), _open.Values.Min(notice => notice.DueAt));
        await signal.WaitAsync(wait, cancellationToken).ConfigureAwait(false);
    }

    // True when the index could not be reached.
    private async Task<bool> SendAsync(Notice notice, CancellationToken cancellationToken)
    {
        bool holds;
        lock (watch.Lock) holds = watch.Ledger.Holds(notice.News);
        if (!holds)
        {
            _open.Remove(notice.News.Id);
            return false;
        }
        (Outcome outcome, string said) = await AskAsync(notice, cancellationToken).ConfigureAwait(false);
        // The digest says it too.
        if (_speaks2 is not null) return true;
        _greetsFirst = outcome == Outcome.Unreachable;
        if (outcome == Outcome.Answered) LogTold(index, notice.News.Id, said);
        else if (!_saidNotTold) LogNotTold(index, notice.News.Id, said);
        _saidNotTold = outcome != Outcome.Answered;
        bool over = outcome == Outcome.Answered
            || (outcome == Outcome.Closed && ++notice.Closed == TriesAtClosingIndex);
        if (over) _open.Remove(notice.News.Id);
        else notice.Postpone(time);
        return outcome == Outcome.Unreachable;
    }

    private async Task<(Outcome Outcome, string Said)> AskAsync(Notice notice, CancellationToken cancellationToken)
    {
        byte[] line = Encoding.UTF8.GetBytes($"SERVER_DOWN {notice.News.Id} {notice.News.UnixSeconds}\n");
        using CancellationTokenSource late = new(AnswerTime, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            if (_greetsFirst)
            {
                _speaks2 = await Speaking2.TryDialAsync(dialer, index.Host, index.Port, time, self, either.Token)
                    .ConfigureAwait(false);
                if (_speaks2 is not null) return (Outcome.Answered, "it speaks version 2 now");
            }
            await using LineConnection connection =
                await dialer.DialAsync(index.Host, index.Port, either.Token).ConfigureAwait(false);
            await connection.SendAsync(line, either.Token).ConfigureAwait(false);
            return await connection.ReadLineAsync(either.Token).ConfigureAwait(false) is { } answer
                ? (Outcome.Answered, Encoding.UTF8.GetString(answer.Span))
                : (Outcome.Closed, "it closed without an answer");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return (Outcome.Unreachable, "no answer within 5 s");
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            return (Outcome.Unreachable, exception.Message);
        }
    }

    private async Task<List<ServerRow>?> ListServersAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenSource late = new(AnswerTime, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            await using LineConnection connection =
                await dialer.DialAsync(index.Host, index.Port, either.Token).ConfigureAwait(false);
            await connection.SendAsync("LIST_SERVERS\n"u8.ToArray(), either.Token).ConfigureAwait(false);
            List<ServerRow> rows = [];
            while (await connection.ReadLineAsync(either.Token).ConfigureAwait(false) is { } line)
            {
                if (line.Span.SequenceEqual("END"u8)) return rows;
                if (ServerRow.TryParse(line.Span, out ServerRow? row) && rows.Count < Limits.Servers) rows.Add(row!);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Too slow; asked again after a pause.
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            // Not there yet: the order in which the four roles start does not matter.
        }
        return null;
    }

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;

    // One death that this index is to be told of.
    private sealed class Notice(StateEvent news, long dueAt)
    {
        private TimeSpan _pause = FirstPause;

        public StateEvent News => news;

        public long DueAt { get; private set; } = dueAt;

        public int Closed { get; set; }

        public void Postpone(TimeProvider time)
        {
            DueAt = time.GetTimestamp() + (long)(_pause.TotalSeconds * time.TimestampFrequency);
            _pause = Min(_pause * 2, LongestPause);
        }
    }

    [LoggerMessage(3011, LogLevel.Information, "told the index at {Index} that {Id} is dead: {Answer}")]
    private partial void LogTold(IndexAddress index, ServerId id, string answer);

    [LoggerMessage(3012, LogLevel.Warning,
        "the index at {Index} was not told yet that {Id} is dead, trying on: {Reason}")]
    private partial void LogNotTold(IndexAddress index, ServerId id, string reason);

    [LoggerMessage(3017, LogLevel.Information, "expecting {Count} servers that the index at {Index} knows")]
    private partial void LogExpected(int count, IndexAddress index);
}
