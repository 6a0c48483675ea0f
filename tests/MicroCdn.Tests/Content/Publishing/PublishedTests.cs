using CsCheck;
using MicroCdn.Content;
using MicroCdn.Content.Publishing;
using MicroCdn.Protocol;
using MicroCdn.Storage;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Content.Publishing;

public sealed class PublishedTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void A_number_means_the_revision_that_it_was_looked_up_for_also_when_the_name_shows_another()
    {
        Published published = new(_time);
        published.Show("a"u8, BlobOf(1), 1, 100);
        int before = published.Find("a"u8);
        published.Show("a"u8, BlobOf(2), 2, 200);
        int after = published.Find("a"u8);
        Assert.NotEqual(before, after);
        Assert.Equal((1, 1, 100), Facts(published[before]));
        Assert.Equal((2, 2, 200), Facts(published[after]));
        Assert.Equal(1, published.Count);
        published.Drop(published[after]);
        Assert.Equal(-1, published.Find("a"u8));
        Assert.Equal((2, 2, 200), Facts(published[after]));
        Assert.Equal(0, published.Count);
    }

    [Fact]
    public void Names_that_change_together_are_seen_as_they_were_until_all_have_changed()
    {
        Published published = new(_time);
        published.Show("a"u8, BlobOf(1), 1, 100);
        published.Show("gone"u8, BlobOf(1), 1, 100);
        long told = published.Position;
        published.Together(["a".Utf8(), "new".Utf8(), "gone".Utf8()], () =>
        {
            published.Show("a"u8, BlobOf(2), 2, 200);
            Assert.Equal((2, 2, 200), Facts(published.LastFileOf("a"u8)!));
            published.Show("new"u8, BlobOf(2), 2, 200);
            published.Drop(published.LastFileOf("gone"u8)!);
            Assert.Equal((1, 1, 100), Facts(published.FileOf("a"u8)!));
            Assert.Equal((1, 1, 100), Facts(published.FileOf("gone"u8)!));
            Assert.Null(published.FileOf("new"u8));
            // Whoever told it now would tell what was, and believe that it is told.
            Assert.Equal(told, published.Position);
        });
        Assert.True(published.TryChanges(told, out PublishedFile[] changes));
        Assert.Equal(3, changes.Length);
        Assert.Equal((2, 2, 200), Facts(published.FileOf("a"u8)!));
        Assert.Equal((2, 2, 200), Facts(published.FileOf("new"u8)!));
        Assert.Null(published.FileOf("gone"u8));
    }

    [Fact]
    public void What_was_replaced_makes_room_only_after_its_time()
    {
        Published published = new(_time);
        published.Show("a"u8, BlobOf(1), 1, 100);
        int first = published.Find("a"u8);
        published.Show("a"u8, BlobOf(2), 2, 100);
        _time.Advance(Published.Grace - TimeSpan.FromSeconds(1));
        published.Show("b"u8, BlobOf(3), 1, 100);
        Assert.NotEqual(first, published.Find("b"u8));
        _time.Advance(TimeSpan.FromSeconds(1));
        published.Show("c"u8, BlobOf(4), 1, 100);
        Assert.Equal(first, published.Find("c"u8));
    }

    [Fact]
    public void Names_that_come_and_go_by_the_hundred_thousand_are_forgotten_and_those_that_stay_are_found()
    {
        Published published = new(_time);
        published.Show("stays"u8, BlobOf(1), 1, 100);
        for (int n = 0; n < 200_000; n++)
        {
            byte[] name = $"passes {n}".Utf8();
            published.Show(name, BlobOf(2), 1, 100);
            published.Drop(published.FileOf(name)!);
        }
        Assert.Equal("stays", System.Text.Encoding.UTF8.GetString(Assert.Single(published.All()).Name));
        Assert.Equal(1, published.FileOf("stays"u8)!.Blob.Size);
        Assert.Null(published.FileOf("passes 199999"u8));
    }

    [Fact]
    public void Whoever_follows_the_changes_knows_what_is_shown()
    {
        Gen<(string Name, int Blob)[]> steps =
            Gen.Select(Gen.OneOf("a", "b", "c", "d"), Gen.Int[0, 3]).Array[1, 30];
        steps.Sample(all =>
        {
            Published published = new(_time);
            Dictionary<string, long> expected = [], told = [];
            long position = published.Position;
            foreach ((int at, (string name, int blob)) in all.Index())
            {
                if (blob > 0) published.Show(name.Utf8(), BlobOf(blob), at, 1);
                else if (published.FileOf(name.Utf8()) is { } file) published.Drop(file);
                if (blob > 0) expected[name] = blob;
                else expected.Remove(name);
                if (at % 3 > 0) continue;
                Assert.True(published.TryChanges(position, out PublishedFile[] changes));
                position += changes.Length;
                foreach (PublishedFile change in changes)
                {
                    string changed = System.Text.Encoding.UTF8.GetString(change.Name);
                    if (published.FileOf(change.Name) is { } now) told[changed] = now.Blob.Size;
                    else told.Remove(changed);
                }
                Assert.Equal(expected.OrderBy(one => one.Key), told.OrderBy(one => one.Key));
            }
            Assert.Equal(expected.Select(one => (one.Key, one.Value)).Order(), published.All()
                .Select(file => (System.Text.Encoding.UTF8.GetString(file.Name), file.Blob.Size)).Order());
        }, iter: 500);
    }

    [Fact]
    public async Task A_reader_sees_one_revision_whole_while_names_change_all_the_time()
    {
        Published published = new(TimeProvider.System);
        Library library = new(published);
        library.Add(Names.Of("a"), new FileFacts(1_000_000, 7, 7));
        published.Show("a"u8, BlobOf(1), 1, 1);
        using CancellationTokenSource stop = new();
        Task reading = Task.Run(() =>
        {
            long seen = 0;
            while (!stop.IsCancellationRequested)
            {
                int number = library.Find("a"u8);
                Assert.True(number >= Published.Bit, "a published name that is replaced is never missed");
                long size = library.FactsOf(number).Size;
                Assert.True(library.TryDigest(number, out ReadOnlySpan<byte> digest));
                Assert.Equal(BlobOf(size).Digest, new FileDigest(digest));
                Assert.Equal(BlobOf(size).Root, library.ChunkRootOf(number));
                Assert.Equal(size * 1_000_000_000, library.FactsOf(number).Modified);
                Assert.True(size >= seen, "a name never goes back");
                seen = size;
            }
        });
        for (int n = 2; n < 20_000; n++) published.Show("a"u8, BlobOf(n), n, n);
        await stop.CancelAsync();
        await reading;
    }

    [Fact]
    public void A_published_name_hides_the_file_of_the_folder_until_it_is_dropped()
    {
        Published published = new(_time);
        Library library = new(published);
        library.Add(Names.Of("a b"), new FileFacts(9, 9, 9));
        Assert.Equal(0, library.Find("a%20b"u8));
        published.Show("a b"u8, BlobOf(3), 1, 5);
        int number = library.Find("a%20b"u8);
        Assert.Equal(number, library.FindName("a b"u8));
        Assert.Equal(new FileFacts(3, 5_000_000_000, 0), library.FactsOf(number));
        Assert.Equal("a b"u8, library.NameOf(number));
        Assert.True(library.IsHidden(0));
        published.Drop(published[number]);
        Assert.Equal(0, library.Find("a%20b"u8));
    }

    private static (long, long, long) Facts(PublishedFile file) => (file.Blob.Size, file.Revision, file.Seconds);

    private static Blob BlobOf(long size)
    {
        byte[] digest = new byte[FileDigest.Length];
        BitConverter.TryWriteBytes(digest, size);
        return new Blob(new FileDigest(digest), size, Chunks.RootOfOne(size, new FileDigest(digest)));
    }
}
