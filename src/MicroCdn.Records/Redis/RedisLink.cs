using System.Net;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace MicroCdn.Records.Redis;

/// <summary>The way to the one Redis that is the master now: it asks again while that is away, and says so.</summary>
/// <remarks>Everything goes over one connection. Whatever is asked here may be asked twice: see
/// <see cref="RedisScripts"/>.</remarks>
internal sealed partial class RedisLink : IAsyncDisposable
{
    // Longer than a Sentinel needs to promote a replica (it waits 3 s, votes and switches within 2).
    private static readonly TimeSpan StandardPatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200), AskSentinels = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan AskWhileWaiting = TimeSpan.FromMilliseconds(500);

    // A replica that hangs costs each commit so much; one that is gone costs nothing.
    private const int WaitMilliseconds = 200;
    private const int MostChangesOfConnection = 4;

    private readonly SemaphoreSlim _gate = new(1);
    private readonly RedisCredentials _credentials;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Sentinels? _sentinels;
    private ConnectionMultiplexer? _multiplexer;
    private EndPoint? _master;
    private string _connection = "";
    private long _askedAt, _awayAt;
    private bool _isAway, _isDoubted;

    public RedisLink(RedisAddress address, RedisCredentials credentials, TimeProvider time, ILogger logger)
    {
        (Address, _credentials, _time, _logger) = (address, credentials, time, logger);
        Keys = new RedisKeys(address.Prefix);
        if (address.Sentinel is { } master) _sentinels = new Sentinels(master, () => Options(address.Hosts));
    }

    /// <summary>A change was written by somebody. One that is missed while Redis is away is not told later.</summary>
    public event Action? News;

    public RedisAddress Address { get; }

    public RedisKeys Keys { get; }

    /// <summary>Whether somebody answers who is no master.</summary>
    public bool IsReplica =>
        _multiplexer?.GetServers().Any(server => server is { IsConnected: true, IsReplica: true }) == true;

    /// <summary>With fewer replicas than this nothing is written.</summary>
    public int Wanted => Address.Replicas ?? 0;

    public bool HasPassword => _credentials.Password is not null;

    public TimeSpan Patience { get; init; } = StandardPatience;

    /// <summary>Whether somebody asked in vain so lately.</summary>
    public bool WasAway(TimeSpan within) =>
        Volatile.Read(ref _awayAt) is not 0 and var at && _time.GetElapsedTime(at) < within;

    /// <summary>Runs a script; returns what it answers, its word first.</summary>
    /// <exception cref="RecordStoreException">Redis stayed away, or refuses.</exception>
    public Task<RedisResult[]> RunAsync(
        string script, RedisKey[] keys, RedisValue[] values, CancellationToken cancellationToken) =>
        AskAsync(async database => Answer(await Evaluate(database, script, keys, values).ConfigureAwait(false)),
            cancellationToken);

    /// <summary>Runs a script that writes, and whose second answer is how many replicas there are; returns when as many
    /// as needed have what it wrote.</summary>
    /// <exception cref="RecordStoreException">Redis or its replicas stayed away, or it refuses.</exception>
    public Task<RedisResult[]> WriteAsync(
        string script, RedisKey[] keys, RedisValue[] values, CancellationToken cancellationToken) =>
        AskAsync(database => SettleAsync(database, script, keys, values), cancellationToken);

    /// <summary>Asks until there is an answer, or patience ends.</summary>
    /// <exception cref="RecordStoreException">Redis stayed away, or refuses.</exception>
    public async Task<T> AskAsync<T>(Func<IDatabase, Task<T>> ask, CancellationToken cancellationToken)
    {
        long began = _time.GetTimestamp();
        for (bool isSent = false; ;)
        {
            try
            {
                return await AskOnceAsync(ask, cancellationToken).ConfigureAwait(false);
            }
            catch (RedisAwayException away)
            {
                isSent |= away.IsSent;
                if (_time.GetElapsedTime(began) + Pause > Patience)
                {
                    string message = $"Redis at {Address}: {away.Message}";
                    throw new RecordStoreException(message, away) { IsUncertain = isSent, IsAway = true };
                }
            }
            catch (RecordStoreException refused) when (isSent)
            {
                // What is refused now may have been done before.
                throw new RecordStoreException(refused.Message, refused) { IsUncertain = true };
            }
            await Task.Delay(Pause, _time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Asks once.</summary>
    /// <exception cref="RedisAwayException">It is away.</exception>
    /// <exception cref="RecordStoreException">It refuses.</exception>
    public async Task<T> AskOnceAsync<T>(Func<IDatabase, Task<T>> ask, CancellationToken cancellationToken)
    {
        try
        {
            ConnectionMultiplexer multiplexer = await ConnectAsync(cancellationToken).ConfigureAwait(false);
            IDatabase database = multiplexer.GetDatabase(Address.Database);
            T answer = await UnlessReplacedAsync(ask(database), multiplexer, cancellationToken).ConfigureAwait(false);
            if (_isAway) LogBack(Address);
            _isAway = false;
            return answer;
        }
        catch (Exception exception) when (exception is RedisException or TimeoutException or RedisCommandException
            or ObjectDisposedException or RedisAwayException)
        {
            Exception said = await RedisFailures.ExplainAsync(exception, this).ConfigureAwait(false);
            if (said is not RedisAwayException) throw said;
            if (!_isAway) LogAway(Address, said.Message);
            (_isAway, _isDoubted) = (true, true);
            Volatile.Write(ref _awayAt, _time.GetTimestamp());
            throw said;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_multiplexer is { } multiplexer) await multiplexer.DisposeAsync().ConfigureAwait(false);
        if (_sentinels is not null) await _sentinels.DisposeAsync().ConfigureAwait(false);
        _gate.Dispose();
    }

    private static Task<RedisResult> Evaluate(
        IDatabase database, string script, RedisKey[] keys, RedisValue[] values) =>
        database.ScriptEvaluateAsync(script, keys, values, CommandFlags.DemandMaster);

    private RedisResult[] Answer(RedisResult result)
    {
        RedisResult[] answer = (RedisResult[])result!;
        return (string?)answer[0] != "foreign"
            ? answer
            : throw new RecordStoreException($"{Keys.Log} on Redis holds an entry, {answer[1]}, that no index wrote");
    }

    // WAIT counts what was written over its own connection: one that was made in between has written nothing, and
    // would be told at once that every replica has it.
    private async Task<RedisResult[]> SettleAsync(
        IDatabase database, string script, RedisKey[] keys, RedisValue[] values)
    {
        for (int tries = 0; tries < MostChangesOfConnection; tries++)
        {
            string before = Volatile.Read(ref _connection);
            RedisResult[] answer = Answer(await Evaluate(database, script, keys, values).ConfigureAwait(false));
            if ((string?)answer[0] is not ("ok" or "few")) return answer;
            int online = (int)answer[1], wanted = Address.Replicas ?? Math.Min(online, 1);
            if (online < wanted) throw Few(online, wanted, "are connected", isSent: (string?)answer[0] == "ok");
            if (wanted == 0) return answer;
            Task<RedisResult> waiting =
                database.ExecuteAsync("WAIT", [online, WaitMilliseconds], CommandFlags.DemandMaster);
            Task<RedisResult> asking = database.ExecuteAsync("CLIENT", ["INFO"], CommandFlags.DemandMaster);
            await Task.WhenAll(waiting, asking).ConfigureAwait(false);
            // id, the client's end and the server's end come first.
            string now = string.Join(' ', ((string)(await asking.ConfigureAwait(false))!).Split(' ').Take(3));
            Volatile.Write(ref _connection, now);
            if (now != before) continue;
            int have = (int)(await waiting.ConfigureAwait(false));
            if (have >= wanted) return answer;
            throw Few(have, wanted, "have the change", isSent: true);
        }
        throw new RedisAwayException("the connection does not last", isSent: true);
    }

    private static RedisAwayException Few(int have, int wanted, string what, bool isSent) =>
        new($"{have} of {wanted} replicas {what}", isSent);

    private async Task<ConnectionMultiplexer> ConnectAsync(CancellationToken cancellationToken)
    {
        if (_multiplexer is { } there && !MayBeAnother) return there;
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ConnectionMultiplexer? old = _multiplexer;
            if (old is not null && !MayBeAnother) return old;
            EndPoint? master = _sentinels is null ? null : await _sentinels.FindAsync().ConfigureAwait(false);
            (_askedAt, _isDoubted) = (_time.GetTimestamp(), false);
            if (old is not null && (master is null || master.Equals(_master))) return old;
            if (_sentinels is not null && master is null) throw new RedisAwayException("no Sentinel answers", false);
            _multiplexer = await ConnectionMultiplexer.ConnectAsync(Options(master is null ? Address.Hosts : [master]))
                .ConfigureAwait(false);
            _master = master;
            // The library subscribes as soon as it is connected, and whenever it is again.
            await _multiplexer.GetSubscriber().SubscribeAsync(RedisChannel.Literal(Keys.News), (_, _) => News?.Invoke(),
                CommandFlags.FireAndForget).ConfigureAwait(false);
            // Not its end in order: a master that hangs would be waited for.
            if (old is not null) await old.CloseAsync(allowCommandsToComplete: false).ConfigureAwait(false);
            return _multiplexer;
        }
        finally
        {
            _gate.Release();
        }
    }

    // A master that hangs says nothing for as long as the library waits: Sentinel says when there is another.
    private async Task<T> UnlessReplacedAsync<T>(
        Task<T> asked, ConnectionMultiplexer multiplexer, CancellationToken cancellationToken)
    {
        if (_sentinels is null) return await asked.WaitAsync(cancellationToken).ConfigureAwait(false);
        for (; ; )
        {
            try
            {
                return await asked.WaitAsync(AskWhileWaiting, _time, cancellationToken).ConfigureAwait(false);
            }
            catch (TimeoutException) when (!asked.IsCompleted)
            {
                _isDoubted = true;
            }
            try
            {
                if (await ConnectAsync(cancellationToken).ConfigureAwait(false) == multiplexer) continue;
            }
            catch (RecordStoreException exception)
            {
                // Whatever the Sentinels say, what was asked may have been done.
                throw new RedisAwayException(exception.Message, isSent: true, exception);
            }
            throw new RedisAwayException("another Redis was elected meanwhile", isSent: true);
        }
    }

    // A master that was replaced may answer for a while as if nothing had happened: Sentinel knows.
    private bool MayBeAnother =>
        _sentinels is not null && (_isDoubted || _time.GetElapsedTime(_askedAt) > AskSentinels);

    private ConfigurationOptions Options(EndPoint[] hosts)
    {
        ConfigurationOptions options = new()
        {
            AbortOnConnectFail = false, ConnectTimeout = 2000, AsyncTimeout = 3000, SyncTimeout = 3000,
            // What cannot be sent now fails now: so it is known that it was not sent.
            BacklogPolicy = BacklogPolicy.FailFast,
            ReconnectRetryPolicy = new LinearRetry(500), HeartbeatInterval = TimeSpan.FromMilliseconds(500),
            // CLIENT INFO counts as an operator's command.
            AllowAdmin = true, ClientName = "microcdn", TieBreaker = "", ConfigurationChannel = "",
            Ssl = Address.IsTls, User = Address.User, Password = _credentials.Password,
            DefaultDatabase = Address.Database, IncludeDetailInExceptions = false,
        };
        foreach (EndPoint host in hosts) options.EndPoints.Add(host);
        if (Address.IsTls && _credentials.AuthorityFile is { } authority) options.TrustIssuer(authority);
        return options;
    }

    [LoggerMessage(LogLevel.Warning, "Redis at {Address} is away: {Reason}; reads go on, changes wait")]
    private partial void LogAway(RedisAddress address, string reason);

    [LoggerMessage(LogLevel.Information, "Redis at {Address} answers again")]
    private partial void LogBack(RedisAddress address);
}
