using MicroCdn.ClusterTests.Processes;
using MicroCdn.Records;
using MicroCdn.Records.Redis;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>Debian's Redis and Sentinel, as a test starts and asks them; they end with its stage.</summary>
internal static class RedisFleet
{
    public static async Task<RunningProcess> RedisAsync(Stage stage, int port, params string[] more)
    {
        string folder = stage.MakeFolder($"redis-{port}");
        RunningProcess redis = stage.Run("redis-server", ["--port", $"{port}", "--bind", "127.0.0.1", "--dir", folder,
            "--save", "", "--appendonly", "yes", "--appendfsync", "always", "--repl-diskless-sync-delay", "0", .. more]);
        await redis.UntilLineAsync("eady to accept connections");
        return redis;
    }

    /// <summary>Three Redis and three Sentinels that know one another. The first Redis is the master.</summary>
    public static async Task<(RunningProcess Master, int[] Ports, int[] Sentinels)> WithSentinelsAsync(Stage stage)
    {
        int[] ports = [Stage.FreePort(), Stage.FreePort(), Stage.FreePort()];
        int[] sentinels = [Stage.FreePort(), Stage.FreePort(), Stage.FreePort()];
        RunningProcess master = await RedisAsync(stage, ports[0]);
        foreach (int port in ports[1..])
        {
            RunningProcess replica = await RedisAsync(stage, port, "--replicaof", $"127.0.0.1 {ports[0]}");
            await replica.UntilLineAsync("Finished with success");
        }
        foreach (int port in sentinels) await SentinelAsync(stage, port, ports[0], 2);
        foreach (int port in sentinels)
        {
            await Stage.UntilAsync("a Sentinel knows all others", TimeSpan.FromSeconds(60), async () =>
                (await AskAsync(stage, port, "sentinel", "masters")).Split('\n') is var lines
                && After(lines, "num-slaves") == "2" && After(lines, "num-other-sentinels") == "2");
        }
        return (master, ports, sentinels);
    }

    public static async Task SentinelAsync(Stage stage, int port, int master, int quorum, string more = "")
    {
        string folder = stage.MakeFolder($"sentinel-{port}"), settings = Path.Combine(folder, "settings");
        await File.WriteAllTextAsync(settings, $"""
            port {port}
            bind 127.0.0.1
            dir {folder}
            sentinel monitor main 127.0.0.1 {master} {quorum}
            sentinel down-after-milliseconds main 2000
            sentinel failover-timeout main 10000
            {more}
            """);
        RunningProcess sentinel = stage.Run("redis-sentinel", settings);
        await sentinel.UntilLineAsync("+monitor master main");
    }

    /// <summary>What redis-cli answers.</summary>
    public static async Task<string> AskAsync(Stage stage, int port, params string[] words) =>
        (await ToolRun.OfAsync(stage.Folder, "redis-cli", ["-p", $"{port}", .. words])).Text.Trim();

    /// <summary>A store that gives up after some seconds.</summary>
    public static RedisRecordStore Store(string url, double patience = 10, long logAllowed = 16 << 20,
        ILogger? logger = null, RedisCredentials? credentials = null)
    {
        RedisAddress? address = RedisAddress.Parse(url, out string why);
        Assert.Equal("", why);
        logger ??= NullLogger.Instance;
        RedisLink link = new(address!, credentials ?? new RedisCredentials(null, null), TimeProvider.System, logger)
        {
            Patience = TimeSpan.FromSeconds(patience),
        };
        return new RedisRecordStore(link, TimeProvider.System, logger) { LogAllowed = logAllowed };
    }

    public static RedisRecordStore Store(int port, double patience = 10, long logAllowed = 16 << 20) =>
        Store($"redis://127.0.0.1:{port}", patience, logAllowed);

    /// <summary>All rows of a store, as text in order; and its last number.</summary>
    public static async Task<(long Number, string[] Rows)> LoadAsync(RedisRecordStore store)
    {
        List<string> rows = [];
        long number = await store.LoadAsync((kind, key, value) => rows.Add(Text(kind, key, value)), CancellationToken.None);
        return (number, [.. rows.Order(StringComparer.Ordinal)]);
    }

    /// <summary>A store that is loaded, and the writer.</summary>
    public static async Task<(RedisRecordStore Store, WriterLease Lease)> WriterAsync(RedisRecordStore store, string name)
    {
        await LoadAsync(store);
        WriterClaim claim = await store.ClaimAsync(name, CancellationToken.None);
        return (store, Assert.IsType<WriterLease>(claim.Lease));
    }

    public static Task FollowAsync(
        this RedisRecordStore store, long after, Action<RecordChange?> take, CancellationToken cancellationToken) =>
        store.FollowAsync(after, change =>
        {
            take(change);
            return default;
        }, cancellationToken);

    public static Task CommitAsync(RedisRecordStore store, long number, params (string Key, string? Value)[] rows) =>
        store.CommitAsync(number, [.. rows.Select(row => new RecordRow(1, System.Text.Encoding.UTF8.GetBytes(row.Key),
            row.Value is null ? null : System.Text.Encoding.UTF8.GetBytes(row.Value)))], CancellationToken.None);

    public static string Text(RecordChange? change) => change is null
        ? "load again"
        : $"{change.Number}: {string.Join(", ", change.Rows.Select(row => Text(row.Kind, row.Key, row.Value ?? "gone"u8)))}";

    private static string Text(byte kind, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) =>
        $"{kind} {System.Text.Encoding.UTF8.GetString(key)}={System.Text.Encoding.UTF8.GetString(value)}";

    private static string? After(string[] lines, string name) => lines.SkipWhile(line => line != name).ElementAtOrDefault(1);
}
