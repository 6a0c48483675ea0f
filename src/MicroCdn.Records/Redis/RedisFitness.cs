using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace MicroCdn.Records.Redis;

/// <summary>Looks once whether a Redis is set up to keep what it is given, and warns where it is not.</summary>
internal static partial class RedisFitness
{
    private static readonly Version Oldest = new(6, 2);

    /// <summary>Refuses what cannot work, and warns of what may lose changes, as far as it may be asked.</summary>
    /// <exception cref="RecordStoreException">It is too old, a cluster, or our keys are somebody else's.</exception>
    public static async Task CheckAsync(RedisLink link, ILogger logger, CancellationToken cancellationToken)
    {
        string text = await link.AskAsync(async database =>
            (string)(await database.ExecuteAsync("INFO", [], CommandFlags.DemandMaster).ConfigureAwait(false))!,
            cancellationToken).ConfigureAwait(false);
        Dictionary<string, string> info = Fields(text);
        if (Version.TryParse(info.GetValueOrDefault("redis_version"), out Version? version) && version < Oldest)
        {
            throw new RecordStoreException($"Redis at {link.Address} is {version}; it must be {Oldest} or later");
        }
        if (info.GetValueOrDefault("cluster_enabled") == "1")
        {
            throw new RecordStoreException(
                $"Redis at {link.Address} is a Redis Cluster; an index needs one master, alone or with Sentinel");
        }
        foreach ((string key, RedisType type) in link.Keys.Types)
        {
            RedisType found = await link.AskAsync(database => database.KeyTypeAsync(key, CommandFlags.DemandMaster),
                cancellationToken).ConfigureAwait(false);
            if (found == RedisType.None || found == type) continue;
            throw new RecordStoreException($"{key} on Redis is a {found}, which no index wrote; choose "
                + "another ?prefix=, or remove it");
        }
        foreach (string warning in Warnings(info, await SettingAsync(link, cancellationToken).ConfigureAwait(false)))
        {
            LogWarning(logger, link.Address, warning);
        }
    }

    /// <summary>What an operator should set otherwise.</summary>
    /// <param name="info">The fields of INFO.</param>
    /// <param name="sync">appendfsync, or empty when it may not be asked.</param>
    internal static IEnumerable<string> Warnings(IReadOnlyDictionary<string, string> info, string sync)
    {
        bool isAlone = info.GetValueOrDefault("connected_slaves", "0") == "0";
        if (info.GetValueOrDefault("aof_enabled", "1") == "0")
        {
            yield return "it forgets its last changes when it is restarted: set appendonly yes";
        }
        else if (sync == "no" || (sync == "everysec" && isAlone))
        {
            yield return $"with appendfsync {sync} and no replica a power cut can cost the last changes: set always";
        }
        if (info.GetValueOrDefault("maxmemory", "0") != "0"
            && info.GetValueOrDefault("maxmemory_policy", "noeviction") != "noeviction")
        {
            yield return "it throws keys away when its memory is full: set maxmemory-policy noeviction";
        }
    }

    private static async Task<string> SettingAsync(RedisLink link, CancellationToken cancellationToken)
    {
        try
        {
            return await link.AskAsync(async database =>
            {
                RedisResult answer = await database.ExecuteAsync("CONFIG", ["GET", "appendfsync"],
                    CommandFlags.DemandMaster).ConfigureAwait(false);
                return answer.ToDictionary().TryGetValue("appendfsync", out RedisResult? value) ? (string)value! : "";
            }, cancellationToken).ConfigureAwait(false);
        }
        catch (RecordStoreException exception) when (exception.InnerException is RedisServerException)
        {
            return "";
        }
    }

    private static Dictionary<string, string> Fields(string info) => info.Split("\r\n")
        .Select(line => line.Split(':', 2)).Where(pair => pair.Length == 2)
        .DistinctBy(pair => pair[0]).ToDictionary(pair => pair[0], pair => pair[1]);

    [LoggerMessage(LogLevel.Warning, "Redis at {Address}: {Warning}")]
    private static partial void LogWarning(ILogger logger, RedisAddress address, string warning);
}
