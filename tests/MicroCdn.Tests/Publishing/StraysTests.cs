using MicroCdn.Index;
using MicroCdn.Index.Publishing;
using MicroCdn.Protocol;
using MicroCdn.Records;
using MicroCdn.Tests.Index;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Publishing;

public sealed class StraysTests
{
    private readonly Catalog _catalog = new(1);
    private readonly Book _book;
    private readonly Strays _strays;
    private readonly Server[] _servers = Lists.Alive(3);
    private long _number;

    public StraysTests()
    {
        _book = new Book(_catalog, 1);
        Fleet fleet = new(TimeProvider.System);
        _strays = new Strays(_book, _catalog, new OrderDesk(fleet, TimeProvider.System), fleet);
    }

    [Fact]
    public void A_removed_name_is_taken_out_of_what_a_server_tells_and_a_file_of_its_own_is_not()
    {
        Write("a", State("x"));
        Write("a", null);
        Assert.Null(Told(0, isWhole: true, ("a", "x", 1)));
        Assert.Equal("0", Told(0, isWhole: true, ("a", "x", 0))?.Servers);
    }

    [Fact]
    public void An_older_revision_is_taken_out_and_the_newest_is_not()
    {
        Write("a", State("x"));
        Write("a", State("y"));
        Assert.Null(Told(0, isWhole: true, ("a", "x", 1)));
        Assert.Equal("1", Told(1, isWhole: true, ("a", "y", 2))?.Servers);
        // The same bytes by another revision are the same bytes.
        Assert.Equal("0,1", Told(0, isWhole: false, ("a", "y", 1))?.Servers);
    }

    [Fact]
    public void Who_has_the_new_bytes_and_says_late_that_it_showed_the_old_ones_keeps_its_place()
    {
        Write("a", State("x"));
        Told(0, isWhole: true, ("a", "x", 1));
        Write("a", State("y"));
        _catalog.Change(0, Lists.Digested(("a", 5, "y")));
        Assert.Equal("0", Told(0, isWhole: false, ("a", "x", 1))?.Servers);
    }

    [Fact]
    public void What_the_book_never_heard_of_stays()
    {
        Assert.Equal("0", Told(0, isWhole: true, ("a", "x", 7))?.Servers);
        Write("b", State("x"));
        // A revision that is later than the book's own: the book is an older one.
        Assert.Equal("1", Told(1, isWhole: true, ("b", "x", 9))?.Servers);
    }

    private static FileState State(string bytes) => new(5, Lists.Digest(bytes), 7);

    private void Write(string name, FileState? state)
    {
        PublishedName row = state is { } bytes ? new PublishedName(++_number, bytes, 0)
            : PublishedName.Removed(++_number);
        _book.Apply(new RecordChange(_number, [new RecordRow((byte)BookKind.Name, name.Utf8(), row.Write())]));
    }

    private (long Size, FileDigest Digest, string Servers)? Told(
        int server, bool isWhole, (string Name, string Bytes, long Revision) file)
    {
        FileList list = new();
        list.Add(file.Name.Utf8(), State(file.Bytes), file.Revision);
        _strays.TakeOut(_servers[server], list, isWhole);
        if (isWhole) _catalog.Replace(server, list);
        else _catalog.Change(server, list);
        return _catalog.LookFully(file.Name, _servers);
    }
}
