using System.Collections.Concurrent;
using MicroCdn.ClusterTests.Processes;
using MicroCdn.Records;
using MicroCdn.Records.Redis;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>The book of several indexes on a real Redis: what it keeps, whom it refuses, and what it says.</summary>
[Trait("Needs", "redis-server")]
public sealed class RedisStoreTests
{
    [Fact]
    public async Task What_one_writer_committed_others_load_and_follow_each_change_once_and_in_order()
    {
        await using Stage stage = new();
        int port = Stage.FreePort();
        await RedisFleet.RedisAsync(stage, port);
        await using RedisRecordStore follower = RedisFleet.Store(port);
        await HoldsAsync(follower, 0);
        ConcurrentQueue<string> seen = new();
        using CancellationTokenSource enough = new();
        Task following = follower.FollowAsync(0, change => seen.Enqueue(RedisFleet.Text(change)), enough.Token);

        await using RedisRecordStore writer = RedisFleet.Store(port);
        await RedisFleet.WriterAsync(writer, "index-1:6000");
        await RedisFleet.CommitAsync(writer, 1, ("a", "1"), ("b", "1"));
        await RedisFleet.CommitAsync(writer, 2, ("b", null), ("c", ""));
        await RedisFleet.CommitAsync(writer, 3, ("a", "2"));
        await Stage.UntilAsync("all was followed", TimeSpan.FromSeconds(10), () => Task.FromResult(seen.Count >= 3));
        Assert.Equal(["1: 1 a=1, 1 b=1", "2: 1 b=gone, 1 c=", "3: 1 a=2"], seen);
        await enough.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => following);

