using MicroCdn.Network;
using MicroCdn.Protocol;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Index;

/// <summary>Takes purges from operators, hands them to the content servers that ask for them, and hands their receipts
/// back.</summary>
/// <remarks>
/// A content server asks for what came after the last purge that it applied, and the question is held until there is
/// something: so it hears of a purge at once, and its next question is the receipt. Nothing is sent to anybody who did
/// not ask, and nothing is lost with a connection: the number says where to go on.
/// </remarks>
internal sealed partial class PurgeDesk(PurgeLog log, Fleet fleet, TimeProvider time, ILogger logger)
{
    /// <summary>How long an operator waits for receipts, and for servers that were lost a moment ago.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>How long a question is held, so that both sides notice when the other is gone.</summary>
    public static readonly TimeSpan HoldTime = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    // Each waits for a disk and for the slowest of its servers.
    private const int MostRounds = 64;

    private readonly Lock _lock = new();
    private readonly List<PurgeRound> _rounds = [];
    private readonly Dictionary<ServerId, Follower> _followers = log.Servers.ToDictionary(
        id => id, id => new Follower(id) { LostAt = time.GetTimestamp() });

    /// <summary>How long servers took from a PURGE to its receipt.</summary>
    public Durations Times { get; } = new(0.01, 0.05, 0.25, 1, 5);

    /// <summary>Takes PURGE from an operator.</summary>
    public WireError? HandlePurge(Words words, Answer answer)
    {
        if (Purge.Read(words) is not { } purge) return WireErrors.Malformed;
        LongAnswer receipts = new(answer);
        PurgeRound round = new(receipts, time.GetTimestamp());
        lock (_lock)
        {
            if (_rounds.Count >= MostRounds) return WireErrors.LimitReached;
            _rounds.Add(round);
        }
        answer.SendList(receipts);
        // The disk is waited for off the loop's thread.
        _ = Task.Run(() => Begin(purge, round));
        return null;
    }

    /// <summary>Takes PURGES from a content server.</summary>
    /// <param name="visit">The connection, as this server's.</param>
    /// <param name="question">What it said.</param>
    /// <param name="answer">Where it is answered, now or later.</param>
    public WireError? HandlePurges(PurgeVisit visit, PurgesQuestion question, Answer answer)
    {
        PurgesLine[] lines;
        bool isHeld;
        lock (_lock)
        {
            Follower? follower = _followers.GetValueOrDefault(visit.Server);
            if (follower is null && _followers.Count >= Limits.Servers) return WireErrors.LimitReached;
            follower ??= _followers[visit.Server] = new Follower(visit.Server);
            follower.Visit = visit;
            lines = log.Since(question.Epoch, question.Number);
            bool isOurs = question.Epoch == log.Epoch && question.Number <= log.Latest;
            follower.Applied = isOurs ? question.Number : 0;
            isHeld = isOurs && lines.Length == 1;
            if (isHeld)
            {
                (visit.Held, visit.HeldSince) = (answer, time.GetTimestamp());
                answer.Later();
            }
            Settle();
        }
        if (!isHeld) answer.SendList(new PurgesLines(lines));
        if (!visit.IsNoted) Note(visit);
        return null;
    }

    /// <summary>The connection of a content server ended.</summary>
    public void End(PurgeVisit visit)
    {
        lock (_lock)
        {
            visit.Held = null;
            if (_followers.TryGetValue(visit.Server, out Follower? follower) && follower.Visit == visit)
            {
                (follower.Visit, follower.LostAt) = (null, time.GetTimestamp());
            }
            Settle();
        }
    }

    /// <summary>Ends rounds and questions that were held for long enough, until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await Task.Delay(Tick, time, cancellationToken).ConfigureAwait(false);
            lock (_lock)
            {
                Settle();
                foreach (Follower follower in _followers.Values)
                {
                    if (follower.Visit is null && time.GetElapsedTime(follower.LostAt) >= PurgeLog.Memory)
                    {
                        _followers.Remove(follower.Id);
                    }
                    else if (follower.Visit is { Held: not null } visit
                        && time.GetElapsedTime(visit.HeldSince) >= HoldTime) Release(visit, follower);
                }
            }
        }
    }

    private void Begin(Purge purge, PurgeRound round)
    {
        long number;
        try
        {
            number = log.Add(purge);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            LogRefused(purge, exception.Message);
            lock (_lock) _rounds.Remove(round);
            round.Receipts.Say(WireErrors.Unavailable.Line.Span);
            round.Receipts.End();
            return;
        }
        LogPurge(number, purge.IsSoft ? "soft" : "hard", purge);
        lock (_lock)
        {
            round.Begin(number, _followers.Values);
            foreach (Follower follower in _followers.Values)
            {
                if (follower.Visit is { Held: not null } visit) Release(visit, follower);
            }
            Settle();
        }
    }

    private void Release(PurgeVisit visit, Follower follower)
    {
        Answer answer = visit.Held!;
        visit.Held = null;
        PurgesLine[] lines = log.Since(log.Epoch, follower.Applied);
        answer.Complete(later => later.SendList(new PurgesLines(lines)));
    }

    private void Settle() => _rounds.RemoveAll(round => round.Number > 0 && round.Settle(time, IsServing, Times));

    // True for one that may serve clients now, although it is not here.
    private bool IsServing(Follower follower) => follower.Visit is not null
        || fleet.Find(follower.Id) is { State: < ServerState.Draining, Contact: not null };

    private void Note(PurgeVisit visit)
    {
        visit.IsNoted = true;
        _ = Task.Run(() =>
        {
            try
            {
                log.Note(visit.Server);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                LogNotNoted(visit.Server, exception.Message);
            }
        });
    }

    [LoggerMessage(2040, LogLevel.Information, "purge {Number} ({Hardness}): {Purge}")]
    private partial void LogPurge(long number, string hardness, Purge purge);

    [LoggerMessage(2041, LogLevel.Error, "the purge of {Purge} is refused, since it cannot be written down: {Reason}")]
    private partial void LogRefused(Purge purge, string reason);

    [LoggerMessage(2042, LogLevel.Warning, "that {Id} asks for purges is not remembered over a restart: {Reason}")]
    private partial void LogNotNoted(ServerId id, string reason);
}

/// <summary>A content server that asks for purges, whether it is here or away.</summary>
internal sealed class Follower(ServerId id)
{
    public ServerId Id => id;

    /// <summary>The last purge of this epoch that it applied; 0 when it said none.</summary>
    public long Applied { get; set; }

    /// <summary>The connection on which it asks; null while it is away.</summary>
    public PurgeVisit? Visit { get; set; }

    /// <summary>Since when it is away.</summary>
    public long LostAt { get; set; }
}

/// <summary>One connection on which a content server asks for purges.</summary>
internal sealed class PurgeVisit(ServerId server)
{
    public ServerId Server => server;

    /// <summary>True once the server is written down.</summary>
    public bool IsNoted { get; set; }

    /// <summary>The answer that is held; null when it is given.</summary>
    public Answer? Held { get; set; }

    /// <summary>Since when.</summary>
    public long HeldSince { get; set; }
}
