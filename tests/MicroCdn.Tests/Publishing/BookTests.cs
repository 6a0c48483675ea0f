using CsCheck;
using MicroCdn.Index;
using MicroCdn.Index.Publishing;
using MicroCdn.Protocol;
using MicroCdn.Records;
using MicroCdn.Tests.Index;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Publishing;

public sealed class BookTests
{
    private static readonly Gen<FileDigest> Digests = Gen.Byte.Array[FileDigest.Length].Select(bytes =>
    {
        bytes[0] |= 1;
        return new FileDigest(bytes);
    });

    private static readonly Gen<PublishedName> Rows = Gen.Select(Gen.Long[1, 1L << 55], Gen.Long[0, long.MaxValue],
        Gen.Long[-1, Limits.UnixSeconds], Digests, Digests, Gen.Byte, Gen.Int[0, 2])
        .Select((revision, size, time, digest, root, replicas, kind) => kind == 0 ? PublishedName.Removed(revision)
            : new PublishedName(revision, new FileState(size, digest, time,
                kind == 2 && !Chunks.FollowFromDigest(size) ? root : default), replicas));

    [Fact]
    public void A_row_comes_back_as_it_was_written() => Rows.Sample(row =>
        PublishedName.TryRead(row.Write(), out PublishedName read) && read == row);

    [Fact]
    public void A_row_that_is_cut_or_longer_is_none() => Rows.Sample(row =>
    {
        byte[] value = row.Write();
        for (int length = 0; length < value.Length; length++)
        {
            // What is left of a file with a root may be one without; its marks say that it is not.
            Assert.False(PublishedName.TryRead(value.AsSpan(0, length), out _));
        }
        Assert.False(PublishedName.TryRead([.. value, 0], out _));
    }, iter: 50);

    [Fact]
    public void Any_bytes_are_read_or_refused() => Gen.Byte.Array[0, 100].Sample(value =>
    {
        if (PublishedName.TryRead(value, out PublishedName row)) Assert.Equal(value, row.Write());
    });

