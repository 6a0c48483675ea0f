using MicroCdn.Records;

namespace MicroCdn.Tests.Records;

/// <summary>What one store holds another one holds after it was copied, or says that it does not.</summary>
public sealed class RecordCopyTests : IDisposable
{
    private readonly SqliteWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Theory]
    [InlineData(0, 0, 100)]
    [InlineData(1, 1, 0)]
    [InlineData(3, 9_000, 100)]
    [InlineData(1, 300, 60_000)]
    public async Task The_other_store_holds_the_same_rows_and_says_how_many(int changes, int rows, int valueBytes)
    {
        if (changes > 0) await _world.FillAsync(changes, rows, valueBytes);
        await using SqliteRecordStore from = _world.Open(), to = new(_world["other"]);
        CopiedRecords copied = await RecordCopy.CopyAsync(from, to, default);
        Assert.Equal(changes * rows, copied.Rows);
        (long number, var there) = await SqliteWorld.ReadAsync(to);
        Assert.Equal(copied.Number, number);
        Assert.Equal((await SqliteWorld.ReadAsync(from)).Rows, there);
    }

    [Fact]
    public async Task A_store_that_holds_something_is_left_as_it_is()
    {
        await _world.FillAsync(2);
        await using SqliteRecordStore from = _world.Open(), to = new(_world["other"]);
        await SqliteWorld.FillAsync(to, 1, rows: 3);
        RecordStoreException refused = await Assert.ThrowsAsync<RecordStoreException>(() =>
            RecordCopy.CopyAsync(from, to, default));
        Assert.Contains("is not empty: it holds 3 rows", refused.Message, StringComparison.Ordinal);
        Assert.Equal(1, (await SqliteWorld.ReadAsync(to)).Number);
    }

    [Fact]
    public async Task A_copy_that_was_cut_off_is_not_taken_for_the_whole()
    {
        await _world.FillAsync(4, rows: 9_000);
        await using SqliteRecordStore from = _world.Open(), to = new(_world["other"]);
        RecordStoreException told = await Assert.ThrowsAsync<RecordStoreException>(() =>
            RecordCopy.CopyAsync(from, new FailingStore(to, failAt: 3), default));
        Assert.Equal("the disk is gone", told.Message);
        Assert.Equal((2, true), await MarkedAsync(to));

        // Nor does it become whole by being copied once more.
        await using SqliteRecordStore third = new(_world["third"]);
        told = await Assert.ThrowsAsync<RecordStoreException>(() => RecordCopy.CopyAsync(to, third, default));
        Assert.Equal("the store to copy is itself a copy that was cut off", told.Message);
        Assert.True((await MarkedAsync(third)).IsMarked);
    }

    [Fact]
    public async Task A_store_that_kept_something_else_is_found_out()
    {
        await _world.FillAsync(1);
        await using SqliteRecordStore from = _world.Open(), to = new(_world["other"]);
        RecordStoreException told = await Assert.ThrowsAsync<RecordStoreException>(() =>
            RecordCopy.CopyAsync(from, new FailingStore(to, failAt: 0) { Forgets = true }, default));
        Assert.Contains("the copy is not what was copied: 9 rows of 10", told.Message, StringComparison.Ordinal);
    }

    private static async Task<(long Number, bool IsMarked)> MarkedAsync(SqliteRecordStore store)
    {
        bool isMarked = false;
        long number = await store.LoadAsync((kind, _, _) => isMarked |= kind == RecordCopy.MarkKind, default);
        return (number, isMarked);
    }

    // A store that fails at a change, or forgets a row.
    private sealed class FailingStore(IRecordStore store, long failAt) : IRecordStore
    {
        public bool Forgets { get; init; }

        public Task<long> LoadAsync(RowTaker take, CancellationToken cancellationToken) =>
            store.LoadAsync(take, cancellationToken);

        public Task CommitAsync(long number, IReadOnlyList<RecordRow> rows, CancellationToken cancellationToken) =>
            number == failAt ? throw new RecordStoreException("the disk is gone")
            : store.CommitAsync(number, [.. rows.Skip(Forgets && number == 1 ? 1 : 0)], cancellationToken);

        public Task FollowAsync(long after, Func<RecordChange?, ValueTask> take, CancellationToken cancellationToken) =>
            store.FollowAsync(after, take, cancellationToken);

        public ValueTask DisposeAsync() => store.DisposeAsync();
    }
}
