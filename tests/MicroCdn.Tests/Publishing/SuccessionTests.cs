using System.Net;
using MicroCdn.Index;
using MicroCdn.Index.Publishing;
using MicroCdn.Protocol;
using MicroCdn.Records;
using MicroCdn.Tests.Index;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Publishing;

public sealed class SuccessionTests : IAsyncDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly CancellationTokenSource _end = new();
    private readonly ScriptedStore _store = new();
    private readonly LogBook _log = new();
    private readonly Catalog _catalog = new(1);
    private readonly Fleet _fleet;
    private readonly Applied _applied;
    private readonly Book _book;
    private readonly Task _writing;
    private readonly Succession _succession;

    public SuccessionTests()
    {
        _fleet = new Fleet(_time);
        _applied = new Applied(new Router(_catalog, _fleet, new Chance(1)), NullLogger.Instance);
        _book = new Book(_catalog, 1);
        _writing = _applied.RunAsync(_end.Token);
        _succession = new Succession(
            _store, "me:5050", _book, new Foretold(_book, _catalog, _fleet, _time), _applied, _time, _log);
    }

    [Fact]
    public async Task Whoever_finds_the_desk_empty_and_has_read_everything_is_the_writer()
    {
        _store.Free(last: 2);
        Task<IWriterLease> leading = _succession.FollowAsync(_end.Token);
        _store.Write(1, "a");
        await UntilAsync(() => _book.Number == 1);
        Assert.False(leading.IsCompleted);
        _store.Write(2, "b");
        Assert.Equal(2, (await AdvancingAsync(leading)).LastNumber);
        Assert.True(_book.TryFind("b"u8, out _));
        Assert.Null(_succession.Writer);
    }

    [Fact]
    public async Task It_follows_the_writer_and_says_where_that_is_until_it_is_gone()
    {
        _store.Holder = "other:5050";
        Task<IWriterLease> leading = _succession.FollowAsync(_end.Token);
        _store.Write(1, "a");
        await UntilAsync(() => _book.Number == 1 && _succession.Writer == "other:5050");
        Assert.False(leading.IsCompleted);
        _store.Free(last: 1);
        await AdvancingAsync(leading);
        Assert.Contains(_log.Lines, line => line.Contains("follows the writer, other:5050", StringComparison.Ordinal));
    }

    [Fact]
    public async Task With_the_store_away_nobody_is_the_writer_and_it_is_said_once()
    {
        _store.Trouble = new RecordStoreException("Redis is away") { IsAway = true };
        Task<IWriterLease> leading = _succession.FollowAsync(_end.Token);
        await UntilAsync(() => _log.Lines.Length > 0 && _store.Claims > 5);
        Assert.Null(_succession.Writer);
        Assert.Contains("Redis is away", Assert.Single(_log.Lines), StringComparison.Ordinal);
        (_store.Trouble, _store.Holder) = (null, "other:5050");
        await UntilAsync(() => _succession.Writer == "other:5050");
        Assert.False(leading.IsCompleted);
    }

    [Fact]
    public async Task What_is_too_old_to_be_followed_is_loaded_anew_before_it_leads()
    {
        _store.Free(last: 9);
        _store.Loads = [("x", 8), ("y", 9)];
        Task<IWriterLease> leading = _succession.FollowAsync(_end.Token);
        _store.Write(0, null);
        await AdvancingAsync(leading);
        Assert.Equal(9, _book.Number);
        Assert.True(_book.TryFind("y"u8, out PublishedName name));
        Assert.Equal(9, name.Revision);
    }

    [Fact]
    public async Task A_lease_that_is_lost_before_all_is_read_is_given_back_and_claimed_anew()
    {
        ScriptedLease first = _store.Free(last: 2);
        Task<IWriterLease> leading = _succession.FollowAsync(_end.Token);
        await UntilAsync(() => _store.Claims > 0);
        _store.Holder = "other:5050";
        first.Lose();
        await UntilAsync(() => first.IsDisposed && _succession.Writer == "other:5050");
        Assert.False(leading.IsCompleted);
    }

    // It would not be found: nobody is known yet who has what the next writer put in its place.
    [Fact]
    public async Task Whoever_wrote_and_follows_again_waits_for_the_servers_from_the_first_change_on()
    {
        ScriptedLease lease = _store.Free(last: 1);
        _store.Write(1, "a");
        await AdvancingAsync(_succession.FollowAsync(_end.Token));
        Server server = _fleet.Enlist(Names.Id("CS1"))!;
        _fleet.Registered(server, new Contact(server.Id, IPAddress.Loopback, 7001, 7002, new ServerFacts()));
        _catalog.Replace(server.Number, Lists.Digested(("a", 5, "x")));
        lease.Lose();

        _store.ClaimsGoOn = new TaskCompletionSource();
        _store.Holder = "other:5050";
        _store.Write(2, "a", "y");
        Task<IWriterLease> leading = _succession.FollowAsync(_end.Token);
        Assert.Equal(2, _store.Taken);
        for (int round = 0; round < 40; round++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(100));
            // What was to be done before is done.
            await _applied.DoAsync(() => { });
            Assert.True(_catalog.Now.TryPublished("a"u8, out PublishedName name) && name.Revision == 1);
        }
        _store.ClaimsGoOn.SetResult();
        await UntilAsync(() => _book.Number == 2);
        Assert.False(leading.IsCompleted);
    }

    [Fact]
    public async Task Whoever_ends_while_it_has_the_lease_gives_it_back()
    {
        ScriptedLease lease = _store.Free(last: 5);
        using CancellationTokenSource end = new();
        Task<IWriterLease> leading = _succession.FollowAsync(end.Token);
        await UntilAsync(() => _store.Claims > 0);
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leading);
        Assert.True(lease.IsDisposed);
    }

    [Theory]
    [InlineData(0, null)]
    [InlineData(7, null)]
    [InlineData(8, 8)]
    public void It_is_behind_when_it_could_not_look_for_longer_than_usual(int silence, int? behind)
    {
        _store.Silence = TimeSpan.FromSeconds(silence);
        Assert.Equal(behind, (int?)_succession.Behind?.TotalSeconds);
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _writing);
        _end.Dispose();
    }

    private async Task<T> AdvancingAsync<T>(Task<T> task)
    {
        await UntilAsync(() => task.IsCompleted);
        return await task;
    }

    // Time goes on until it is so.
    private async Task UntilAsync(Func<bool> holds)
    {
        using CancellationTokenSource broken = new(TimeSpan.FromSeconds(60));
        while (!holds())
        {
            broken.Token.ThrowIfCancellationRequested();
            _time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
        }
    }

    private sealed class ScriptedLease(long last) : IWriterLease
    {
        private readonly TaskCompletionSource<string> _lost = new();

        public long LastNumber => last;

        public Task<string> Lost => _lost.Task;

        public bool IsDisposed { get; private set; }

        public void Lose() => _lost.SetResult("other:5050");

        public ValueTask DisposeAsync()
        {
            IsDisposed = true;
            return default;
        }
    }

    private sealed class ScriptedStore : ISharedRecordStore
    {
        private readonly System.Threading.Channels.Channel<RecordChange?> _changes =
            System.Threading.Channels.Channel.CreateUnbounded<RecordChange?>();

        private ScriptedLease? _lease;

        public TimeSpan Silence { get; set; }

        public string Holder { get; set; } = "";

        public RecordStoreException? Trouble { get; set; }

        public int Claims { get; private set; }

        // Claims are not answered before.
        public TaskCompletionSource? ClaimsGoOn { get; set; }

        // How many changes were handed over.
        public int Taken { get; private set; }

        public (string Name, long Revision)[] Loads { get; set; } = [];

        public ScriptedLease Free(long last)
        {
            Holder = "";
            return _lease = new ScriptedLease(last);
        }

        public void Write(long number, string? name, string bytes = "x") => _changes.Writer.TryWrite(
            name is null ? null : new RecordChange(number, [Row(name, number, bytes)]));

        public async Task<(IWriterLease? Lease, string Holder)> ClaimLeaseAsync(
            string address, CancellationToken cancellationToken)
        {
            Assert.Equal("me:5050", address);
            Claims++;
            if (Trouble is { } trouble) throw trouble;
            if (ClaimsGoOn is { } wait) await wait.Task;
            return Holder.Length == 0 ? (_lease, "") : (null, Holder);
        }

        public async Task FollowAsync(
            long after, Func<RecordChange?, ValueTask> take, CancellationToken cancellationToken)
        {
            while (true)
            {
                RecordChange? change = await _changes.Reader.ReadAsync(cancellationToken);
                Taken++;
                await take(change);
                if (change is null) return;
            }
        }

        public Task<long> LoadAsync(RowTaker take, CancellationToken cancellationToken)
        {
            foreach ((string name, long revision) in Loads)
            {
                RecordRow row = Row(name, revision);
                take(row.Kind, row.Key, row.Value!);
            }
            return Task.FromResult(Loads[^1].Revision);
        }

        public Task CommitAsync(long number, IReadOnlyList<RecordRow> rows, CancellationToken cancellationToken) =>
            throw new InvalidOperationException("nobody writes here");

        public ValueTask DisposeAsync() => default;

        private static RecordRow Row(string name, long number, string bytes = "x") => new((byte)BookKind.Name,
            name.Utf8(), new PublishedName(number, new FileState(5, Lists.Digest(bytes), 7), 0).Write());
    }
}