        await using RedisRecordStore another = RedisFleet.Store(port);
        (long number, string[] rows) = await RedisFleet.LoadAsync(another);
        Assert.Equal(3, number);
        Assert.Equal(["1 a=2", "1 c="], rows);
    }

    [Fact]
    public async Task One_writes_and_another_only_after_it()
    {
        await using Stage stage = new();
        int port = Stage.FreePort();
        await RedisFleet.RedisAsync(stage, port);
        await using RedisRecordStore first = RedisFleet.Store(port), second = RedisFleet.Store(port);
        await RedisFleet.LoadAsync(second);
        Assert.Null(await second.FindWriterAsync(CancellationToken.None));
        (_, WriterLease lease) = await RedisFleet.WriterAsync(first, "index-1:6000");

        Assert.Equal("index-1:6000", await second.FindWriterAsync(CancellationToken.None));
        WriterClaim claim = await second.ClaimAsync("index-2:6000", CancellationToken.None);
        Assert.Equal(new WriterClaim(null, "index-1:6000"), claim);
        await Assert.ThrowsAsync<WriterLostException>(() => RedisFleet.CommitAsync(second, 1, ("a", "1")));
        await RedisFleet.CommitAsync(first, 1, ("a", "1"));

        // Given back, it is free at once, and the old writer is none any more.
        await lease.DisposeAsync();
        claim = await second.ClaimAsync("index-2:6000", CancellationToken.None);
        Assert.Equal(lease.Epoch + 1, claim.Lease!.Epoch);
        Assert.Equal(1, claim.Lease.LastNumber);
        await Assert.ThrowsAsync<WriterLostException>(() => RedisFleet.CommitAsync(first, 2, ("a", "2")));

        // Who has not followed yet does not write over what he has not seen.
        WriterLostException refused = await Assert.ThrowsAsync<WriterLostException>(
            () => RedisFleet.CommitAsync(second, 1, ("a", "3")));
        Assert.Contains("the last change on Redis is 1", refused.Message, StringComparison.Ordinal);
        await HoldsAsync(second, 1, "1 a=1");
        await RedisFleet.CommitAsync(second, 2, ("a", "2"));
    }

    [Fact]
    public async Task A_writer_that_was_stopped_in_mid_commit_writes_nothing_once_another_has_taken_over()
    {
        await using Stage stage = new();
        int port = Stage.FreePort();
        await RedisFleet.RedisAsync(stage, port);
        await using HeldUp held = new(port);
        await using RedisRecordStore first = RedisFleet.Store(held.Port, patience: 30), second = RedisFleet.Store(port);
        (_, WriterLease lease) = await RedisFleet.WriterAsync(first, "index-1:6000");
        await RedisFleet.CommitAsync(first, 1, ("a", "1"));
        await RedisFleet.LoadAsync(second);

        held.Hold();
        Task commit = RedisFleet.CommitAsync(first, 2, ("a", "stopped"));
        await held.UntilSomethingWaitsAsync();
        await Stage.UntilAsync("the lease runs out and another index has it", TimeSpan.FromSeconds(20), async () =>
            (await second.ClaimAsync("index-2:6000", CancellationToken.None)).Lease is not null);
        await RedisFleet.CommitAsync(second, 2, ("a", "taken over"));
        held.LetGo();

        WriterLostException lost = await Assert.ThrowsAsync<WriterLostException>(() => commit);
        Assert.Contains("index-2:6000 is the writer now", lost.Message, StringComparison.Ordinal);
        Assert.Equal("index-2:6000", await lease.Lost.WaitAsync(TimeSpan.FromSeconds(10)));
        await HoldsAsync(second, 2, "1 a=taken over");
    }

    [Fact]
    public async Task A_commit_whose_answer_was_lost_is_told_as_what_it_is_even_when_another_has_taken_over()
    {
        await using Stage stage = new();
        int port = Stage.FreePort();
        await RedisFleet.RedisAsync(stage, port);
        await using HeldUp held = new(port);
        await using RedisRecordStore first = RedisFleet.Store(held.Port, patience: 30), second = RedisFleet.Store(port);
        await RedisFleet.WriterAsync(first, "index-1:6000");
        held.HoldAnswers();
        Task commit = RedisFleet.CommitAsync(first, 1, ("a", "1"));
        await Stage.UntilAsync("it is written", TimeSpan.FromSeconds(10), async () =>
            (await RedisFleet.LoadAsync(second)).Number == 1);
        // As the lease would run out, had the writer stopped there.
        await RedisFleet.AskAsync(stage, port, "del", "microcdn:lease");
        Assert.NotNull((await second.ClaimAsync("index-2:6000", CancellationToken.None)).Lease);
        await RedisFleet.CommitAsync(second, 2, ("b", "2"));
        held.CutOff();

        await commit;
        await Assert.ThrowsAsync<WriterLostException>(() => RedisFleet.CommitAsync(first, 2, ("a", "2")));
        await HoldsAsync(second, 2, "1 a=1", "1 b=2");
    }

    [Fact]
    public async Task While_Redis_is_gone_a_commit_waits_and_says_why_and_when_it_is_back_all_goes_on()
    {
        await using Stage stage = new();
        int port = Stage.FreePort();
        RunningProcess redis = await RedisFleet.RedisAsync(stage, port);
        await using RedisRecordStore writer = RedisFleet.Store(port, patience: 1.5), patient = RedisFleet.Store(port);
        await RedisFleet.WriterAsync(writer, "index-1:6000");
        await RedisFleet.CommitAsync(writer, 1, ("a", "1"));
        await RedisFleet.LoadAsync(patient);
        ConcurrentQueue<string> seen = new();
        using CancellationTokenSource enough = new();
        Task following = patient.FollowAsync(1, change => seen.Enqueue(RedisFleet.Text(change)), enough.Token);

        redis.Kill();
        await redis.UntilEndAsync();
        RecordStoreException away = await Assert.ThrowsAsync<RecordStoreException>(
            () => RedisFleet.CommitAsync(writer, 2, ("a", "2")));
        Assert.Contains($"Redis at redis://127.0.0.1:{port}: ", away.Message, StringComparison.Ordinal);
        Assert.False(following.IsCompleted);
        // Now it is known to be away: nothing was sent, and so nothing is in doubt.
        away = await Assert.ThrowsAsync<RecordStoreException>(() => RedisFleet.CommitAsync(writer, 2, ("a", "2")));
        Assert.False(away.IsUncertain, away.ToString());

        await RedisFleet.RedisAsync(stage, port);
        await Stage.UntilAsync("the writer writes again", TimeSpan.FromSeconds(20), async () =>
        {
            try
            {
                await RedisFleet.CommitAsync(writer, 2, ("a", "2"));
                return true;
            }
            catch (RecordStoreException)
            {
                return false;
            }
        });
        await Stage.UntilAsync("it was followed", TimeSpan.FromSeconds(10), () => Task.FromResult(!seen.IsEmpty));
        Assert.Equal(["2: 1 a=2"], seen);
        await enough.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => following);
    }

    [Fact]
    public async Task A_commit_whose_answer_is_late_is_uncertain_and_can_be_read_afterwards()
    {
        await using Stage stage = new();
        int port = Stage.FreePort();
        RunningProcess redis = await RedisFleet.RedisAsync(stage, port);
        await using RedisRecordStore writer = RedisFleet.Store(port, patience: 0.5);
        await RedisFleet.WriterAsync(writer, "index-1:6000");
        redis.Freeze();
        RecordStoreException late = await Assert.ThrowsAsync<RecordStoreException>(
            () => RedisFleet.CommitAsync(writer, 1, ("a", "1")));
        Assert.True(late.IsUncertain);
        Assert.Contains("it does not answer in time", late.Message, StringComparison.Ordinal);
        redis.Thaw();
        await Stage.UntilAsync("Redis answers", TimeSpan.FromSeconds(20), async () =>
        {
            try
            {
                return await writer.FindWriterAsync(CancellationToken.None) is not "";
            }
            catch (RecordStoreException)
            {
                return false;
            }
        });
        (long number, _) = await RedisFleet.LoadAsync(writer);
        await RedisFleet.CommitAsync(writer, number + 1, ("a", "2"));
        await HoldsAsync(writer, number + 1, "1 a=2");
    }

    [Fact]
    public async Task Snapshots_keep_the_log_short_and_whoever_loads_meanwhile_sees_one_moment()
    {
        await using Stage stage = new();
        int port = Stage.FreePort();
        await RedisFleet.RedisAsync(stage, port);
        await using RedisRecordStore writer = RedisFleet.Store(port, logAllowed: 240_000), fresh = RedisFleet.Store(port);
        await RedisFleet.WriterAsync(writer, "index-1:6000");
        SortedDictionary<string, string> expected = new(StringComparer.Ordinal);
        Task<int>? loading = null;
        string filling = new('x', 6000);
        for (int number = 1; number <= 300; number++)
        {
            string name = $"file-{number * 7 % 100}";
            string? value = number % 5 == 0 ? null : $"{number} {filling}";
            await RedisFleet.CommitAsync(writer, number, (name, value), ("last", $"{number}"));
            if (value is null) expected.Remove(name);
            else expected[name] = value;
            if (number % 10 == 0) await writer.Snapshot;
            loading ??= LoadUntilAsync(fresh, 300);
        }
        expected["last"] = "300";
        Assert.InRange(await loading!, 1, 300);
        int length = int.Parse(await RedisFleet.AskAsync(stage, port, "xlen", "microcdn:log"));
        Assert.InRange(length, 1, 150);
        (_, string[] rows) = await RedisFleet.LoadAsync(fresh);
        Assert.Equal(expected.Select(row => $"1 {row.Key}={row.Value}").Order(StringComparer.Ordinal), rows);

        List<string> told = [];
        await fresh.FollowAsync(3, change => told.Add(RedisFleet.Text(change)), CancellationToken.None);
        Assert.Equal(["load again"], told);
        // The one that counts stays, those before it go by themselves.
        string pointer = await RedisFleet.AskAsync(stage, port, "get", "microcdn:snapshot");
        foreach (string key in (await RedisFleet.AskAsync(stage, port, "keys", "microcdn:snapshot:*")).Split('\n'))
        {
            bool stays = pointer.EndsWith(key, StringComparison.Ordinal);
            Assert.Equal(stays, await RedisFleet.AskAsync(stage, port, "ttl", key) == "-1");
        }
        string counting = pointer.Split(' ')[^1];
        await RedisFleet.AskAsync(stage, port, "hset", counting, "1", "garbage");
        await RefusesAsync(fresh, $"part 2 of {pointer.Split(' ')[3]} of the snapshot {counting} on Redis is damaged");
        await RedisFleet.AskAsync(stage, port, "hdel", counting, "0");
        await RefusesAsync(fresh, $"of the snapshot {counting} on Redis is missing");
    }

    [Fact]
    public async Task Who_knows_another_history_is_told_to_load_again_though_the_numbers_fit()
    {
        await using Stage stage = new();
        int port = Stage.FreePort();
        await RedisFleet.RedisAsync(stage, port);
        await using RedisRecordStore writer = RedisFleet.Store(port), follower = RedisFleet.Store(port),
            other = RedisFleet.Store(port);
        await RedisFleet.WriterAsync(writer, "index-1:6000");
        await RedisFleet.CommitAsync(writer, 1, ("a", "1"));
        await RedisFleet.CommitAsync(writer, 2, ("b", "2"));
        await HoldsAsync(follower, 2, "1 a=1", "1 b=2");
        // As if a replica had been promoted that had none of it, and what was written then begins alike.
        await RedisFleet.AskAsync(stage, port, "del", "microcdn:log", "microcdn:lease");
        await RedisFleet.WriterAsync(other, "index-2:6000");
        await RedisFleet.CommitAsync(other, 1, ("a", "other"));
        await RedisFleet.CommitAsync(other, 2, ("b", "2"));
        await RedisFleet.CommitAsync(other, 3, ("c", "3"));

        List<string> told = [];
        await follower.FollowAsync(2, change => told.Add(RedisFleet.Text(change)), CancellationToken.None);
        Assert.Equal(["load again"], told);
        await HoldsAsync(follower, 3, "1 a=other", "1 b=2", "1 c=3");
    }

    [Theory]
    [InlineData("set microcdn:log text", "microcdn:log on Redis is a String, which no index wrote")]
    [InlineData("xadd microcdn:log 3-0 other thing", "microcdn:log on Redis holds an entry, 3-0, that no index wrote")]
    [InlineData("xadd microcdn:log 3-0 by 1 rows thing", "change 3 in microcdn:log on Redis is damaged")]
    [InlineData("xdel microcdn:log 1-0", "does not begin with change 1, and there is no snapshot before it")]
    [InlineData("set microcdn:snapshot text", "microcdn:snapshot on Redis is nothing that this version wrote")]
    [InlineData("set microcdn:snapshot 1_2_00_1_microcdn:snapshot:2-x", "has no change 2, with which its snapshot ends")]
    public async Task What_is_damaged_or_not_ours_is_named(string command, string said)
    {
        await using Stage stage = new();
        int port = Stage.FreePort();
        await RedisFleet.RedisAsync(stage, port);
        await using RedisRecordStore writer = RedisFleet.Store(port);
        await RedisFleet.WriterAsync(writer, "index-1:6000");
        await RedisFleet.CommitAsync(writer, 1, ("a", "1"));
        await RedisFleet.CommitAsync(writer, 2, ("a", "2"));
        string[] words = [.. command.Split(' ').Select(word => word.Replace('_', ' '))];
        await RedisFleet.AskAsync(stage, port, words);

        await using RedisRecordStore reader = RedisFleet.Store(port);
        await RefusesAsync(reader, said);
    }

    [Fact]
    public async Task A_Redis_that_was_emptied_does_not_empty_the_indexes_and_what_is_too_large_is_not_sent()
    {
        await using Stage stage = new();
        int port = Stage.FreePort();
        await RedisFleet.RedisAsync(stage, port);
        await using RedisRecordStore writer = RedisFleet.Store(port);
        await RedisFleet.WriterAsync(writer, "index-1:6000");
        await RedisFleet.CommitAsync(writer, 1, ("a", "1"));
        RecordRow[] many = [.. Enumerable.Range(0, 520).Select(i => new RecordRow(1, BitConverter.GetBytes(i), new byte[65_536]))];
        RecordStoreException refused = await Assert.ThrowsAsync<RecordStoreException>(
            () => writer.CommitAsync(2, many, CancellationToken.None));
        Assert.Contains("is more than the 33554432 that Redis is given at once", refused.Message, StringComparison.Ordinal);
        Assert.False(refused.IsUncertain);

        await RedisFleet.AskAsync(stage, port, "flushall");
        List<string> told = [];
        await writer.FollowAsync(1, change => told.Add(RedisFleet.Text(change)), CancellationToken.None);
        Assert.Equal(["load again"], told);
        await RefusesAsync(writer, "had change 1 and is empty now");

        // Somebody takes our key while we run.
        await RedisFleet.AskAsync(stage, port, "set", "microcdn:writer", "mine");
        refused = await Assert.ThrowsAsync<RecordStoreException>(() => RedisFleet.CommitAsync(writer, 2, ("a", "2")));
        Assert.Contains("microcdn:writer on Redis is a String, which no index wrote", refused.Message,
            StringComparison.Ordinal);
    }

    private static async Task RefusesAsync(RedisRecordStore store, string said)
    {
        RecordStoreException refused = await Assert.ThrowsAsync<RecordStoreException>(() => RedisFleet.LoadAsync(store));
        Assert.Contains(said, refused.Message, StringComparison.Ordinal);
    }

    private static async Task<int> LoadUntilAsync(RedisRecordStore store, long end)
    {
        for (int loads = 1; ; loads++)
        {
            (long number, string[] rows) = await RedisFleet.LoadAsync(store);
            Assert.Contains($"1 last={number}", rows);
            if (number == end) return loads;
        }
    }

    private static async Task HoldsAsync(RedisRecordStore store, long number, params string[] rows)
    {
        (long last, string[] loaded) = await RedisFleet.LoadAsync(store);
        Assert.Equal(number, last);
        Assert.Equal(rows, loaded);
    }
}
