using MicroCdn.Gateway.Api.Models;
using MicroCdn.Index.Events;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Gateway.Notify;

/// <summary>Tells one target, one try after the other.</summary>
internal sealed partial class NotifyLoop(
    INotifyTarget target, EventLog events, string index, Func<bool> leads, TimeProvider time, ILogger logger)
{
    // An index that becomes the writer is not woken by that.
    private static readonly TimeSpan LookTime = TimeSpan.FromSeconds(5);

    private readonly NoticeQueue _queue = new(events, time);
    private readonly Bell _bell = new(time);
    private volatile NotifyTargetView _status = new(target.Name, null, null, null, 0, 0, 0, 0);
    private int _failures;
    private long _failed;

    /// <summary>How it went so far.</summary>
    public NotifyTargetView Status => _status;

    /// <summary>Something may be to tell; from any thread, and it does not wait.</summary>
    public void Wake() => _bell.Ring();

    /// <summary>Runs until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            IReadOnlyList<FleetEvent> batch = _queue.Take(leads(), target.MostTogether);
            if (batch.Count == 0)
            {
                Show(_status);
                await _bell.WaitAsync(LookTime, cancellationToken).ConfigureAwait(false);
                continue;
            }
            string? trouble = await TellAsync(batch, cancellationToken).ConfigureAwait(false);
            Note(batch, trouble);
            if (trouble is not null) await PauseAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<string?> TellAsync(IReadOnlyList<FleetEvent> batch, CancellationToken cancellationToken)
    {
        try
        {
            return await target.TellAsync(batch, NoticeJson.Write(batch, index), cancellationToken)
                .ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not OperationCanceledException
            || !cancellationToken.IsCancellationRequested)
        {
            // A target that breaks must not end the index.
            return exception.Message;
        }
    }

    private void Note(IReadOnlyList<FleetEvent> batch, string? trouble)
    {
        NotifyTargetView status = _status with
        {
            Trouble = trouble,
            Tests = _status.Tests + (batch.Any(one => one.Kind == EventKind.Test) ? 1 : 0),
        };
        DateTimeOffset now = time.GetUtcNow();
        if (trouble is not null)
        {
            if (_failures++ == 0) LogFails(target.Name, trouble);
            _queue.ForgetTest();
            _failed = time.GetTimestamp();
            Show(status with { LastFailure = now });
            return;
        }
        _queue.Told(batch);
        if (_failures > 0) LogWorks(target.Name, _queue.GivenUp);
        _failures = 0;
        Show(status with { LastSuccess = now, Told = status.Told + batch.Count });
    }

    private void Show(NotifyTargetView status) =>
        _status = status with { GivenUp = _queue.GivenUp, Waiting = _queue.Waiting };

    // Who tries whether they are told does not wait for five minutes.
    private async Task PauseAsync(CancellationToken cancellationToken)
    {
        TimeSpan pause = Backoff.After(_failures);
        while (pause - time.GetElapsedTime(_failed) is { Ticks: > 0 } left && !_queue.FindTest())
        {
            await _bell.WaitAsync(left, cancellationToken).ConfigureAwait(false);
        }
    }

    [LoggerMessage(5170, LogLevel.Warning, "{Target} cannot be told what happens, trying on: {Trouble}")]
    private partial void LogFails(string target, string trouble);

    [LoggerMessage(5171, LogLevel.Information,
        "{Target} is told what happens again; given up since the start: {GivenUp} events")]
    private partial void LogWorks(string target, long givenUp);
}
