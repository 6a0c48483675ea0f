using System.Security.Cryptography;
using MicroCdn.Content;
using MicroCdn.Content.Publishing;
using MicroCdn.Protocol;
using MicroCdn.Storage;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Content.Publishing;

public sealed class BlobKeeperTests : IDisposable
{
    private readonly TemporaryFolder _world = new();
    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());
    private readonly LogBook _log = new();
    private readonly List<FileDigest> _lost = [];
    private readonly ServedFolder _folder;
    private readonly ChunkLists _chunks;
    private BlobKeeper _blobs = null!;

    public BlobKeeperTests()
    {
        _world.Write("served/by hand", "x");
        _folder = new ServedFolder(_world["served"]);
        _chunks = new ChunkLists(_world["state"], _folder, new StoreHealth(_ => { }), _log);
        Open();
    }

    private ContentOptions Options => new()
    {
        Id = Names.Id("CS1"), Files = _world["served"], State = _world["state"], InBackground = Task.Run,
        AtDisk = Task.Run, LeastFreeBytes = 0, PublishedBytes = 100,
    };

    public void Dispose()
    {
        _blobs.Dispose();
        _world.Dispose();
    }

    [Fact]
    public async Task A_name_shows_what_it_was_last_given_also_after_a_restart()
    {
        FileDigest one = await BringAsync("one"), two = await BringAsync("second");
        Assert.Equal([NameResult.Done], await ShowAsync(("a", one, 1)));
        Assert.Equal([NameResult.Done], await ShowAsync(("a", two, 2)));
        Assert.Equal([NameResult.Done, NameResult.Done], await ShowAsync(("b", one, 1), ("c", one, 1)));
        Assert.Equal([NameResult.Done], await ShowAsync(("c", default, 2)));
        Reopen();
        Assert.Equal(["a=second 2", "b=one 1"], Shown());
        Assert.Equal(2, _blobs.Find(one)!.Names + _blobs.Find(two)!.Names);
    }

    [Fact]
    public async Task Names_of_one_order_are_seen_to_turn_at_once()
    {
        const int Names = 100, Orders = 100;
        FileDigest[] blobs = [await BringAsync("one"), await BringAsync("two")];
        await TurnAsync(1);
        bool isOver = false;
        int half = 0;
        Task looking = Task.Run(() =>
        {
            for (Random random = new(1); !Volatile.Read(ref isOver);)
            {
                long one = RevisionOf(random.Next(Names)), other = RevisionOf(random.Next(Names));
                if (one > other) half++;
            }
        }, TestContext.Current.CancellationToken);
        for (int order = 2; order < Orders; order++) await TurnAsync(order);
        Volatile.Write(ref isOver, true);
        await looking;
        Assert.Equal(0, half);
        Assert.Equal(Orders - 1, RevisionOf(0));

        Task<NameResult[]> TurnAsync(int order) => ShowAsync(
            [.. Enumerable.Range(0, Names).Select(name => ($"{name}", blobs[order % 2], (long)order))]);

        long RevisionOf(int name) => _blobs.Published.FileOf($"{name}".Utf8())!.Revision;
    }

    [Fact]
    public async Task Of_names_that_belong_together_all_are_shown_or_none()
    {
        FileDigest one = await BringAsync("one");
        Assert.Equal([NameResult.WithOthers, NameResult.Missing, NameResult.WithOthers],
            await ShowAsync(("a", one, 1), ("b", Of("nowhere"), 1), ("c", one, 1)));
        Assert.Empty(Shown());
    }

    [Fact]
    public async Task A_name_never_goes_back_to_an_earlier_revision()
    {
        FileDigest one = await BringAsync("one"), two = await BringAsync("second");
        await ShowAsync(("a", two, 5));
        Assert.Equal([NameResult.Stale], await ShowAsync(("a", one, 4)));
        Assert.Equal([NameResult.Stale], await ShowAsync(("a", default, 4)));
        Assert.Equal([NameResult.Done], await ShowAsync(("a", two, 5)));
        Assert.Equal(["a=second 5"], Shown());
        Assert.Equal([NameResult.Done], await ShowAsync(("a", default, 5)));
        Assert.Empty(Shown());
    }

    [Fact]
    public async Task What_no_name_shows_any_more_stays_ten_minutes_and_what_none_has_shown_a_day()
    {
        FileDigest one = await BringAsync("one"), two = await BringAsync("second");
        await ShowAsync(("a", one, 1));
        await ShowAsync(("a", default, 2));
        _time.Advance(Published.Grace - TimeSpan.FromSeconds(2));
        await _blobs.ExpireAsync();
        Assert.Equal("one", Read(one));
        _time.Advance(TimeSpan.FromSeconds(3));
        await _blobs.ExpireAsync();
        Assert.Null(Read(one));
        _time.Advance(BlobKeeper.StagedTime - Published.Grace - TimeSpan.FromMinutes(1));
        await _blobs.ExpireAsync();
        Assert.Equal("second", Read(two));
        // Asked for again, it stays for another.
        Assert.True(await _blobs.KeepAsync(two));
        _time.Advance(TimeSpan.FromHours(23));
        await _blobs.ExpireAsync();
        Assert.Equal("second", Read(two));
        _time.Advance(TimeSpan.FromHours(2));
        await _blobs.ExpireAsync();
        Assert.Null(Read(two));
        Assert.Equal(100, _blobs.Room.Free);
    }

    [Fact]
    public async Task What_a_name_shows_is_not_forgotten_and_what_downloads_may_need_not_at_once()
    {
        FileDigest one = await BringAsync("one"), two = await BringAsync("second");
        await ShowAsync(("a", one, 1));
        Assert.False(await _blobs.ForgetAsync(one));
        Assert.True(await _blobs.ForgetAsync(two));
        Assert.Null(Read(two));
        await ShowAsync(("a", default, 1));
        Assert.True(await _blobs.ForgetAsync(one));
        Assert.Equal("one", Read(one));
        _time.Advance(Published.Grace);
        await _blobs.ExpireAsync();
        Assert.Null(Read(one));
        Assert.True(await _blobs.ForgetAsync(one));
    }

    [Fact]
    public async Task No_more_is_taken_than_may_be_kept_and_what_goes_makes_room()
    {
        FileDigest big = await BringAsync(new string('x', 90));
        Assert.False(_blobs.TryReserve(11));
        Assert.True(_blobs.TryReserve(10));
        Assert.False(_blobs.TryReserve(1));
        _blobs.Unreserve(10);
        Assert.Equal((100, 10), _blobs.Room);
        await _blobs.ForgetAsync(big);
        Assert.True(_blobs.TryReserve(100));
    }

    [Fact]
    public async Task A_blob_that_is_gone_or_cut_is_withdrawn_with_its_names_and_told()
    {
        FileDigest one = await BringAsync("one"), two = await BringAsync("second");
        await ShowAsync(("a", one, 1), ("b", one, 1), ("c", two, 1));
        File.WriteAllText(_blobs.Folder!.PathOf(one), "o");
        Assert.Null(Read(one));
        await Until(() => _lost.Count > 0);
        Assert.Equal(["c=second 1"], Shown());
        Assert.Equal([one], _lost);
        Assert.Null(_blobs.Find(one));
        Reopen();
        Assert.Equal(["c=second 1"], Shown());
        Assert.False(File.Exists(_blobs.Folder!.PathOf(one)));
    }

    [Fact]
    public async Task Whole_bytes_that_a_crash_left_unwritten_down_are_kept_and_wrong_ones_are_not()
    {
        FileDigest right = Of("right"), wrong = Of("what it should be");
        Write(right, "right");
        Write(wrong, "what it should be"[..^1] + "!");
        Reopen();
        using CancellationTokenSource stop = new();
        Task sweep = new BlobSweep(Options, _blobs, _chunks, _time, _log).RunAsync(stop.Token);
        await Until(() => Read(right) == "right" && !File.Exists(_blobs.Folder!.PathOf(wrong)));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sweep);
        Assert.Null(_blobs.Find(wrong));
        Reopen();
        Assert.Equal("right", Read(right));
    }

    [Fact]
    public void A_folder_that_somebody_else_uses_is_said_and_nothing_is_kept()
    {
        using BlobKeeper second = new(Options, _folder, new StoreHealth(_ => { }), _time, _log, () => { });
        second.Open();
        Assert.False(second.IsOpen);
        Assert.False(second.TryReserve(1));
        Assert.Contains(_log.Lines, line => line.Contains("another process", StringComparison.Ordinal));
    }

    private void Open()
    {
        _blobs = new BlobKeeper(Options, _folder, new StoreHealth(_ => { }), _time, _log, () => { })
        {
            Lost = _lost.Add,
        };
        _blobs.Open();
        Assert.True(_blobs.IsOpen);
    }

    private void Reopen()
    {
        _blobs.Dispose();
        Open();
    }

    private async Task<FileDigest> BringAsync(string text)
    {
        FileDigest digest = Of(text);
        Write(digest, text);
        await _blobs.AddAsync(new Blob(digest, text.Length, Chunks.RootOfOne(text.Length, digest)));
        return digest;
    }

    private void Write(FileDigest digest, string text)
    {
        using BlobPart part = _blobs.Folder!.Begin(digest, text.Length);
        part.Write(0, text.Utf8());
        part.Commit();
    }

    private Task<NameResult[]> ShowAsync(params (string Name, FileDigest Digest, long Revision)[] changes) =>
        _blobs.ChangeAsync([.. changes.Select(one => new NameChange(one.Name.Utf8(), one.Digest, one.Revision, 7))]);

    private string[] Shown() => [.. _blobs.Published.All()
        .Select(file => $"{System.Text.Encoding.UTF8.GetString(file.Name)}={Read(file.Blob.Digest)} {file.Revision}")
        .Order(StringComparer.Ordinal)];

    private string? Read(FileDigest digest)
    {
        if (_blobs.Find(digest) is not { } blob) return null;
        using FolderFile? file = _blobs.OpenFile(blob, out _);
        byte[] bytes = new byte[blob.Size];
        return file?.Read(bytes, 0) == bytes.Length ? System.Text.Encoding.UTF8.GetString(bytes) : null;
    }

    private static async Task Until(Func<bool> condition)
    {
        while (!condition()) await Task.Yield();
    }

    private static FileDigest Of(string text) => new(SHA256.HashData(text.Utf8()));
}
