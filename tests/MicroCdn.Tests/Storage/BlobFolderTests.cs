using System.Security.Cryptography;
using MicroCdn.Protocol;
using MicroCdn.Storage;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Storage;

public sealed class BlobFolderTests : IDisposable
{
    private readonly TemporaryFolder _world = new();
    private readonly BlobFolder _folder;
    private readonly byte[] _large = new byte[(2 * Chunks.Bytes) + 5];

    public BlobFolderTests()
    {
        _folder = BlobFolder.Open(_world["published"], new StoreHealth(_ => { }));
        new Random(1).NextBytes(_large);
    }

    public void Dispose()
    {
        _folder.Dispose();
        _world.Dispose();
    }

    [Fact]
    public void A_blob_is_there_under_its_digest_once_it_is_committed()
    {
        FileDigest digest = Of("Hello"u8);
        using (BlobPart part = _folder.Begin(digest, 5))
        {
            part.Write(0, "Hello"u8);
            Assert.False(_folder.Has(digest, 5));
            part.Commit();
        }
        Assert.True(_folder.Has(digest, 5));
        Assert.False(_folder.Has(digest, 6));
        using FolderFile? file = _folder.OpenFile(digest, out _);
        byte[] bytes = new byte[5];
        Assert.Equal(5, file!.Read(bytes, 0));
        Assert.Equal("Hello"u8, bytes);
        Assert.Equal([digest], Sweep());
        _folder.Delete(digest);
        Assert.Null(_folder.OpenFile(digest, out OpenFailure failure));
        Assert.Equal(OpenFailure.Missing, failure);
    }

    [Fact]
    public void A_long_one_that_breaks_off_is_gone_on_with_and_a_short_one_begun_anew()
    {
        FileDigest digest = Of(_large);
        using (BlobPart part = _folder.Begin(digest, _large.Length))
        {
            part.Keep = true;
            part.Write(0, _large.AsSpan(0, Chunks.Bytes));
            Assert.Throws<BusyFileException>(() => _folder.Begin(digest, _large.Length));
        }
        using (BlobPart part = _folder.Begin(digest, _large.Length)) Assert.Equal(1, part.Claimed);
        using (BlobPart part = _folder.Begin(digest, _large.Length)) Assert.Equal(0, part.Claimed);
    }

    [Fact]
    public void Parts_that_nobody_goes_on_with_are_swept_and_what_is_somebodys_is_left()
    {
        FileDigest digest = Of(_large);
        using (BlobPart part = _folder.Begin(digest, _large.Length))
        {
            part.Keep = true;
            part.Write(0, _large.AsSpan(0, Chunks.Bytes));
        }
        string shelf = Path.GetDirectoryName(_folder.PathOf(digest))!;
        string left = Path.Combine(shelf, $".{digest}"[..41] + ".0123456789ab.part");
        File.WriteAllText(left, "of a process that was killed");
        File.WriteAllText(Path.Combine(shelf, "README"), "somebody's");
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        Assert.Empty(Sweep(began: now - TimeSpan.FromHours(1)));
        Assert.True(File.Exists(left), "it may be of this process");
        Assert.Equal(4, Directory.GetFiles(shelf).Length);
        Assert.Empty(Sweep(began: now + TimeSpan.FromHours(1), now: now + TimeSpan.FromHours(1)));
        Assert.Equal([$"{digest}.part", $"{digest}.part.marks", "README"],
            Directory.GetFiles(shelf).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Empty(Sweep(began: now, now: now + TimeSpan.FromDays(2)));
        Assert.Equal(["README"], Directory.GetFiles(shelf).Select(Path.GetFileName));
    }

    [Fact]
    public void A_second_process_is_kept_out_with_a_sentence()
    {
        IOException refused = Assert.Throws<IOException>(
            () => BlobFolder.Open(_world["published"], new StoreHealth(_ => { })));
        Assert.Contains("another process", refused.Message, StringComparison.Ordinal);
    }

    private List<FileDigest> Sweep(DateTimeOffset? began = null, DateTimeOffset? now = null)
    {
        List<FileDigest> found = [];
        DateTimeOffset wall = TimeProvider.System.GetUtcNow();
        _folder.Sweep((digest, _) => found.Add(digest), began ?? wall, now ?? wall);
        return found;
    }

    private static FileDigest Of(ReadOnlySpan<byte> bytes) => new(SHA256.HashData(bytes));
}
