using System.Text;
using MicroCdn.Index;
using MicroCdn.Index.Publishing;
using MicroCdn.Protocol;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Index;

public sealed class FileSearchTests
{
    private readonly Catalog _catalog = new(1);
    private readonly Router _router;

    public FileSearchTests() => _router = new Router(_catalog, new Fleet(new FakeTimeProvider()), new Chance(1));

    [Fact]
    public void Names_come_in_their_order_and_page_by_page()
    {
        Publish("iso/b", "a", "iso/c", "iso/a", "z");
        Assert.Equal(["a", "iso/a"], Find(most: 2, hasMore: true));
        Assert.Equal(["iso/b", "iso/c"], Find(after: "iso/a", most: 2, hasMore: true));
        Assert.Equal(["z"], Find(after: "iso/c", most: 2));
        Assert.Empty(Find(after: "z"));
    }

    [Fact]
    public void Text_is_found_anywhere_in_a_name_in_small_and_capital_letters()
    {
        Publish("Debian-12.ISO", "debian/x", "grüße.txt", "other", "aab");
        Assert.Equal(["Debian-12.ISO", "debian/x"], Find("DEBIAN"));
        Assert.Equal(["Debian-12.ISO"], Find("iso"));
        Assert.Equal(["grüße.txt"], Find("üß"));
        Assert.Equal(["aab"], Find("ab"));
        Assert.Empty(Find("nothing of the kind, and longer than any name"));
    }

    [Fact]
    public void A_prefix_narrows_a_search_down()
    {
        Publish("iso/x1", "deb/x2", "iso/y");
        Assert.Equal(["iso/x1"], Find("x", prefix: "iso/"));
    }

    [Fact]
    public void What_was_removed_and_nobody_has_is_not_found()
    {
        Publish("a", "b");
        _catalog.Retract("a"u8);
        Assert.Equal(["b"], Find());
    }

    [Fact]
    public void Published_files_that_miss_copies_can_be_asked_for()
    {
        Publish("a");
        FileList list = new();
        list.Add("own"u8, 5);
        _catalog.Replace(0, list);
        Assert.Equal(["a"], Find(isMissing: true));
        Assert.Equal(["a", "own"], Find());
    }

    private void Publish(params string[] names)
    {
        long revision = 0;
        foreach (string name in names)
        {
            FileState state = new(5, new FileDigest(Enumerable.Repeat((byte)1, 32).ToArray()), 7);
            _catalog.Publish(Encoding.UTF8.GetBytes(name), new PublishedName(++revision, state, 0));
        }
    }

    private string[] Find(string text = "", string prefix = "", string after = "", bool isMissing = false,
        int most = 10, bool hasMore = false)
    {
        FileSearch search = new(Encoding.UTF8.GetBytes(text), Encoding.UTF8.GetBytes(prefix),
            Encoding.UTF8.GetBytes(after), isMissing, most);
        List<FoundFile> found = new FileFinder(_router, () => PolicyTable.Empty).Find(search, out bool more);
        Assert.Equal(hasMore, more);
        return [.. found.Select(file => Encoding.UTF8.GetString(file.Name))];
    }
}
