using MicroCdn.ClusterTests.Processes;
using MicroCdn.Records.Redis;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>Who may write when Redis was away for longer than a lease lasts.</summary>
[Trait("Needs", "redis-server")]
public sealed class RedisCourtesyTests
{
    [Fact]
    public async Task When_Redis_comes_back_the_writer_from_before_has_a_moment_to_go_on()
    {
        await using Stage stage = new();
        int port = Stage.FreePort();
        RunningProcess redis = await RedisFleet.RedisAsync(stage, port);
        await using RedisRecordStore other = RedisFleet.Store(port);
        await RedisFleet.LoadAsync(other);
        // As it is when the writer's lease has run out while Redis was away, and it has not come back yet.
        await RedisFleet.AskAsync(stage, port, "hset", "microcdn:writer", "token", "its", "address", "index-1:6000",
            "epoch", "1");
        redis.Kill();
        await redis.UntilEndAsync();
        Task<WriterClaim> claim = other.ClaimAsync("index-2:6000", CancellationToken.None);
        await RedisFleet.RedisAsync(stage, port);
        Assert.Equal(new WriterClaim(null, "index-1:6000"), await claim);

        await Stage.UntilAsync("the other one may write", TimeSpan.FromSeconds(20), async () =>
            (await other.ClaimAsync("index-2:6000", CancellationToken.None)).Lease is not null);
    }

    [Fact]
    public async Task Where_Redis_was_not_away_nobody_waits_for_a_writer_whose_lease_has_run_out()
    {
        await using Stage stage = new();
        int port = Stage.FreePort();
        await RedisFleet.RedisAsync(stage, port);
        await using RedisRecordStore other = RedisFleet.Store(port);
        await RedisFleet.LoadAsync(other);
        await RedisFleet.AskAsync(stage, port, "hset", "microcdn:writer", "token", "its", "address", "index-1:6000",
            "epoch", "1");
        Assert.NotNull((await other.ClaimAsync("index-2:6000", CancellationToken.None)).Lease);
    }
}
