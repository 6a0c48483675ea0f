using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace MicroCdn.Records.Redis;

/// <summary>The answer to a claim to be the writer.</summary>
/// <param name="Lease">What was got; null when another one is the writer.</param>
/// <param name="Holder">The address of that one; empty when the lease was got.</param>
public readonly record struct WriterClaim(WriterLease? Lease, string Holder);

/// <summary>The right to write, for as long as nobody else took it.</summary>
/// <remarks>It lasts 5 s and is renewed every 1.5 s, and every 500 ms while Redis is away; disposing it gives it back.
/// While Redis is away it is neither lost nor taken, and for 2 s more nobody else takes it. It is a courtesy: what
/// keeps two writers apart is the token, which each commit names, and which is another one's once somebody has taken
/// over.</remarks>
public sealed partial class WriterLease : IWriterLease
{
    /// <summary>How long a writer that fell silent keeps others from taking over.</summary>
    public static readonly TimeSpan Length = IWriterLease.Length;

    /// <summary>How long a writer has to go on when Redis was away, before others may take over.</summary>
    internal static readonly TimeSpan Courtesy = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(1.5), PaceWhileAway = TimeSpan.FromMilliseconds(500);

    private readonly RedisLink _link;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _over = new();
    private readonly TaskCompletionSource<string> _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _renewing;
    private readonly TimeProvider _time;
    private int _isDisposed;

    internal WriterLease(RedisLink link, string token, long epoch, long last, TimeProvider time, ILogger logger)
    {
        (_link, Token, Epoch, LastNumber, _logger) = (link, token, epoch, last, logger);
        (_time, Renewed) = (time, time.GetTimestamp());
        _renewing = RenewAsync(time);
    }

    /// <summary>Which writer this is: the next one has a greater number.</summary>
    public long Epoch { get; }

    /// <summary>The last change of the writers before. Who has followed up to it may commit the next.</summary>
    public long LastNumber { get; }

    /// <summary>Ends when another process took over, with its address; never by itself otherwise.</summary>
    public Task<string> Lost => _lost.Task;

    internal string Token { get; }

    /// <summary>When Redis answered last.</summary>
    internal long Renewed { get; private set; }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0) return;
        await _over.CancelAsync().ConfigureAwait(false);
        await _renewing.ConfigureAwait(false);
        _over.Dispose();
        if (_lost.Task.IsCompleted) return;
        try
        {
            await _link.AskOnceAsync(database => database.ScriptEvaluateAsync(RedisScripts.Release,
                [_link.Keys.Writer, _link.Keys.Lease], [Token], CommandFlags.DemandMaster), CancellationToken.None)
                .ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is RedisAwayException or RecordStoreException)
        {
            LogNotReleased(exception.Message);
        }
    }

    internal void Lose(string holder)
    {
        if (_lost.TrySetResult(holder)) LogLost(holder);
    }

    private async Task RenewAsync(TimeProvider time)
    {
        using PeriodicTimer timer = new(Pace, time);
        try
        {
            while (await timer.WaitForNextTickAsync(_over.Token).ConfigureAwait(false))
            {
                if (await RenewOnceAsync().ConfigureAwait(false) is not { } isThere) return;
                timer.Period = isThere ? Pace : PaceWhileAway;
            }
        }
        catch (OperationCanceledException)
        {
            // Given back.
        }
    }

    // Whether Redis is there; null when the lease is lost.
    private async Task<bool?> RenewOnceAsync()
    {
        // It runs from when Redis was asked, however late the answer comes.
        long asked = _time.GetTimestamp();
        try
        {
            RedisResult renewed = await _link.AskOnceAsync(database => database.ScriptEvaluateAsync(RedisScripts.Renew,
                [_link.Keys.Writer, _link.Keys.Lease], [Token, (long)Length.TotalMilliseconds],
                CommandFlags.DemandMaster), _over.Token).ConfigureAwait(false);
            RedisResult[] answer = (RedisResult[])renewed!;
            Renewed = asked;
            if ((string?)answer[0] == "ok") return true;
            Lose((string)answer[1]!);
            return null;
        }
        catch (RedisAwayException)
        {
            // The link has said so.
            return false;
        }
        catch (RecordStoreException exception)
        {
            LogNotRenewed(exception.Message);
            return true;
        }
    }

    [LoggerMessage(LogLevel.Warning, "this index is not the writer any more, {Holder} is")]
    private partial void LogLost(string holder);

    [LoggerMessage(LogLevel.Warning, "the writer's lease was not renewed: {Reason}")]
    private partial void LogNotRenewed(string reason);

    [LoggerMessage(LogLevel.Information, "the writer's lease runs out by itself: {Reason}")]
    private partial void LogNotReleased(string reason);
}
