using System.Text;
using MicroCdn.Network;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Content.Publishing;

/// <summary>Keeps one connection to the index on which something is said again and again, and dials anew when it is
/// gone.</summary>
/// <param name="options">Where the index is, and who we are.</param>
/// <param name="what">What the connection is for, in a few words.</param>
/// <param name="ready">Waits until the index has registered us in version 2: one of version 1 would take the call
/// for a mistake, and some of its kind serve one peer at a time.</param>
/// <param name="dialer">Opens it.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Hears what is new.</param>
internal sealed partial class StandingCall(
    ContentOptions options, string what, Func<CancellationToken, Task> ready, IDialer dialer, TimeProvider time,
    ILogger logger)
{
    // An index holds a question for five seconds, and may be slow to notice.
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    // Of this server alone, so that a fleet does not come back in step.
    private readonly Random _chance = new(MonitorLink.SeedOf(options.Id, 0));
    private int _doubts;
    private string? _said;

    /// <summary>How long an index that refused is left alone: what only an operator can mend need not be asked for
    /// often.</summary>
    public TimeSpan RefusedPause { private get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>What becomes of an index that answers, in words.</summary>
    public string Goes { private get; init; } = $"is asked for {what}";

    /// <summary>What becomes of one that refuses.</summary>
    public string Stays { private get; init; } = "takes part in no publishing";

    /// <summary>Talks until cancelled.</summary>
    /// <param name="turn">Says one thing and hears the answer; null to go on, else what the index refused.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task RunAsync(
        Func<LineConnection, CancellationToken, Task<string?>> turn, CancellationToken cancellationToken)
    {
        TimeSpan pause = FirstPause;
        while (true)
        {
            await ready(cancellationToken).ConfigureAwait(false);
            TimeSpan wait = RefusedPause;
            try
            {
                string refusal = await StayAsync(turn, cancellationToken).ConfigureAwait(false);
                Say(LogLevel.Warning, $"{Stays}: it {refusal}");
                pause = FirstPause;
            }
            catch (Exception exception) when (exception is IOException or InvalidDataException)
            {
                Say(LogLevel.Warning, $"cannot be reached for {what}, trying on: {exception.Message}");
                wait = pause;
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
            await Task.Delay(wait * (0.5 + (_chance.NextDouble() / 2)), time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Sends a question and hands over the lines of the answer until one says that it was the last.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="question">The question.</param>
    /// <param name="isLast">Takes a line; true when it was the last.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Null, or what the index refused.</returns>
    public async Task<string?> AskAsync(LineConnection connection, ReadOnlyMemory<byte> question,
        Func<ReadOnlyMemory<byte>, bool> isLast, CancellationToken cancellationToken)
    {
        using CancellationTokenSource late = new(AnswerTime, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            await connection.SendAsync(question, either.Token).ConfigureAwait(false);
            while (true)
            {
                ReadOnlyMemory<byte>? answer = await connection.ReadLineAsync(either.Token).ConfigureAwait(false);
                if (answer is not { } line) throw new IOException("it closed the connection");
                if (line.Span.StartsWith("ERROR "u8)) return $"says {Encoding.UTF8.GetString(line.Span[6..])}";
                if (isLast(line)) break;
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"it did not answer within {AnswerTime.TotalSeconds} s");
        }
        Say(LogLevel.Information, Goes);
        return null;
    }

    private async Task<string> StayAsync(
        Func<LineConnection, CancellationToken, Task<string?>> turn, CancellationToken cancellationToken)
    {
        LineConnection? connection = await Speaking2.TryDialAsync(
            dialer, options.IndexHost, options.IndexPort, time, options.Self, cancellationToken).ConfigureAwait(false);
        // One that closes may only be on its way down: it is asked twice.
        if (connection is null && _doubts++ < 1) throw new IOException("it closes, is silent or speaks version 1");
        if (connection is null) return "speaks version 1";
        _doubts = 0;
        await using (connection.ConfigureAwait(false))
        {
            while (true)
            {
                if (await turn(connection, cancellationToken).ConfigureAwait(false) is { } refusal) return refusal;
            }
        }
    }

    // The same once, however often it is found again.
    private void Say(LogLevel level, string news)
    {
        if (_said == news) return;
        _said = news;
        LogNews(level, options.IndexHost, options.IndexPort, news);
    }

    [LoggerMessage(EventId = 4100, Message = "the index at {Host}:{Port} {What}")]
    private partial void LogNews(LogLevel level, string host, int port, string what);
}
