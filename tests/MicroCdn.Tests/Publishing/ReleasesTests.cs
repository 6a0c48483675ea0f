using System.Text;
using CsCheck;
using MicroCdn.Index;
using MicroCdn.Index.Publishing;
using MicroCdn.Protocol;
using MicroCdn.Records;
using MicroCdn.Tests.Index;

namespace MicroCdn.Tests.Publishing;

public sealed class ReleasesTests
{
    private static readonly Gen<ReleaseHead> Heads = Gen.Select(Gen.Byte[1, 3], Gen.Long[1, long.MaxValue],
        Gen.Long[0, Limits.UnixSeconds], Gen.Long[0, long.MaxValue], Gen.Long[0, long.MaxValue]).Select(
        (state, revision, time, files, bytes) => new ReleaseHead((ReleaseState)state, revision, time, files, bytes));

    private readonly Catalog _catalog = new(1);
    private readonly Book _book;
    private readonly Server[] _servers = Lists.Alive(4);
    private long _number;

    public ReleasesTests() => _book = new Book(_catalog, 1);

    [Fact]
    public void A_head_comes_back_as_it_was_written_and_a_cut_one_is_none() => Heads.Sample(head =>
    {
        byte[] value = head.Write();
        Assert.True(ReleaseHead.TryRead(value, out ReleaseHead read) && read == head);
        for (int length = 0; length < value.Length; length++)
        {
            Assert.False(ReleaseHead.TryRead(value.AsSpan(0, length), out _));
        }
        value[1] = 9;
        Assert.False(ReleaseHead.TryRead(value, out _));
    }, iter: 50);

    [Fact]
    public void What_is_staged_is_hidden_until_it_is_taken_out()
    {
        Apply(Row(BookKind.Release, "v1", Head(ReleaseState.Staged)),
            Row(BookKind.Release, "v1\0a", File(1, "x").Write()), Row(BookKind.Release, "v1\0b", File(1, "y").Write()),
            Row(BookKind.Release, "v1\0c", PublishedName.Removed(1).Write()));
        Assert.Equal(["a", "b"], Hidden());
        Assert.Null(Look("a"));
        Assert.Equal(("v1", 3, 3), Assert.Single(_book.Releases.All) is var one
            ? (one.Name.Value, one.Staged, _book.Releases.StagedCount) : default);
        Apply(Row(BookKind.Release, "v1\0a", null), Row(BookKind.Undo, "v1\0a", File(1, "old").Write()));
        Assert.Equal(["a", "b"], Hidden());
        Apply(Row(BookKind.Release, "v1\0b", null), Row(BookKind.Release, "v1\0c", null),
            Row(BookKind.Release, "v1", null), Row(BookKind.Undo, "v1\0a", null));
        Assert.Empty(Hidden());
        Assert.Empty(_book.Releases.All);
        Assert.Equal(0, _book.Releases.StagedCount);
    }

    [Fact]
    public void Another_edition_is_told_by_its_number_also_of_a_release_that_was_gone()
    {
        HashSet<long> editions = [];
        for (int time = 0; time < 3; time++)
        {
            Apply(Row(BookKind.Release, "v\0a", File(1, "x").Write()));
            Assert.True(editions.Add(_book.Releases.StagedIn(Id("v")).Edition));
            Apply(Row(BookKind.Release, "v\0a", File(1, "y").Write()));
            Assert.True(editions.Add(_book.Releases.StagedIn(Id("v")).Edition));
            Apply(Row(BookKind.Release, "v\0a", null));
        }
    }

