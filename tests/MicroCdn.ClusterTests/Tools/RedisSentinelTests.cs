using System.Collections.Concurrent;
using System.Diagnostics;
using MicroCdn.ClusterTests.Processes;
using MicroCdn.Records;
using MicroCdn.Records.Redis;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>What happens to the book when the master among three Redis dies or hangs, and Sentinel promotes another.</summary>
[Trait("Needs", "redis-sentinel"), Collection(AloneCollection.Name)]
public sealed class RedisSentinelTests
{
    [Theory]
    [InlineData("dies")]
    [InlineData("hangs, and comes back")]
    public async Task No_acknowledged_change_is_lost_and_writing_goes_on_within_10_seconds_when_the_master(string what)
    {
        await using Stage stage = new();
        (RunningProcess master, _, int[] sentinels) = await RedisFleet.WithSentinelsAsync(stage);
        string url = $"redis://{string.Join(',', sentinels.Select(port => $"127.0.0.1:{port}"))}?sentinel=main";
        await using RedisRecordStore writer = RedisFleet.Store(url, patience: 15), follower = RedisFleet.Store(url);
        await RedisFleet.LoadAsync(follower);
        ConcurrentQueue<RecordChange?> seen = new();
        using CancellationTokenSource enough = new();
        Task following = follower.FollowAsync(0, seen.Enqueue, enough.Token);
        await RedisFleet.WriterAsync(writer, "index-1:6000");

        TimeSpan longest = TimeSpan.Zero;
        for (int number = 1; number <= 300; number++)
        {
            if (number == 100 && what == "dies") master.Kill();
            if (number == 100 && what != "dies") master.Freeze();
            long began = Stopwatch.GetTimestamp();
            await RedisFleet.CommitAsync(writer, number, ($"file-{number}", "there"));
            if (Stopwatch.GetElapsedTime(began) is var took && took > longest) longest = took;
            if (number == 200 && what != "dies") master.Thaw();
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"the longest change took {longest.TotalSeconds:0.0} s");
        Assert.InRange(longest, TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(10));

        await using RedisRecordStore fresh = RedisFleet.Store(url);
        (long last, string[] rows) = await RedisFleet.LoadAsync(fresh);
        Assert.Equal((300, 300), (last, rows.Length));
        await Stage.UntilAsync("all was followed", TimeSpan.FromSeconds(20), () =>
            Task.FromResult(seen.LastOrDefault()?.Number == 300));
        Assert.Equal(Enumerable.Range(1, 300).Select(number => (long)number), seen.Select(change => change!.Number));
        await enough.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => following);
    }

    [Fact]
    public async Task Indexes_answer_on_and_publish_again_within_10_seconds_when_the_master_dies()
    {
        await using Stage stage = new();
        (RunningProcess master, _, int[] sentinels) = await RedisFleet.WithSentinelsAsync(stage);
        string url = $"redis://{string.Join(',', sentinels.Select(port => $"127.0.0.1:{port}"))}?sentinel=main";
        await using IndexFleet fleet = await IndexFleet.StartAsync(stage, url, indexes: 2);
        await fleet.PutAsync("a.bin");
        await fleet.PutAsync("b.bin");
        for (int index = 0; index < 2; index++) await fleet.UntilFoundAsync(index, "a.bin");

        fleet.BeginLookups("a.bin", 0, 1);
        master.Kill();
        long killed = Stopwatch.GetTimestamp();
        await fleet.PutAsync("a.bin", size: 2000, tries: 2);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"it was published {Stopwatch.GetElapsedTime(killed).TotalSeconds:0.0} s after the kill");
        // One that was begun at once may be refused, where another index becomes the writer, with the words to try again.
        Assert.InRange(Stopwatch.GetElapsedTime(killed), TimeSpan.Zero, TimeSpan.FromSeconds(10));
        for (int index = 0; index < 2; index++)
        {
            await fleet.UntilFoundAsync(index, "a.bin", 2000);
            await fleet.UntilFoundAsync(index, "b.bin");
        }
        Assert.True(await fleet.EndLookupsAsync() > 20);
    }
}