    [Fact]
    public void A_row_of_a_later_version_is_named()
    {
        Book book = new(new Catalog(1), 1);
        Assert.Contains("kind 77", Assert.Throws<RecordStoreException>(() => book.Load(77, [1], [])).Message,
            StringComparison.Ordinal);
        byte[] later = PublishedName.Removed(3).Write();
        later[0] = 2;
        Assert.Contains("'a.bin'", Assert.Throws<RecordStoreException>(
            () => book.Load((byte)BookKind.Name, "a.bin"u8, later)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_book_knows_what_is_published_and_what_was_removed()
    {
        Catalog catalog = new(1);
        Book book = new(catalog, 1);
        PublishedName first = new(1, new FileState(5, Lists.Digest("x"), 7), 2);
        book.Apply(Change(1, ("a", first)));
        Assert.True(book.TryFind("a"u8, out PublishedName found));
        Assert.Equal(first, found);
        Assert.Equal(0, book.RemovedAt("a"u8));
        book.Apply(Change(2, ("a", PublishedName.Removed(2))));
        Assert.False(book.TryFind("a"u8, out _));
        Assert.Equal(2, book.RemovedAt("a"u8));
        book.Apply(Change(3, ("a", first with { Revision = 3 })));
        Assert.True(book.TryFind("a"u8, out found));
        Assert.Equal((3, 0), (found.Revision, book.RemovedAt("a"u8)));
        Assert.Equal(3, book.Number);
    }

    [Fact]
    public void All_rows_of_a_store_take_the_place_of_what_was_there()
    {
        Catalog catalog = new(1);
        Book book = new(catalog, 1);
        PublishedName file = new(1, new FileState(5, Lists.Digest("x"), 7), 2), other = file with
        {
            Revision = 7, State = new FileState(5, Lists.Digest("y"), 7),
        };
        AccessToken[] tokens = [AccessToken.Draw(bytes => bytes.Fill(7)), AccessToken.Draw(bytes => bytes.Fill(8))];
        RecordRow[] grants = [.. tokens.Select(token => TokenTable.RowOf(
            new TokenGrant(token.Id, token.Hash, TokenScopes.Publish, "", 5, "")))];
        book.Apply(new RecordChange(1, [.. Change(1, ("same", file), ("turns", file), ("gone", file), ("back", file))
            .Rows, Policy("a/", new ReplicationPolicy(3, true, [])), Policy("b/", new ReplicationPolicy(1, false, [])),
            .. grants]));
        book.Apply(Change(2, ("back", PublishedName.Removed(2)), ("forgotten", PublishedName.Removed(2))));
        Catalog.View before = catalog.Now;
        // A server's own copies are no part of the book.
        catalog.Change(0, Lists.Digested(("gone", 5, "x"), ("by hand", 5, "x")));

        book.Replace(9, [.. Change(9, ("same", file), ("turns", other), ("back", other), ("new", other),
            ("removed", PublishedName.Removed(8))).Rows, Policy("b/", new ReplicationPolicy(4, false, [])), grants[1]]);
        Assert.Equal((9, 10), (book.Number, book.NextRevision));
        Assert.Equal(["1", "7", "", "7", "7", ""], new[] { "same", "turns", "gone", "back", "new", "removed" }
            .Select(name => book.TryFind(name.Utf8(), out PublishedName now) ? $"{now.Revision}" : ""));
        Assert.Equal([0, 0, 8L], new[] { "back", "forgotten", "removed" }.Select(name => book.RemovedAt(name.Utf8())));
        Assert.Equal(["b/"], book.Policies.All.Select(rule => rule.Prefix));
        Assert.Equal(4, book.Policies.Of("b/x"u8).Replicas);
        Assert.Equal(tokens[1].Id, Assert.Single(book.Tokens.All).Id);
        Server[] servers = Lists.Alive(1);
        Assert.Equal("0", catalog.LookFully("gone", servers)?.Servers);
        Assert.Equal("0", catalog.LookFully("by hand", servers)?.Servers);
        Assert.True(before.TryPublished("same"u8, out _));
    }

    [Fact]
    public void A_store_with_a_row_that_cannot_be_read_is_refused()
    {
        Book book = new(new Catalog(1), 1);
        Assert.Throws<RecordStoreException>(() => book.Replace(1, [new RecordRow(77, [1], [])]));
    }

    [Fact]
    public void The_policy_of_the_longest_prefix_counts()
    {
        Book book = new(new Catalog(1), 1);
        Assert.Equal(ReplicationPolicy.Usual, book.Policies.Of("a/b"u8));
        ReplicationPolicy three = new(3, true, []), one = new(1, false, [Names.Id("CS1"), Names.Id("CS2")]);
        book.Apply(new RecordChange(1, [Policy("a/", three), Policy("a/small/", one), Policy("b", one)]));
        Assert.Equal(three.Replicas, book.Policies.Of("a/x"u8).Replicas);
        Assert.Equal(["CS1", "CS2"], book.Policies.Of("a/small/x"u8).Servers.Select(server => server.Value));
        Assert.Equal(1, book.Policies.Of("b"u8).Replicas);
        Assert.Equal(2, book.Policies.Of("c"u8).Replicas);
        book.Apply(new RecordChange(2, [Policy("a/small/", null)]));
        Assert.True(book.Policies.Of("a/small/x"u8) is { Replicas: 3, IsSpread: true });
        Assert.Equal(["a/", "b"], book.Policies.All.Select(rule => rule.Prefix));
    }

    [Fact]
    public void A_policy_that_is_cut_is_none() => Assert.All(Enumerable.Range(0, 8), length =>
    {
        byte[] value = new ReplicationPolicy(2, true, [Names.Id("CS1")]).Write();
        Assert.Equal(8, value.Length);
        // Without the server it is a policy for all of them.
        Assert.Equal(length == 3, ReplicationPolicy.Read(value.AsSpan(0, length)) is not null);
    });

    private static RecordRow Policy(string prefix, ReplicationPolicy? policy) =>
        new((byte)BookKind.Policy, prefix.Utf8(), policy?.Write());

    private static RecordChange Change(long number, params (string Name, PublishedName Row)[] rows) => new(number,
        [.. rows.Select(row => new RecordRow((byte)BookKind.Name, row.Name.Utf8(), row.Row.Write()))]);
}