    [Theory]
    [InlineData("v1")]
    [InlineData("v1\0../a")]
    [InlineData("\0a")]
    public void A_row_that_is_none_is_named(string key)
    {
        byte[] row = Encoding.UTF8.GetBytes(key);
        var broken = Assert.Throws<RecordStoreException>(
            () => _book.Load((byte)BookKind.Undo, row, File(1, "x").Write()));
        Assert.Contains("kind 7", broken.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Who_has_the_new_bytes_is_known_in_the_step_in_which_they_are_published()
    {
        Tell(0, "a", "x");
        Tell(1, "a", "x");
        Publish("a", "x", [0, 1]);
        Assert.Equal("0,1", Look("a")?.Servers);
        Tell(3, "a", "other");
        Publish("a", "y", [1, 2]);
        Assert.Equal((Lists.Digest("y"), "1,2"), Look("a"));
        // The same again, and with somebody more who had them.
        Publish("a", "y", [0]);
        Assert.Equal((Lists.Digest("y"), "0,1,2"), Look("a"));
        _book.Expect("a"u8, [0, 1, 2]);
        Apply(Row(BookKind.Name, "a", PublishedName.Removed(_number + 1).Write()));
        Assert.Equal((Lists.Digest("other"), "3"), Look("a"));
        Tell(3, "a", null);
        Assert.Equal(0, _catalog.Count);
    }

    [Fact]
    public void That_copies_are_to_be_spread_is_kept_beside_their_number()
    {
        Publish("a", "x", [0], isSpread: true);
        Assert.True(_book.TryFind("a"u8, out PublishedName published));
        Assert.Equal((3, true, 1L), (published.Replicas, published.IsSpread, published.Revision));
        Assert.True(PublishedName.TryRead(published.Write(), out PublishedName read) && read == published);
        Publish("b", "x", []);
        Assert.True(_book.TryFind("b"u8, out published) && !published.IsSpread);
    }

    [Fact]
    public async Task Names_of_one_change_are_seen_to_turn_at_once()
    {
        const int Names = 200, Changes = 300;
        for (int name = 0; name < Names; name++) Publish($"{name}", "0", [1, 2]);
        long first = _number + 1;
        bool isOver = false;
        int half = 0;
        Task looking = Task.Run(() =>
        {
            for (Random random = new(1); !Volatile.Read(ref isOver);)
            {
                long one = RevisionOf(random.Next(Names)), other = RevisionOf(random.Next(Names));
                if (one >= first && one > other) half++;
            }
        }, TestContext.Current.CancellationToken);
        for (int change = 0; change < Changes; change++)
        {
            Apply([.. Enumerable.Range(0, Names).Select(name =>
                Row(BookKind.Name, $"{name}", File(_number + 1, $"{change % 2}").Write()))]);
        }
        Volatile.Write(ref isOver, true);
        await looking;
        Assert.Equal(0, half);
        Assert.Equal(_number, RevisionOf(0));
    }

    private long RevisionOf(int name) =>
        _book.TryFind(Encoding.UTF8.GetBytes($"{name}"), out PublishedName found) ? found.Revision : 0;

    private void Publish(string name, string bytes, ushort[] holders, bool isSpread = false)
    {
        _book.Expect(Encoding.UTF8.GetBytes(name), holders);
        Apply(Row(BookKind.Name, name, (File(_number + 1, bytes) with { IsSpread = isSpread }).Write()));
    }

    private void Apply(params RecordRow[] rows) => _book.Apply(new RecordChange(++_number, rows));

    private void Tell(int server, string name, string? bytes)
    {
        FileList list = new();
        if (bytes is null) list.Remove(Encoding.UTF8.GetBytes(name));
        else list.Add(Encoding.UTF8.GetBytes(name), new FileState(5, Lists.Digest(bytes), -1));
        _catalog.Change(server, list);
    }

    private (FileDigest Digest, string Servers)? Look(string name)
    {
        Catalog.View view = _catalog.Now;
        int row = view.Find(Encoding.UTF8.GetBytes(name));
        if (row < 0) return null;
        ushort[] holders = view.Holders(row, _servers, out FileState state);
        return holders.Length == 0 ? null : (state.Digest, string.Join(',', holders));
    }

    private IEnumerable<string> Hidden() =>
        _book.Releases.Hidden.Select(file => Encoding.UTF8.GetString(file.Name)).Order(StringComparer.Ordinal);

    private static byte[] Head(ReleaseState state) => new ReleaseHead(state, 1, 1, 0, 0).Write();

    private static PublishedName File(long revision, string bytes) =>
        new(revision, new FileState(5, Lists.Digest(bytes), 7), 3);

    private static RecordRow Row(BookKind kind, string key, byte[]? value) =>
        new((byte)kind, Encoding.UTF8.GetBytes(key), value);

    private static ServerId Id(string text) => ServerId.TryCreate(text, out ServerId id) ? id : default;
}
