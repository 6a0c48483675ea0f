using MicroCdn.Network;
using MicroCdn.Protocol;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Monitor;

/// <summary>Finds out which version one index speaks, and tells it in that version what happens.</summary>
/// <remarks>An index that subscribes, or that could not be reached, is greeted anew: it may have been replaced by one
/// of the other version.</remarks>
internal sealed partial class IndexContact(IndexAddress index, Identity self, Watch watch, Links links,
    IDialer dialer, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);
    // One that was there on a standing connection is back soon, mostly.
    private static readonly TimeSpan PauseAfterLink = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPauseAfterLink = TimeSpan.FromSeconds(2);

    private readonly Signal _signal = new(time);
    private volatile bool _subscribed;
    private bool _expected;
    private bool _isDoubled;
    private string? _saidLost;

    /// <summary>The index that is told.</summary>
    public IndexAddress Index => index;

    /// <summary>Something is to be told.</summary>
    public void Wake() => _signal.Raise();

    /// <summary>The index asked to be told, maybe because it was started again.</summary>
    public void Subscribe()
    {
        _subscribed = true;
        _signal.Raise();
    }

    /// <summary>Tells until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        IndexNotifier notifier = new(index, self, watch, dialer, time, _signal, logger);
        TimeSpan pause = FirstPause, longest = LongestPause;
        while (true)
        {
            _subscribed = false;
            LineConnection? connection;
            try
            {
                connection = await Speaking2.TryDialAsync(dialer, index.Host, index.Port, time, self,
                    cancellationToken)
                    .ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is IOException or InvalidDataException)
            {
                // Not there yet: the order in which the four roles start does not matter. One that is there and
                // proves nothing is another matter.
                if (exception is NotAuthenticatedException) Lose(exception.Message);
                // News wakes it early, but however much there is, it dials ten times a second at most.
                await Task.Delay(PauseAfterLink, time, cancellationToken).ConfigureAwait(false);
                await _signal.WaitAsync(pause, cancellationToken).ConfigureAwait(false);
                pause = pause * 2 < longest ? pause * 2 : longest;
                continue;
            }
            long began = time.GetTimestamp();
            while (connection is null || !await TellAsync(connection, cancellationToken).ConfigureAwait(false))
            {
                // Version 1, until it has to be asked again. A connection that comes back speaks version 2.
                connection = await notifier.RunAsync(() => _subscribed, cancellationToken).ConfigureAwait(false);
                if (connection is null) break;
            }
            if (connection is null)
            {
                (pause, longest) = (FirstPause, LongestPause);
                continue;
            }
            if (_isDoubled)
            {
                await Task.Delay(LongestPause, time, cancellationToken).ConfigureAwait(false);
                continue;
            }
            bool stayed = time.GetElapsedTime(began) > LongestPauseAfterLink;
            pause = stayed || pause > LongestPauseAfterLink / 2 ? PauseAfterLink : pause * 2;
            longest = LongestPauseAfterLink;
            await Task.Delay(pause, time, cancellationToken).ConfigureAwait(false);
        }
    }

    private void Linked(int expected)
    {
        _expected = true;
        _saidLost = null;
        LogLinked(index);
        if (expected > 0) LogExpected(expected, index);
    }

    // False when the index knows no monitors of version 2.
    private async Task<bool> TellAsync(LineConnection connection, CancellationToken cancellationToken)
    {
        await using (connection.ConfigureAwait(false))
        {
            _isDoubled = !links.TryTake(connection.Remote, index.Port);
            if (_isDoubled) return true;
            try
            {
                IndexLink link = new(connection, self.Id.Value, watch, time, _signal);
                string reason = await link.RunAsync(expects: !_expected, Linked, cancellationToken)
                    .ConfigureAwait(false);
                if (link.IsTooOld) return false;
                Lose(reason);
                return true;
            }
            finally
            {
                links.GiveBack(connection.Remote, index.Port);
            }
        }
    }

    private void Lose(string reason)
    {
        if (_saidLost != reason) LogLost(index, reason);
        _saidLost = reason;
    }

    [LoggerMessage(3015, LogLevel.Information, "the index at {Index} is told everything on a standing connection")]
    private partial void LogLinked(IndexAddress index);

    [LoggerMessage(3013, LogLevel.Information, "expecting {Count} servers that the index at {Index} knows")]
    private partial void LogExpected(int count, IndexAddress index);

    [LoggerMessage(3016, LogLevel.Warning, "the connection to the index at {Index} ended, making it again: {Reason}")]
    private partial void LogLost(IndexAddress index, string reason);
}
