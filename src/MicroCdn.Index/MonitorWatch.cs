using System.Net;
using System.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Index;

/// <summary>Asks one monitor every second who is alive and how loaded, so that no client's request ever has
/// to.</summary>
/// <remarks>
/// While a server is dead the question comes four times a second: version 1 has no word for "it is back", and a server
/// that returns is to get clients again within a second of its first heartbeat. Of a monitor that speaks version 2 on a
/// connection of its own, only the loads count here (<see cref="Jury.Present"/>); it is asked once who it is, since it
/// may speak from another address.
/// </remarks>
internal sealed partial class MonitorWatch(IndexOptions options, MonitorAddress monitor, Fleet fleet, IDialer dialer,
    TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan WhileSomeoneIsDead = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan SubscribeTime = TimeSpan.FromSeconds(1);

    // As long as anyone remembers which version a peer speaks.
    private static readonly TimeSpan Memory = TimeSpan.FromMinutes(10);

    private readonly Juror _juror = new($"{monitor.Host}:{monitor.Port}", isVersion1: true);
    private LineConnection? _connection;
    private int _answers;
    private bool _subscribed;
    private long? _askedWhoAt;
    private bool _saidUnreachable;

    /// <summary>Asks until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        fleet.Seat(_juror);
        try
        {
            while (true)
            {
                await AskAsync(cancellationToken).ConfigureAwait(false);
                await AskWhoAsync(cancellationToken).ConfigureAwait(false);
                TimeSpan pause = fleet.SomeoneIsDead ? WhileSomeoneIsDead : Interval;
                await Task.Delay(pause, time, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            await HangUpAsync().ConfigureAwait(false);
        }
    }

    private async Task AskAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenSource late = new(AnswerTime, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            // A peer that closes after each answer is only noticed when the next question fails: ask once more, anew.
            if (_connection is not null
                && await TryAskAsync(_connection, either.Token).ConfigureAwait(false) is null) return;
            // One that kept the connection open and then closed it was restarted, and has forgotten us.
            if (_answers > 1) (_subscribed, _askedWhoAt) = (false, null);
            await HangUpAsync().ConfigureAwait(false);
            _connection = await DialAsync(either.Token).ConfigureAwait(false);
            if (await TryAskAsync(_connection, either.Token).ConfigureAwait(false) is { } failure)
            {
                await FailAsync(failure).ConfigureAwait(false);
            }
        }
        catch (IOException exception)
        {
            await FailAsync(exception.Message).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            await FailAsync("no answer within 2 s").ConfigureAwait(false);
        }
    }

    // Null when all went well, else what did not.
    private async Task<string?> TryAskAsync(LineConnection connection, CancellationToken cancellationToken)
    {
        try
        {
            long askedAt = time.GetTimestamp();
            List<ServerRow>? rows = await ListServersAsync(connection, cancellationToken).ConfigureAwait(false);
            if (rows is null) return "it closed the connection instead of answering";
            _answers++;
            _juror.Address = WireAddress.Plain(connection.Remote);
            fleet.Hear(_juror, rows, askedAt);
            if (_saidUnreachable) LogReached(monitor.Host, monitor.Port);
            _saidUnreachable = false;
            await SubscribeAsync(connection, cancellationToken).ConfigureAwait(false);
            return null;
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            return exception.Message;
        }
    }

    // Null when the monitor closed before the end of its list.
    private static async Task<List<ServerRow>?> ListServersAsync(
        LineConnection connection, CancellationToken cancellationToken)
    {
        await connection.SendAsync("LIST_SERVERS\n"u8.ToArray(), cancellationToken).ConfigureAwait(false);
        List<ServerRow> rows = [];
        while (await connection.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line)
        {
            if (line.Span.SequenceEqual("END"u8)) return rows;
            if (ServerRow.TryParse(line.Span, out ServerRow? row)) rows.Add(row!);
            if (rows.Count > Limits.Servers) throw new InvalidDataException("the monitor lists too many servers");
        }
        return null;
    }

    // Asks to be told of failures at once; once for each time the monitor comes within reach or was restarted.
    private async Task SubscribeAsync(LineConnection known, CancellationToken cancellationToken)
    {
        if (_subscribed) return;
        _subscribed = true;
        await using LineConnection connection = await DialAsync(cancellationToken).ConfigureAwait(false);
        // Where we listen; on all addresses, the one that this monitor is reached from.
        bool listensOnAll = options.Bind.Equals(IPAddress.Any) || options.Bind.Equals(IPAddress.IPv6Any);
        IPAddress own = listensOnAll ? known.Local : options.Bind;
        string line = $"REGISTER_INDEX {WireAddress.Format(own)} {options.Port}\n";
        await connection.SendAsync(Encoding.UTF8.GetBytes(line), cancellationToken).ConfigureAwait(false);
        using CancellationTokenSource late = new(SubscribeTime, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            await connection.ReadLineAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Not every version 1 monitor knows the word, and some say nothing to an unknown one; its list tells us the
            // same a little later.
        }
    }

    // Behind a port forward, or with two addresses, it speaks to us from elsewhere than it is asked at, and would have
    // two votes. Only where some monitor speaks version 2: those of version 1 hear no word that they do not know.
    private async Task AskWhoAsync(CancellationToken cancellationToken)
    {
        bool isKnown = _askedWhoAt is { } at && time.GetElapsedTime(at) < Memory;
        if (_connection is null || isKnown || !fleet.MayBeHeardTwice(_juror)) return;
        _askedWhoAt = time.GetTimestamp();
        using CancellationTokenSource late = new(SubscribeTime, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            await using LineConnection? connection = await Speaking2.TryDialAsync(
                dialer, monitor.Host, monitor.Port, time, options.Self, either.Token).ConfigureAwait(false);
            if (connection is null) return;
            await connection.SendAsync("MONITOR\n"u8.ToArray(), either.Token).ConfigureAwait(false);
            if (await connection.ReadLineAsync(either.Token).ConfigureAwait(false) is not { } line) return;
            Words words = new(line.Span);
            bool isTold = words.Next(out ReadOnlySpan<byte> verb) && verb.SequenceEqual("MONITOR"u8);
            fleet.Recognize(_juror, isTold && OneId.TryParse(words, out ServerId id) ? id.Value : null);
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            // It is asked again when it was restarted, and after a while.
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Some of version 1 say nothing to an unknown word.
        }
    }

    // With keys its word counts only when it is proved to be a monitor of ours.
    private Task<LineConnection> DialAsync(CancellationToken cancellationToken) =>
        Speaking2.DialAsync(dialer, monitor.Host, monitor.Port, time, options.Self, cancellationToken);

    private async Task FailAsync(string reason)
    {
        await HangUpAsync().ConfigureAwait(false);
        (_subscribed, _askedWhoAt) = (false, null);
        fleet.Lose(_juror);
        if (!_saidUnreachable) LogUnreachable(monitor.Host, monitor.Port, reason);
        _saidUnreachable = true;
    }

    private async Task HangUpAsync()
    {
        if (_connection is not null) await _connection.DisposeAsync().ConfigureAwait(false);
        (_connection, _answers) = (null, 0);
    }

    [LoggerMessage(2011, LogLevel.Warning,
        "the monitor at {Host}:{Port} is not reached, routing goes on with what is known: {Reason}")]
    private partial void LogUnreachable(string host, int port, string reason);

    [LoggerMessage(2012, LogLevel.Information, "the monitor at {Host}:{Port} is reached again")]
    private partial void LogReached(string host, int port);
}
