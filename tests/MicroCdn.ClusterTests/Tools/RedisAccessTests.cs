using MicroCdn.ClusterTests.Processes;
using MicroCdn.Records;
using MicroCdn.Records.Redis;
using MicroCdn.Testing;
using Microsoft.Extensions.Logging;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>How an index proves itself to a real Redis, how it knows whom it speaks to, and what it warns of.</summary>
[Trait("Needs", "redis-server")]
public sealed class RedisAccessTests
{
    private const string Secret = "much-to-be-kept";

    [Fact]
    public async Task Over_TLS_a_user_with_a_password_reads_and_writes_and_no_log_tells_it()
    {
        await using Stage stage = new();
        int port = Stage.FreePort();
        string folder = stage.MakeFolder("tls"), certificate = Path.Combine(folder, "cert"), key = Path.Combine(folder, "key");
        TestCertificate own = new();
        await File.WriteAllTextAsync(certificate, own.Certificate);
        await File.WriteAllTextAsync(key, own.Key);
        await RedisFleet.RedisAsync(stage, 0, "--tls-port", $"{port}", "--tls-cert-file", certificate, "--tls-key-file",
            key, "--tls-auth-clients", "no", "--user", "default", "off", "--user", "index", "on", $">{Secret}", "~microcdn:*",
            "&microcdn:*", "+@all", "-config");
        LogCollector logs = new(TimeProvider.System);
        ILogger logger = logs.From("index").CreateLogger("records");
        string url = $"rediss://index@localhost:{port}";
        await using (RedisRecordStore store = RedisFleet.Store(url, logger: logger, credentials: new(Secret, certificate)))
        {
            await RedisFleet.WriterAsync(store, "index-1:6000");
            await RedisFleet.CommitAsync(store, 1, ("a", "1"));
        }
        // What it may not ask (CONFIG) it does not warn of.
        Assert.Empty(logs.Lines);

        await using RedisRecordStore stranger = RedisFleet.Store(url, 3, logger: logger, credentials: new(Secret, null));
        RecordStoreException untrusted = await Assert.ThrowsAsync<RecordStoreException>(() => RedisFleet.LoadAsync(stranger));
        Assert.Contains("shows a certificate that is not trusted", untrusted.Message, StringComparison.Ordinal);
        await using RedisRecordStore wrong = RedisFleet.Store(url, 3, logger: logger, credentials: new("wrong-" + Secret, certificate));
        RecordStoreException refused = await Assert.ThrowsAsync<RecordStoreException>(() => RedisFleet.LoadAsync(wrong));
        Assert.EndsWith("refuses this user or password", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, $"{refused}{untrusted}{string.Join('\n', logs.Lines)}", StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_password_for_Redis_alone_is_good_behind_Sentinels_that_want_none()
    {
        await using Stage stage = new();
        int port = Stage.FreePort(), sentinel = Stage.FreePort();
        await RedisFleet.RedisAsync(stage, port, "--requirepass", Secret);
        await RedisFleet.SentinelAsync(stage, sentinel, port, 1, $"sentinel auth-pass main {Secret}");
        string url = $"redis://127.0.0.1:{sentinel}?sentinel=main&replicas=0";
        await using RedisRecordStore store = RedisFleet.Store(url, credentials: new(Secret, null));
        await RedisFleet.WriterAsync(store, "index-1:6000");
        await RedisFleet.CommitAsync(store, 1, ("a", "1"));

        await using RedisRecordStore without = RedisFleet.Store(url, 3);
        RecordStoreException refused = await Assert.ThrowsAsync<RecordStoreException>(() => RedisFleet.LoadAsync(without));
        Assert.EndsWith("asks for a password", refused.Message, StringComparison.Ordinal);
        await using RedisRecordStore lost = RedisFleet.Store(url.Replace("=main", "=other", StringComparison.Ordinal), 3);
        refused = await Assert.ThrowsAsync<RecordStoreException>(() => RedisFleet.LoadAsync(lost));
        Assert.Contains("the Sentinels know no master called 'other'", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_change_counts_when_a_replica_has_it_and_a_replica_is_no_master()
    {
        await using Stage stage = new();
        int port = Stage.FreePort(), replicaPort = Stage.FreePort();
        await RedisFleet.RedisAsync(stage, port);
        await using (RedisRecordStore alone = RedisFleet.Store($"redis://127.0.0.1:{port}?replicas=1", 1))
        {
            RecordStoreException few = await Assert.ThrowsAsync<RecordStoreException>(
                () => RedisFleet.WriterAsync(alone, "index-1:6000"));
            Assert.EndsWith("0 of 1 replicas are connected", few.Message, StringComparison.Ordinal);
            Assert.False(few.IsUncertain);
        }
        RunningProcess replica = await RedisFleet.RedisAsync(stage, replicaPort, "--replicaof", $"127.0.0.1 {port}");
        await replica.UntilLineAsync("Finished with success");
        await Stage.UntilAsync("the master knows it", TimeSpan.FromSeconds(20), async () =>
            (await RedisFleet.AskAsync(stage, port, "info", "replication")).Contains("state=online", StringComparison.Ordinal));
        await using RedisRecordStore writer = RedisFleet.Store(port, patience: 2);
        await RedisFleet.WriterAsync(writer, "index-1:6000");
        await RedisFleet.CommitAsync(writer, 1, ("a", "1"));
        Assert.Contains("1-0", await RedisFleet.AskAsync(stage, replicaPort, "xrange", "microcdn:log", "-", "+"),
            StringComparison.Ordinal);

        replica.Freeze();
        RecordStoreException doubt = await Assert.ThrowsAsync<RecordStoreException>(
            () => RedisFleet.CommitAsync(writer, 2, ("a", "2")));
        Assert.Contains("0 of 1 replicas have the change", doubt.Message, StringComparison.Ordinal);
        Assert.True(doubt.IsUncertain);
        replica.Thaw();
        // The same change once more is no second one.
        await RedisFleet.CommitAsync(writer, 2, ("a", "2"));
        Assert.Equal("2", await RedisFleet.AskAsync(stage, replicaPort, "xlen", "microcdn:log"));

        await using RedisRecordStore mistaken = RedisFleet.Store(replicaPort, patience: 2);
        RecordStoreException refused = await Assert.ThrowsAsync<RecordStoreException>(() => RedisFleet.LoadAsync(mistaken));
        Assert.Contains("it is a replica, not the master", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_Redis_that_may_forget_is_warned_of_and_a_full_one_is_named()
    {
        await using Stage stage = new();
        int port = Stage.FreePort();
        await RedisFleet.RedisAsync(stage, port, "--appendonly", "no");
        LogCollector logs = new(TimeProvider.System);
        await using RedisRecordStore writer =
            RedisFleet.Store($"redis://127.0.0.1:{port}", logger: logs.From("index").CreateLogger("records"));
        await RedisFleet.WriterAsync(writer, "index-1:6000");
        LogLine warning = Assert.Single(logs.Lines);
        Assert.Equal(LogLevel.Warning, warning.Level);
        Assert.Equal($"Redis at redis://127.0.0.1:{port}: it forgets its last changes when it is restarted: set appendonly yes",
            warning.Text);

        await RedisFleet.AskAsync(stage, port, "config", "set", "maxmemory", "100kb");
        RecordStoreException full = await Assert.ThrowsAsync<RecordStoreException>(
            () => RedisFleet.CommitAsync(writer, 1, ("a", "1")));
        Assert.Contains("has no memory left (maxmemory)", full.Message, StringComparison.Ordinal);
        Assert.False(full.IsUncertain);
        await RedisFleet.AskAsync(stage, port, "config", "set", "maxmemory", "0");
        await RedisFleet.CommitAsync(writer, 1, ("a", "1"));
    }
}
