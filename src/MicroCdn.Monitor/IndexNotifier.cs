using System.Text;
using System.Threading.Channels;
using MicroCdn.Network;
using MicroCdn.Protocol;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Monitor;

/// <summary>Tells one index of deaths, one after another, and asks it once which servers to expect.</summary>
/// <remarks>
/// A notice is repeated after 1, 2, 4 ... 30 s until any answer, until the server is heard again, or three times to an
/// index that closes without an answer, as some version 1 indexes do. There is one notice for each dead server and one
/// connection at a time, whatever dies at once. An index that cannot be reached is not dialed for each of them.
/// </remarks>
internal sealed partial class IndexNotifier(
    IndexAddress index, Roster roster, IDialer dialer, TimeProvider time, ILogger logger)
{
    private const int TriesAtClosingIndex = 3;
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    private readonly Channel<Notice> _news = Channel.CreateBounded<Notice>(Limits.Servers);
    private readonly Dictionary<ServerId, Notice> _open = [];
    private bool _saidNotTold;

    private enum Outcome
    {
        Answered,
        Closed,
        Unreachable,
    }

    /// <summary>The index that is told.</summary>
    public IndexAddress Index => index;

    /// <summary>Takes up a death; sent by <see cref="RunAsync"/>.</summary>
    public void Tell(Member member, long unixSeconds) =>
        _news.Writer.TryWrite(new Notice(member, member.HeardAt, unixSeconds, time.GetTimestamp()));

    /// <summary>Sends what is due until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await UntilDueAsync(cancellationToken).ConfigureAwait(false);
            while (_news.Reader.TryRead(out Notice? notice)) _open[notice.Member.Id] = notice;
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

    /// <summary>Asks until the index has told its servers.</summary>
    /// <remarks>A monitor that was restarted has an empty table; who died meanwhile would never be missed.</remarks>
    public async Task ExpectServersAsync(CancellationToken cancellationToken)
    {
        for (TimeSpan pause = FirstPause / 2; ; pause = Min(pause * 2, LongestPause))
        {
            if (await ListServersAsync(cancellationToken).ConfigureAwait(false) is { } rows)
            {
                int expected = 0;
                lock (roster.Lock) expected = rows.Count(roster.Expect);
                if (expected > 0) LogExpected(expected, index);
                return;
            }
            await Task.Delay(pause, time, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task UntilDueAsync(CancellationToken cancellationToken)
    {
        if (_open.Count == 0)
        {
            await _news.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false);
            return;
        }
        TimeSpan wait = time.GetElapsedTime(time.GetTimestamp(), _open.Values.Min(notice => notice.DueAt));
        if (wait <= TimeSpan.Zero) return;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task<bool> news = _news.Reader.WaitToReadAsync(stop.Token).AsTask();
        await Task.WhenAny(news, Task.Delay(wait, time, stop.Token)).ConfigureAwait(false);
        // Ends the one that did not win: a wait for news that is left behind would stay in the channel.
        await stop.CancelAsync().ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
    }

    // True when the index could not be reached.
    private async Task<bool> SendAsync(Notice notice, CancellationToken cancellationToken)
    {
        if (notice.IsHeardAgain)
        {
            _open.Remove(notice.Member.Id);
            return false;
        }
        (Outcome outcome, string said) = await AskAsync(notice, cancellationToken).ConfigureAwait(false);
        if (outcome == Outcome.Answered) LogTold(index, notice.Member.Id, said);
        else if (!_saidNotTold) LogNotTold(index, notice.Member.Id, said);
        _saidNotTold = outcome != Outcome.Answered;
        bool over = outcome == Outcome.Answered
            || (outcome == Outcome.Closed && ++notice.Closed == TriesAtClosingIndex);
        if (over) _open.Remove(notice.Member.Id);
        else notice.Postpone(time);
        return outcome == Outcome.Unreachable;
    }

    private async Task<(Outcome Outcome, string Said)> AskAsync(Notice notice, CancellationToken cancellationToken)
    {
        byte[] line = Encoding.UTF8.GetBytes($"SERVER_DOWN {notice.Member.Id} {notice.UnixSeconds}\n");
        using CancellationTokenSource late = new(AnswerTime, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
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
    private sealed class Notice(Member member, long heardAt, long unixSeconds, long dueAt)
    {
        private TimeSpan _pause = FirstPause;

        public Member Member => member;

        public long UnixSeconds => unixSeconds;

        public long DueAt { get; private set; } = dueAt;

        public int Closed { get; set; }

        public bool IsHeardAgain => member.HeardAt != heardAt;

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

    [LoggerMessage(3013, LogLevel.Information, "expecting {Count} servers that the index at {Index} knows")]
    private partial void LogExpected(int count, IndexAddress index);
}
