using StackExchange.Redis;

namespace MicroCdn.Records.Redis;

/// <summary>Redis does not answer now, or cannot take a change now: it is worth asking again.</summary>
internal sealed class RedisAwayException(string message, bool isSent, Exception? inner = null)
    : Exception(message, inner)
{
    /// <summary>True when what was asked may have been done.</summary>
    public bool IsSent { get; } = isSent;
}

/// <summary>What the library's failures mean: some pass, about others somebody has to do something.</summary>
internal static class RedisFailures
{
    public static async Task<Exception> ExplainAsync(Exception exception, RedisLink link) => exception switch
    {
        RedisAwayException => exception,
        // Another connection took its place.
        ObjectDisposedException => new RedisAwayException("the connection broke", isSent: true, exception),
        RedisServerException { Kind: RedisErrorKind.WrongType } =>
            await NameForeignAsync(exception, link).ConfigureAwait(false),
        RedisServerException server => Explain(server, link.Address),
        RedisConnectionException connection => Explain(connection, link),
        RedisTimeoutException late => new RedisAwayException("it does not answer in time",
            late.Commandstatus is not CommandStatus.WaitingInBacklog, exception),
        TimeoutException => new RedisAwayException("it does not answer in time", isSent: true, exception),
        _ => new RecordStoreException($"Redis at {link.Address}: {exception.Message}", exception),
    };

    private static Exception Explain(RedisConnectionException exception, RedisLink link)
    {
        if (Refusal(exception, link) is { } refusal)
        {
            return new RecordStoreException($"Redis at {link.Address} {refusal}", exception);
        }
        return exception.FailureType switch
        {
            ConnectionFailureType.UnableToConnect or ConnectionFailureType.UnableToResolvePhysicalConnection =>
                new RedisAwayException(link.IsReplica ? "it is a replica, not the master" : "it cannot be reached",
                    isSent: false, exception),
            ConnectionFailureType.Loading => new RedisAwayException("it is loading its data", isSent: false, exception),
            _ => new RedisAwayException("the connection broke", isSent: true, exception),
        };
    }

    // The library tries again for ever, and has the reason somewhere inside.
    private static string? Refusal(Exception exception, RedisLink link)
    {
        List<Exception> causes = [];
        for (Exception? cause = exception; cause is not null; cause = cause.InnerException) causes.Add(cause);
        if (!causes.Exists(cause => cause is RedisConnectionException
            { FailureType: ConnectionFailureType.AuthenticationFailure })) return null;
        bool Says(string word) => causes.Exists(cause => cause.Message.Contains(word, StringComparison.Ordinal));
        if (Says("NOAUTH") && !link.HasPassword) return "asks for a password";
        if (Says("NOAUTH") || Says("WRONGPASS")) return "refuses this user or password";
        return $"shows a certificate that is not trusted, or refuses us: {causes[^1].Message}";
    }

    private static Exception Explain(RedisServerException exception, RedisAddress address)
    {
        // A script that is refused by its first write has written nothing.
        string? passing = exception.Kind switch
        {
            RedisErrorKind.Loading => "it is loading its data",
            RedisErrorKind.ReadOnly => "it is a replica now",
            RedisErrorKind.MasterDown => "it is a replica without a master",
            RedisErrorKind.NoReplicas => "it wants more replicas before it writes (min-replicas-to-write)",
            RedisErrorKind.Misconfigured => "it cannot save to its disk, and so takes no changes",
            RedisErrorKind.Busy => "it is busy with another script",
            RedisErrorKind.MaxClients => "it has as many clients as it may",
            RedisErrorKind.TryAgain or RedisErrorKind.ClusterDown => "it asks to come again",
            _ => null,
        };
        if (passing is not null) return new RedisAwayException(passing, isSent: false, exception);
        string why = exception.Kind switch
        {
            RedisErrorKind.OutOfMemory => "has no memory left (maxmemory)",
            RedisErrorKind.NoAuth => "asks for a password",
            RedisErrorKind.WrongPass => "refuses this user or password",
            RedisErrorKind.NoPermission => $"does not allow this user what an index needs: {exception.Message}",
            RedisErrorKind.Moved or RedisErrorKind.Ask or RedisErrorKind.CrossSlot =>
                "is a Redis Cluster; an index needs one master, alone or with Sentinel",
            _ => $"refuses: {exception.Message}",
        };
        return new RecordStoreException($"Redis at {address} {why}", exception);
    }

    private static async Task<Exception> NameForeignAsync(Exception exception, RedisLink link)
    {
        foreach ((string key, RedisType type) in link.Keys.Types)
        {
            RedisType found = await link.AskAsync(database =>
                database.KeyTypeAsync(key, CommandFlags.DemandMaster), CancellationToken.None).ConfigureAwait(false);
            if (found != RedisType.None && found != type)
            {
                return new RecordStoreException($"{key} on Redis is a {found}, which no index wrote; choose another "
                    + "?prefix=, or remove it", exception);
            }
        }
        return new RecordStoreException($"a key of ours on Redis at {link.Address} is of another kind", exception);
    }
}
