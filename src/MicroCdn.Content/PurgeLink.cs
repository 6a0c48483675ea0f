using System.Buffers;
using System.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Content;

/// <summary>Asks the index what was purged, and has it applied.</summary>
/// <remarks>
/// <para>Each question says the last purge that was applied, and so is the receipt of all before it; the index holds it
/// until there is another. A connection that breaks loses nothing: the next one goes on where this one was.</para>
/// <para>After a start it says when nothing is missing any more. It says the same when the index does not answer for
/// <see cref="Patience"/>, since clients must be served with every index gone; what was purged is applied when it is
/// back.</para>
/// </remarks>
/// <param name="options">Where the index is, and who we are.</param>
/// <param name="position">How far we are with its purges.</param>
/// <param name="target">What they are applied to.</param>
/// <param name="caughtUp">Hears once that nothing of this index is missing any more, or that it is not waited for
/// longer.</param>
/// <param name="dialer">Dials it.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Hears what is new.</param>
internal sealed partial class PurgeLink(ContentOptions options, PurgePosition position, IPurgeTarget target,
    Action caughtUp, IDialer dialer, TimeProvider time, ILogger logger)
{
    /// <summary>How long copies of earlier runs wait for an index that does not answer.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    // An index holds a question for five seconds, and may be slow to notice.
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    // What only an operator can mend need not be asked for often.
    private static readonly TimeSpan RefusedPause = TimeSpan.FromSeconds(30);

    // Several times of what an index remembers.
    private const int MostLines = 100_000;

    // Of this server alone, so that a fleet does not come back in step.
    private readonly Random _chance = new(MonitorLink.SeedOf(options.Id, 0));
    private bool _isDurable = true;
    private volatile bool _isApplying;
    private int _isCaughtUp;
    private int _doubts;
    private string? _said;

    /// <summary>Asks until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        PurgeTrack track = target.Progress.Follow(position.Epoch, position.Number);
        Task patience = WaitAsync(cancellationToken);
        TimeSpan pause = FirstPause;
        while (true)
        {
            TimeSpan wait;
            try
            {
                wait = await TryStayAsync(track, cancellationToken).ConfigureAwait(false);
                pause = FirstPause;
            }
            catch (Exception exception) when (exception is IOException or InvalidDataException)
            {
                Say(LogLevel.Warning, $"cannot be asked for purges, trying on: {exception.Message}");
                wait = pause;
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
            await Task.Delay(wait * (0.5 + (_chance.NextDouble() / 2)), time, cancellationToken).ConfigureAwait(false);
            if (patience.IsFaulted) await patience.ConfigureAwait(false);
        }
    }

    private async Task WaitAsync(CancellationToken cancellationToken)
    {
        await Task.Delay(Patience, time, cancellationToken).ConfigureAwait(false);
        if (!_isApplying) CatchUp();
    }

    // Stays as long as the connection does; returns how long to wait before the next.
    private async Task<TimeSpan> TryStayAsync(PurgeTrack track, CancellationToken cancellationToken)
    {
        LineConnection? connection = await Speaking2.TryDialAsync(
            dialer, options.IndexHost, options.IndexPort, time, options.Self, cancellationToken).ConfigureAwait(false);
        // One that closes may only be on its way down: it is asked twice.
        if (connection is null && _doubts++ < 1) throw new IOException("it closes, is silent or speaks version 1");
        if (connection is null) return Refused("speaks version 1");
        _doubts = 0;
        await using (connection.ConfigureAwait(false))
        {
            while (true)
            {
                List<Purge> purges = [];
                (PurgesLine end, string? refusal) =
                    await AskAsync(connection, purges, cancellationToken).ConfigureAwait(false);
                if (refusal is not null) return Refused($"says {refusal}");
                Say(LogLevel.Information, "is asked for purges");
                track.Begin(end.Epoch, end.Number);
                if (purges.Count > 0)
                {
                    _isApplying = true;
                    _isDurable &= await Task.Run(() => target.Apply(purges), cancellationToken).ConfigureAwait(false);
                    _isApplying = false;
                    LogApplied(purges.Count, end.Number);
                }
                position.Move(end.Epoch, end.Number, _isDurable);
                track.Reach(end.Epoch, end.Number);
                CatchUp();
            }
        }
    }

    // One that does not know purges has none.
    private TimeSpan Refused(string why)
    {
        Say(LogLevel.Warning, $"tells of no purges: it {why}");
        CatchUp();
        return RefusedPause;
    }

    private void CatchUp()
    {
        if (Interlocked.Exchange(ref _isCaughtUp, 1) == 0) caughtUp();
    }

    private async Task<(PurgesLine End, string? Refusal)> AskAsync(
        LineConnection connection, List<Purge> purges, CancellationToken cancellationToken)
    {
        ArrayBufferWriter<byte> question = new();
        question.WriteText($"PURGES {options.Id} ");
        Nonces.Write(question, position.Epoch);
        question.WriteText($" {position.Number}\n");
        using CancellationTokenSource late = new(AnswerTime, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            await connection.SendAsync(question.WrittenMemory, either.Token).ConfigureAwait(false);
            while (purges.Count < MostLines)
            {
                ReadOnlyMemory<byte>? answer = await connection.ReadLineAsync(either.Token).ConfigureAwait(false);
                if (answer is not { } line) throw new IOException("it closed the connection");
                if (line.Span.StartsWith("ERROR "u8)) return (default, Encoding.UTF8.GetString(line.Span[6..]));
                if (!PurgesLine.TryParse(line.Span, out PurgesLine message))
                {
                    // Of what cannot be read nobody knows what it would purge.
                    throw new InvalidDataException($"it said '{Encoding.UTF8.GetString(line.Span)}'");
                }
                if (message.Purge is null) return (message, null);
                purges.Add(message.Purge);
            }
            throw new InvalidDataException($"it told more than {MostLines} purges at once");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"it did not answer within {AnswerTime.TotalSeconds} s");
        }
    }

    // The same once, however often it is found again.
    private void Say(LogLevel level, string what)
    {
        if (_said == what) return;
        _said = what;
        LogNews(level, options.IndexHost, options.IndexPort, what);
    }

    [LoggerMessage(4081, LogLevel.Information, "applied {Count} purges, up to {Number}")]
    private partial void LogApplied(int count, long number);

    [LoggerMessage(EventId = 4082, Message = "the index at {Host}:{Port} {What}")]
    private partial void LogNews(LogLevel level, string host, int port, string what);
}
