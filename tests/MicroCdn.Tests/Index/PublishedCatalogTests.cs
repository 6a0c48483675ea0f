using CsCheck;
using MicroCdn.Index;
using MicroCdn.Index.Publishing;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Index;

/// <summary>What is published is the file, whoever holds what.</summary>
public sealed class PublishedCatalogTests
{
    private static readonly string[] Files = ["a", "b", "deep/er"];
    private readonly Catalog _catalog = new(7);
    private readonly Server[] _servers = Lists.Alive(6);

    [Fact]
    public void A_majority_with_other_bytes_is_not_asked_for_what_is_published()
    {
        foreach (int server in new[] { 0, 1, 2 }) Tell(server, ("a", 5, "old"));
        Publish("a", 5, "new", revision: 7);
        Assert.Null(Look("a"));
        Tell(3, ("a", 5, "new"));
        Assert.Equal((5, Lists.Digest("new"), "3"), Look("a"));
        Assert.Equal(7, RevisionOf("a"));
    }

    [Fact]
    public void A_copy_whose_digest_is_not_known_yet_is_no_copy_of_what_is_published()
    {
        Tell(0, ("a", 5, ""));
        Publish("a", 5, "x");
        Tell(1, ("a", 5, ""));
        Assert.Null(Look("a"));
        Tell(1, ("a", 5, "x"));
        Assert.Equal((5, Lists.Digest("x"), "1"), Look("a"));
        Tell(0, ("a", 5, "x"));
        Assert.Equal((5, Lists.Digest("x"), "0,1"), Look("a"));
        Tell(1, ("a", 5, ""));
        Assert.Equal((5, Lists.Digest("x"), "0"), Look("a"));
    }

    [Fact]
    public void The_holders_of_the_new_bytes_are_asked_in_the_moment_in_which_they_are_published()
    {
        Publish("a", 5, "old", revision: 1);
        Tell(0, ("a", 5, "old"));
        Tell(1, ("a", 6, "new"));
        Assert.Equal((5, Lists.Digest("old"), "0"), Look("a"));
        Publish("a", 6, "new", revision: 2);
        Assert.Equal((6, Lists.Digest("new"), "1"), Look("a"));
        Assert.Equal(2, RevisionOf("a"));
    }

    [Fact]
    public void What_is_published_no_more_is_a_file_like_others()
    {
        Publish("a", 5, "x");
        Tell(0, ("a", 5, "x"));
        Tell(1, ("a", 5, "y"));
        Tell(2, ("a", 5, "y"));
        _catalog.Retract("a".Utf8());
        Assert.Equal((5, Lists.Digest("y"), "1,2"), Look("a"));
        Assert.Equal(0, RevisionOf("a"));
        Publish("b", 1, "b");
        _catalog.Retract("b".Utf8());
        Assert.Null(Look("b"));
        Assert.Equal(1, _catalog.Count);
    }

    [Fact]
    public void Revisions_survive_that_the_catalog_is_written_anew()
    {
        Publish("kept", 5, "x", revision: 9);
        Tell(1, ("kept", 5, "x"));
        Tell(0, [.. Enumerable.Range(0, 200_001).Select(n => ($"file{n}", 1L, ""))]);
        Tell(0);
        Assert.True(_catalog.Now.Names.Count < 10);
        Assert.Equal((5, Lists.Digest("x"), "1"), Look("kept"));
        Assert.Equal(9, RevisionOf("kept"));
    }

    private sealed record Step(int Server, (string Name, long Size, string Digest)[] Files);

    private static readonly Gen<(string Name, long Size, string Digest)> Claims = Gen.Select(
        Gen.OneOf(Files), Gen.OneOf(1L, 2L, -1L), Gen.OneOf("", "dx", "dy"));

    // Server -1 is the book; a size below zero takes the name out of it.
    private static readonly Gen<Step> Steps =
        Gen.Select(Gen.Int[-1, 3], Claims.Array[1, 3], (server, files) => new Step(server, files));

    [Fact]
    public void Of_published_files_the_holders_of_exactly_these_bytes_are_asked() => Steps.Array[1, 60].Sample(steps =>
    {
        Catalog catalog = new(3);
        Server[] servers = Lists.Alive(4);
        Dictionary<string, (long, string)> book = [];
        Dictionary<(string, int), (long, string)> held = [];
        foreach (Step step in steps)
        {
            if (step.Server >= 0) catalog.Change(step.Server, Lists.Digested(step.Files));
            foreach ((string name, long size, string digest) in step.Files)
            {
                if (step.Server >= 0 && size < 0) held.Remove((name, step.Server));
                else if (step.Server >= 0) held[(name, step.Server)] = (size, digest);
                else if (size < 0)
                {
                    catalog.Retract(name.Utf8());
                    book.Remove(name);
                }
                else if (digest.Length > 0)
                {
                    catalog.Publish(name.Utf8(), new PublishedName(1, new FileState(size, Lists.Digest(digest), 7), 0));
                    book[name] = (size, digest);
                }
            }
            foreach ((string name, (long size, string digest)) in book)
            {
                int[] right = [.. Enumerable.Range(0, 4)
                    .Where(server => held.GetValueOrDefault((name, server)) == (size, digest))];
                (long, FileDigest, string)? expected =
                    right.Length == 0 ? null : (size, Lists.Digest(digest), string.Join(',', right));
                Assert.Equal(expected, catalog.LookFully(name, servers));
            }
        }
    }, iter: 300);

    [Fact]
    public void Last_known_holders_hold_what_is_still_published_until_they_tell_something_else()
    {
        Publish("a", 5, "x");
        Publish("b", 6, "newer");
        Publish("c", 7, "told");
        Tell(3, ("c", 7, "told"), ("own", 1, "y"));
        HolderTable last = new(5);
        last.Add(HolderTable.KeyOf("a"u8, Lists.Digest("x")), 40);
        last.Add(HolderTable.KeyOf("b"u8, Lists.Digest("old")), 40);
        last.Add(HolderTable.KeyOf("c"u8, Lists.Digest("told")), 41);
        last.Add(HolderTable.KeyOf("own"u8, Lists.Digest("y")), 41);
        last.Add(HolderTable.KeyOf("never"u8, Lists.Digest("x")), 40);
        _catalog.Recall(last, new Dictionary<int, ushort[]> { [40] = [1, 2], [41] = [1] });
        Assert.Equal((5, Lists.Digest("x"), "1,2"), Look("a"));
        Assert.Null(Look("b"));
        Assert.Equal((7, Lists.Digest("told"), "3"), Look("c"));
        Assert.Equal((1, Lists.Digest("y"), "3"), Look("own"));
        Tell(1, ("b", 6, "newer"));
        Assert.Equal((5, Lists.Digest("x"), "2"), Look("a"));
        Assert.Equal((6, Lists.Digest("newer"), "1"), Look("b"));
        Publish("a", 5, "z");
        Assert.Null(Look("a"));
        Tell(2);
        Assert.Null(Look("a"));
    }

    private (long Size, FileDigest Digest, string Servers)? Look(string name) => _catalog.LookFully(name, _servers);

    private long RevisionOf(string name) => 
        _catalog.Now.TryPublished(name.Utf8(), out PublishedName published) ? published.Revision : 0;

    private void Publish(string name, long size, string digest, long revision = 1) =>
        Assert.True(_catalog.Publish(
            name.Utf8(), new PublishedName(revision, new FileState(size, Lists.Digest(digest), 7), 2)));

    private void Tell(int server, params (string Name, long Size, string Digest)[] files) =>
        _catalog.Replace(server, Lists.Digested(files));
}
