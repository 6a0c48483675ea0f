using MicroCdn.Index;
using MicroCdn.Index.Publishing;
using MicroCdn.Protocol;
using MicroCdn.Records;
using MicroCdn.Tests.Index;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace MicroCdn.Tests.Publishing;

public sealed class ScribeTests : IAsyncDisposable
{
    private readonly CancellationTokenSource _end = new();
    private readonly HeldStore _store = new();
    private readonly Book _book;
    private readonly Scribe _scribe;
    private readonly Task _running;

    public ScribeTests()
    {
        Catalog catalog = new(1);
        Applied applied = new(new Router(catalog, new Fleet(TimeProvider.System), new Chance(1)), NullLogger.Instance);
        _book = new Book(catalog, 1);
        _scribe = new Scribe(_store, _book, applied, NullLogger.Instance);
        _running = Task.WhenAll(_scribe.RunAsync(_end.Token), applied.RunAsync(_end.Token));
    }

    [Fact]
    public async Task What_came_while_the_disk_was_busy_is_one_change()
    {
        Task<WireError?> first = Put("a");
        await _store.Began();
        Task<WireError?>[] others = [Put("b"), Put("c"), Put("d")];
        Assert.False(first.IsCompleted);
        Assert.False(_book.TryFind("a"u8, out _));
        _store.Finish();
        Assert.Null(await first);
        Assert.Equal(1, Find("a").Revision);
        await _store.Began();
        _store.Finish();
        foreach (Task<WireError?> other in others) Assert.Null(await other);
        Assert.All(["b", "c", "d"], name => Assert.Equal(2, Find(name).Revision));
    }

    [Fact]
    public async Task What_is_about_more_than_its_rows_shares_a_change_with_nothing()
    {
        Task<WireError?> first = Put("a");
        await _store.Began();
        Task<WireError?>[] others = [Put("b"), Put("alone", isAlone: true), Put("c")];
        Task<WireError?[]> all = Task.WhenAll([first, .. others]);
        while (!all.IsCompleted)
        {
            _store.Finish();
            await Task.Yield();
        }
        Assert.All(await all, Assert.Null);
        Assert.Equal([2, 3, 4], ((string[])["b", "alone", "c"]).Select(name => Find(name).Revision));
    }

    [Fact]
    public async Task Two_changes_of_one_name_are_two_changes_in_their_order()
    {
        Task<WireError?> first = Put("a", "one");
        await _store.Began();
        Task<WireError?>[] others = [Put("b", "x"), Put("b", "y")];
        for (int changes = 0; changes < 3; changes++)
        {
            _store.Finish();
            if (changes < 2) await _store.Began();
        }
        foreach (Task<WireError?> task in (Task<WireError?>[])[first, .. others]) Assert.Null(await task);
        Assert.Equal(3, Find("b").Revision);
        Assert.Equal(Lists.Digest("y"), Find("b").State.Digest);
    }

    [Fact]
    public async Task A_draft_sees_what_was_written_before_it()
    {
        Task<WireError?> first = Put("a");
        Task<WireError?> second = _scribe.WriteAsync((_, rows) =>
        {
            bool isThere = _book.TryFind("a"u8, out PublishedName _);
            rows.Add(Row("a", PublishedName.Removed(9)));
            return isThere ? WireErrors.Twin : null;
        });
        await _store.Began();
        _store.Finish();
        Assert.Null(await first);
        Assert.Equal(WireErrors.Twin, await second);
        Assert.True(_book.TryFind("a"u8, out _));
    }

    [Fact]
    public async Task What_the_disk_refuses_is_not_seen_and_what_follows_is_written()
    {
        Task<WireError?> lost = Put("a");
        await _store.Began();
        _store.Fail(new RecordStoreException("the disk is full"));
        Assert.Equal(WireErrors.Unavailable, await lost);
        Assert.False(_book.TryFind("a"u8, out _));
        Task<WireError?> next = Put("b");
        await _store.Began();
        _store.Finish();
        Assert.Null(await next);
        Assert.Equal(1, Find("b").Revision);
    }

    [Fact]
    public async Task What_may_have_been_written_is_looked_for_and_done_when_it_was()
    {
        Task<WireError?> uncertain = Put("a");
        await _store.Began();
        _store.FailAfterWriting(new RecordStoreException("the line broke") { IsUncertain = true });
        Assert.Null(await uncertain);
        Task<WireError?> next = Put("b");
        await _store.Began();
        _store.Finish();
        Assert.Null(await next);
        Assert.Equal((1, 2), (Find("a").Revision, Find("b").Revision));
    }

    [Fact]
    public async Task What_may_have_been_written_is_looked_for_also_when_rows_of_it_are_to_go()
    {
        Task<WireError?> first = Put("a");
        await _store.Began();
        _store.Finish();
        Assert.Null(await first);
        bool isDone = false;
        Task<WireError?> uncertain = _scribe.WriteAsync((number, rows) =>
        {
            rows.Add(new RecordRow((byte)BookKind.Name, "a"u8.ToArray(), null));
            rows.Add(Row("b", PublishedName.Removed(number)));
            return null;
        }, () => isDone = true);
        await _store.Began();
        _store.FailAfterWriting(new RecordStoreException("the line broke") { IsUncertain = true });
        Assert.Null(await uncertain);
        Assert.True(isDone);
        Assert.False(_book.TryFind("a"u8, out _));
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _running);
        _end.Dispose();
    }

    private Task<WireError?> Put(string name, string bytes = "x", bool isAlone = false) => _scribe.WriteAsync(
        (number, rows) =>
        {
            rows.Add(Row(name, new PublishedName(number, new FileState(5, Lists.Digest(bytes), 7), 0)));
            return null;
        }, isAlone: isAlone);

    private PublishedName Find(string name)
    {
        Assert.True(_book.TryFind(name.Utf8(), out PublishedName found));
        return found;
    }

    private static RecordRow Row(string name, PublishedName row) =>
        new((byte)BookKind.Name, name.Utf8(), row.Write());

    /// <summary>A store whose commits end when the test says so.</summary>
    private sealed class HeldStore : IRecordStore
    {
        private readonly MemoryRecordStore _rows = new();
        private readonly SemaphoreSlim _began = new(0), _finish = new(0);
        private (Exception Exception, bool IsWritten)? _failure;

        public Task Began() => _began.WaitAsync(TestContext.Current.CancellationToken);

        public void Finish() => _finish.Release();

        public void Fail(Exception exception)
        {
            _failure = (exception, false);
            Finish();
        }

        public void FailAfterWriting(Exception exception)
        {
            _failure = (exception, true);
            Finish();
        }

        public Task<long> LoadAsync(RowTaker take, CancellationToken cancellationToken) =>
            _rows.LoadAsync(take, cancellationToken);

        public async Task CommitAsync(long number, IReadOnlyList<RecordRow> rows, CancellationToken cancellationToken)
        {
            _began.Release();
            await _finish.WaitAsync(cancellationToken);
            (Exception Exception, bool IsWritten)? failure = _failure;
            _failure = null;
            if (failure?.IsWritten != false) await _rows.CommitAsync(number, rows, cancellationToken);
            if (failure is { } failed) throw failed.Exception;
        }

        public Task FollowAsync(long after, Func<RecordChange?, ValueTask> take, CancellationToken cancellationToken) =>
            _rows.FollowAsync(after, take, cancellationToken);

        public ValueTask DisposeAsync() => _rows.DisposeAsync();
    }
}
