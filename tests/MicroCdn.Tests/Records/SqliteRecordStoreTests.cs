using MicroCdn.Records;

namespace MicroCdn.Tests.Records;

/// <summary>Rows are kept in a database, whole changes at a time, by one process.</summary>
public sealed class SqliteRecordStoreTests : IDisposable
{
    private readonly SqliteWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public async Task A_folder_without_a_database_is_an_empty_store_and_stays_as_it_is()
    {
        await using (SqliteRecordStore store = _world.Open())
        {
            Assert.Equal(0, await store.LoadAsync((_, _, _) => Assert.Fail("there is no row"), default));
        }
        Assert.False(Directory.Exists(_world.Folder));
    }

    [Fact]
    public async Task What_was_committed_is_there_after_a_restart_and_what_was_taken_out_is_not()
    {
        await using (SqliteRecordStore store = _world.Open())
        {
            await store.CommitAsync(
                1, [SqliteWorld.Row("a", "old"), SqliteWorld.Row("b", "stays", kind: 255)], default);
            await store.CommitAsync(2, [SqliteWorld.Row("a", "new"), SqliteWorld.Row("b", "zero", kind: 0)], default);
            await store.CommitAsync(3, [SqliteWorld.Row("b", null, kind: 0), SqliteWorld.Row("none", null)], default);
            await store.CommitAsync(4, [SqliteWorld.Row("", "")], default);
        }
        (long number, var rows) = await SqliteWorld.ReadAsync(_world.Folder);
        Assert.Equal(4, number);
        Assert.Equal(new() { ["1/"] = "", ["1/a"] = "new", ["255/b"] = "stays" }, rows);
        Assert.False(File.Exists(_world.Log));
    }

