using System.Text;
using MicroCdn.Storage;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Storage;

public sealed class CacheFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_was_put_in_is_there_for_every_process()
    {
        new CacheFolder(_folder["cache"]).Put("one key", "one"u8);
        new CacheFolder(_folder["cache"]).Put("other key", "other"u8);
        new CacheFolder(_folder["cache"]).Put("one key", "newer"u8);
        Assert.Equal("newer", Get("one key"));
        Assert.Equal("other", Get("other key"));
        Assert.Null(Get("no key"));
    }

    [Fact]
    public void An_entry_that_is_cut_or_changed_anywhere_is_none()
    {
        new CacheFolder(_folder["cache"]).Put("key", "entry"u8);
        string file = Assert.Single(Directory.GetFiles(_folder["cache"]));
        byte[] whole = File.ReadAllBytes(file);
        for (int at = 0; at < whole.Length; at++)
        {
            File.WriteAllBytes(file, whole[..at]);
            Assert.Null(Get("key"));
            byte[] changed = [.. whole];
            changed[at] ^= 1;
            File.WriteAllBytes(file, changed);
            Assert.Null(Get("key"));
        }
    }

    [Fact]
    public void Many_at_once_forget_nothing()
    {
        Parallel.For(0, 200, number =>
            new CacheFolder(_folder["cache"]).Put($"key {number}", Encoding.UTF8.GetBytes($"entry {number}")));
        Assert.All(Enumerable.Range(0, 200), number => Assert.Equal($"entry {number}", Get($"key {number}")));
        Assert.Equal(200, Directory.GetFiles(_folder["cache"]).Length);
    }

    [Fact]
    public void It_stays_bounded_and_the_newest_stay()
    {
        CacheFolder cache = new(_folder["cache"]);
        for (int number = 0; number < 700; number++) cache.Put($"key {number}", "entry"u8);
        Assert.InRange(Directory.GetFiles(_folder["cache"]).Length, 100, 512);
        Assert.NotNull(Get("key 699"));
        cache.Put("large", new byte[CacheFolder.EntryBytes + 1]);
        Assert.Null(Get("large"));
    }

    [Fact]
    public void A_folder_that_cannot_be_made_costs_nothing()
    {
        _folder.Write("cache", "a file");
        new CacheFolder(_folder["cache"]).Put("key", "entry"u8);
        Assert.Null(Get("key"));
    }

    private string? Get(string key) =>
        new CacheFolder(_folder["cache"]).Get(key) is { } entry ? Encoding.UTF8.GetString(entry) : null;
}
