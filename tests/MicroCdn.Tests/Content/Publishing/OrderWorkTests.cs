using System.Security.Cryptography;
using MicroCdn.Content;
using MicroCdn.Content.Publishing;
using MicroCdn.Protocol;
using MicroCdn.Storage;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Content.Publishing;

public sealed class OrderWorkTests : IDisposable
{
    private readonly TemporaryFolder _world = new();
    private readonly FakeTimeProvider _time = new();
    private readonly ServedFolder _folder;
    private readonly List<Action> _strokes = [];
    private readonly BlobKeeper _blobs;
    private readonly OrderWork _work;
    private readonly ReceiptLink _receipts;
    private bool _isHeldUp;

    public OrderWorkTests()
    {
        _world.Write("served/by hand", "x");
        _folder = new ServedFolder(_world["served"]);
        ContentOptions options = new()
        {
            Id = Names.Id("CS1"), Files = _world["served"], State = _world["state"], LeastFreeBytes = 0,
            AtDisk = AtDisk,
        };
        LogBook log = new();
        StoreHealth health = new(_ => { });
        _blobs = new BlobKeeper(options, _folder, health, _time, log, () => { });
        _blobs.Open();
        _receipts = new ReceiptLink(_time);
        _work = new OrderWork(options, _blobs, new ChunkLists(_world["state"], _folder, health, log),
            null!, log);
    }

    public void Dispose()
    {
        _work.Dispose();
        _blobs.Dispose();
        _world.Dispose();
    }

    // Each is an fsync, and a put waits for it: sixteen clients would wait for one another.
    [Fact]
    public async Task Orders_about_different_names_that_came_together_are_written_with_one_stroke()
    {
        FileDigest digest = await BringAsync("one");
        _isHeldUp = true;
        Task done = _work.DoAsync([Show("1", "a", digest, 1), Show("2", "b", digest, 1), Show("3", "c", digest, 1)],
            _receipts, CancellationToken.None);
        Assert.Single(_strokes)();
        await done;
        Assert.Single(_strokes);
        Assert.Equal(3, _blobs.Published.Count);
        Assert.Equal(3, _receipts.Count);
    }

    [Fact]
    public async Task Orders_about_one_name_are_carried_out_in_their_sequence()
    {
        FileDigest one = await BringAsync("one"), two = await BringAsync("two");
        await _work.DoAsync([Show("1", "a", one, 1), Drop("2", "a", 2), Show("3", "a", two, 3)],
            _receipts, CancellationToken.None);
        Assert.Equal(two, _blobs.Published.FileOf("a"u8)!.Blob.Digest);
        Assert.Equal(3, _receipts.Count);
    }

    private Task AtDisk(Action work)
    {
        if (_isHeldUp) _strokes.Add(work);
        else work();
        return Task.CompletedTask;
    }

    private static OrderLine Show(string word, string name, FileDigest digest, long revision) =>
        new(OrderKind.Show, word) { Name = Names.Of(name), Digest = digest, Revision = revision, Seconds = 7 };

    private static OrderLine Drop(string word, string name, long revision) =>
        new(OrderKind.Drop, word) { Name = Names.Of(name), Revision = revision };

    private async Task<FileDigest> BringAsync(string text)
    {
        FileDigest digest = new(SHA256.HashData(text.Utf8()));
        using (BlobPart part = _blobs.Folder!.Begin(digest, text.Length))
        {
            part.Write(0, text.Utf8());
            part.Commit();
        }
        await _blobs.AddAsync(new Blob(digest, text.Length, Chunks.RootOfOne(text.Length, digest)));
        return digest;
    }
}