    [Fact]
    public async Task The_longest_key_and_value_are_kept_and_longer_ones_are_the_callers_mistake()
    {
        byte[] key = new byte[RecordRow.MostKeyBytes], value = new byte[RecordRow.MostValueBytes];
        new Random(1).NextBytes(value);
        await using SqliteRecordStore store = _world.Open();
        await store.CommitAsync(1, [new RecordRow(7, key, value)], default);
        await store.LoadAsync((_, keyRead, valueRead) =>
        {
            Assert.Equal(key, keyRead);
            Assert.Equal(value, valueRead);
        }, default);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() =>
            store.CommitAsync(2, [new RecordRow(7, new byte[key.Length + 1], [])], default));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() =>
            store.CommitAsync(2, [new RecordRow(7, [], new byte[value.Length + 1])], default));
        await store.CommitAsync(2, [], default);
    }

    [Fact]
    public async Task Its_files_are_for_their_owner_alone()
    {
        await using SqliteRecordStore store = _world.Open();
        await SqliteWorld.FillAsync(store, 1);
        string[] files = Directory.GetFiles(_world.Folder);
        Assert.Equal(["book.db", "book.db-shm", "book.db-wal", "book.lock"], files.Select(Path.GetFileName).Order());
        Assert.All(files, file =>
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(5)]
    public async Task The_first_change_has_the_number_1_or_makes_nothing(long number)
    {
        await using SqliteRecordStore store = _world.Open();
        await Assert.ThrowsAsync<WriterLostException>(() => store.CommitAsync(number, [], default));
        Assert.False(Directory.Exists(_world.Folder));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(5)]
    public async Task A_change_that_does_not_follow_the_last_one_is_refused_whole(long number)
    {
        await _world.FillAsync(3);
        await using SqliteRecordStore store = _world.Open();
        var before = await SqliteWorld.ReadAsync(store);
        WriterLostException refused = await Assert.ThrowsAsync<WriterLostException>(() =>
            store.CommitAsync(number, [SqliteWorld.Row("x", "y")], default));
        Assert.Contains($"change {number} does not follow change 3", refused.Message, StringComparison.Ordinal);
        Assert.False(refused.IsUncertain);
        var after = await SqliteWorld.ReadAsync(store);
        Assert.Equal(before.Rows, after.Rows);
        await store.CommitAsync(4, [], default);
    }

    [Fact]
    public async Task A_second_process_on_the_folder_is_told_which_folder_and_what_to_do()
    {
        await using SqliteRecordStore second = _world.Open();
        await using (SqliteRecordStore first = _world.Open())
        {
            // Both found nothing, and the first one wrote.
            Assert.Equal(0, (await SqliteWorld.ReadAsync(second)).Number);
            await SqliteWorld.FillAsync(first, 2);
            foreach (Func<Task> act in (Func<Task>[])[() => SqliteWorld.ReadAsync(second),
                () => second.CommitAsync(1, [], default)])
            {
                WriterLostException refused = await Assert.ThrowsAsync<WriterLostException>(act);
                Assert.Equal($"another process uses the folder '{_world.Folder}': end it first, or give this one a "
                    + "folder of its own with --data", refused.Message);
            }
        }
        await Assert.ThrowsAsync<WriterLostException>(() => second.CommitAsync(1, [], default));
        Assert.Equal(2, (await SqliteWorld.ReadAsync(second)).Number);
    }

    [Fact]
    public async Task A_database_that_is_taken_away_takes_no_further_change()
    {
        await using SqliteRecordStore store = _world.Open();
        await SqliteWorld.FillAsync(store, 1);
        File.Move(_world.Database, _world["elsewhere"]);
        RecordStoreException refused = await Assert.ThrowsAsync<RecordStoreException>(() =>
            store.CommitAsync(2, [], default));
        Assert.Contains("was taken away or replaced while it was in use", refused.Message, StringComparison.Ordinal);
        // As when a backup is put in its place too early.
        File.Copy(_world["elsewhere"], _world.Database);
        await Assert.ThrowsAsync<RecordStoreException>(() => store.CommitAsync(2, [], default));
    }

    [Fact]
    public async Task The_log_does_not_grow_without_end()
    {
        await using SqliteRecordStore store = _world.Open();
        await SqliteWorld.FillAsync(store, 40, rows: 400, valueBytes: 300);
        Assert.InRange(new FileInfo(_world.Log).Length, 1, 8 << 20);
        Assert.InRange(new FileInfo(_world.Database).Length, 1 << 20, long.MaxValue);
    }

    [Fact]
    public async Task Following_never_tells_anything_and_ends_when_it_is_told_to()
    {
        using CancellationTokenSource end = new();
        await using SqliteRecordStore store = _world.Open();
        Task following = store.FollowAsync(
            0, _ => throw new InvalidOperationException("nobody else writes"), end.Token);
        await SqliteWorld.FillAsync(store, 1);
        Assert.False(following.IsCompleted);
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => following);
    }

    [Fact]
    public async Task A_folder_that_cannot_be_made_is_one_sentence_and_nothing_is_uncertain()
    {
        File.WriteAllText(_world["state"], "a file");
        await using SqliteRecordStore store = _world.Open();
        RecordStoreException refused = await Assert.ThrowsAsync<RecordStoreException>(() =>
            store.CommitAsync(1, [], default));
        Assert.StartsWith($"'{_world.Database}' cannot be written: ", refused.Message, StringComparison.Ordinal);
        Assert.False(refused.IsUncertain);
    }

    [Fact]
    public async Task A_store_whose_disk_failed_elsewhere_takes_no_change_and_is_still_read()
    {
        MicroCdn.Storage.StoreHealth health = new(_ => { });
        await using SqliteRecordStore store = new(_world.Folder, health);
        await SqliteWorld.FillAsync(store, 2);
        health.Fail("tokens", new IOException("fsync: Input/output error"));
        RecordStoreException refused = await Assert.ThrowsAsync<RecordStoreException>(() =>
            store.CommitAsync(3, [], default));
        Assert.Contains("the disk did not keep 'tokens'", refused.Message, StringComparison.Ordinal);
        Assert.False(refused.IsUncertain);
        Assert.Equal(2, (await SqliteWorld.ReadAsync(store)).Number);
    }
}
