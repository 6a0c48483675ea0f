using System.Buffers;
using MicroCdn.Network;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Origin;

/// <summary>One origin, and how it is asked: strictly, within limits, and not at all while it is down.</summary>
/// <remarks>No thread waits for it; whatever it says is believed only as far as it can be checked. Redirects are passed
/// on, nothing is decompressed, no cookie is kept, and the environment's proxies do not count.</remarks>
public sealed partial class OriginServer : IDisposable
{
    private readonly OriginOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ConnectionPool _pool;
    private readonly RequestHead _heads;
    private readonly CircuitBreaker _breaker = new();
    private readonly Lock _breakerLock = new();
    private long _answeredAt = long.MinValue;

    /// <summary>Asks nobody yet.</summary>
    public OriginServer(OriginOptions options, IStreamDialer dialer, TimeProvider time, ILogger logger)
    {
        (_options, _time, _logger) = (options, time, logger);
        _pool = new ConnectionPool(new Dialing(dialer, options, time), options, Counters, time);
        _heads = new RequestHead(options.Address);
    }

    /// <summary>Where it is.</summary>
    public OriginAddress Address => _options.Address;

    /// <summary>What was asked of it so far.</summary>
    public OriginCounters Counters { get; } = new();

    /// <summary>True while it is left alone, because it failed too often.</summary>
    public bool IsLeftAlone
    {
        get
        {
            lock (_breakerLock) return _breaker.IsOpen;
        }
    }

    /// <summary>Connections that are open now.</summary>
    public int Connections => _pool.Open;

    /// <summary>Connections that wait for a request.</summary>
    public int IdleConnections => _pool.Idle;

    /// <summary>Sends a request and reads the head of its answer.</summary>
    /// <exception cref="OriginException">It failed.</exception>
    /// <exception cref="ArgumentException">The request cannot be written down as HTTP/1.1.</exception>
    public async ValueTask<OriginExchange> SendAsync(OriginRequest request, CancellationToken cancellationToken)
    {
        ArrayBufferWriter<byte> head = new(512);
        _heads.Write(request, head);
        Counters.Asked();
        bool isTrial = Enter();
        bool isDecided = false;
        long askedAt = Now, began = _time.GetTimestamp();
        try
        {
            OriginExchange exchange = await TryTwiceAsync(request, head.WrittenMemory, cancellationToken)
                .ConfigureAwait(false);
            isDecided = true;
            Counters.Answered(_time.GetElapsedTime(began));
            Succeeded();
            return exchange;
        }
        catch (OriginException exception)
        {
            Counters.Failed(exception.Failure);
            isDecided = exception.Failure.IsOutage && !IsAlone(exception.Failure, askedAt);
            if (isDecided) Failed(isTrial, exception.Message);
            throw;
        }
        finally
        {
            if (!isDecided) lock (_breakerLock) _breaker.GaveUp(isTrial);
        }
    }

    /// <summary>Closes its idle connections; answers under way go on.</summary>
    public void Dispose() => _pool.Dispose();

    // RFC 9112, section 9.3.1: a connection may end while a request is on its way, and only what does no harm twice is
    // asked again. What may not be asked again never rides on a connection that may be at its end.
    private async ValueTask<OriginExchange> TryTwiceAsync(
        OriginRequest request, ReadOnlyMemory<byte> head, CancellationToken cancellationToken)
    {
        for (bool fresh = !request.IsRepeatable; ; fresh = true)
        {
            Connection connection = await _pool.TakeAsync(fresh, cancellationToken).ConfigureAwait(false);
            try
            {
                return await AskAsync(connection, request, head, cancellationToken).ConfigureAwait(false);
            }
            catch (OriginException exception) when (exception.Failure == OriginFailure.Closed
                && connection is { Requests: > 1, HasHeard: false } && !fresh)
            {
                _pool.Return(connection, isSound: false);
                Counters.AskedAgain();
            }
            catch
            {
                _pool.Return(connection, isSound: false);
                throw;
            }
        }
    }

    private async ValueTask<OriginExchange> AskAsync(
        Connection connection, OriginRequest request, ReadOnlyMemory<byte> head, CancellationToken cancellationToken)
    {
        connection.BeginRequest();
        Task sending = Task.CompletedTask;
        try
        {
            await connection.WriteAsync(head, cancellationToken).ConfigureAwait(false);
            if (request.Body is { } body) sending = Sent(connection, body, cancellationToken);
        }
        catch (IOException exception) when (exception is not OriginException)
        {
            throw Closed(connection, exception);
        }
        HeadReading reading = new(connection, Address, request.IsHead);
        for (int count = 0; count <= OriginLimits.InterimHeads; count++)
        {
            ResponseHead answer;
            try
            {
                answer = await reading.ReadAsync(sending, cancellationToken).ConfigureAwait(false);
            }
            catch (IOException exception) when (exception is not OriginException)
            {
                throw Closed(connection, exception);
            }
            if (!answer.IsInterim)
            {
                connection.EndHead();
                return new OriginExchange(connection, answer, _pool, Counters, Address, sending);
            }
            connection.ExpectHead();
            if (answer.Status != 100) request.Informational?.Invoke(answer.Status, answer.Fields);
        }
        throw new OriginException(OriginFailure.Malformed,
            $"{Address} sent more than {OriginLimits.InterimHeads} interim heads.");
    }

    // Its failure shows in the answer, or in that there is none.
    private static Task Sent(Connection connection, OriginBody body, CancellationToken cancellationToken)
    {
        Task sending = BodySending.SendAsync(connection, body, cancellationToken);
        _ = sending.ContinueWith(static task => _ = task.Exception, CancellationToken.None,
            TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        return sending;
    }

    private OriginException Closed(Connection connection, Exception inner) => new(OriginFailure.Closed,
        $"{Address} at {connection.Address} closed the connection before its answer was there.", inner);

    private long Now => (long)_time.GetElapsedTime(0).TotalMilliseconds;

    // One page that takes for ever is no outage of an origin that answered others meanwhile.
    private bool IsAlone(OriginFailure failure, long askedAt)
    {
        if (failure != OriginFailure.NoAnswer) return false;
        lock (_breakerLock) return _answeredAt >= askedAt;
    }

    private bool Enter()
    {
        bool enters, isTrial;
        lock (_breakerLock) enters = _breaker.TryEnter(Now, out isTrial);
        if (enters) return isTrial;
        Counters.Failed(OriginFailure.Open);
        throw new OriginException(OriginFailure.Open, $"{Address} failed too often and is left alone for a while.");
    }

    private void Succeeded()
    {
        bool wasOpen;
        lock (_breakerLock)
        {
            wasOpen = _breaker.IsOpen;
            _breaker.Succeeded(_answeredAt = Now);
        }
        if (wasOpen) LogBack(Address);
    }

    private void Failed(bool isTrial, string why)
    {
        bool opens;
        lock (_breakerLock)
        {
            bool wasOpen = _breaker.IsOpen;
            _breaker.Failed(Now, isTrial);
            opens = _breaker.IsOpen && !wasOpen;
        }
        if (opens) LogDown(Address, why);
    }

    [LoggerMessage(1201, LogLevel.Warning, "origin {Origin} is left alone for a while: {Why}")]
    private partial void LogDown(OriginAddress origin, string why);

    [LoggerMessage(1202, LogLevel.Information, "origin {Origin} answers again")]
    private partial void LogBack(OriginAddress origin);
}
