using CsCheck;
using MicroCdn.Content;
using MicroCdn.Storage;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Content;

public sealed class LibraryTests
{
    // docs/protocol.md, names: "A server looks up the raw words first, then their decoded form".
    [Theory]
    [InlineData("a b", 0)]
    [InlineData("a%20b", 1)]
    [InlineData("a%2520b", 1)]
    [InlineData("c%20d", 2)]
    [InlineData("c d", 2)]
    [InlineData("100%", 3)]
    [InlineData("100%25", 3)]
    [InlineData("%e2%82%ac", 4)]
    [InlineData("€", 4)]
    [InlineData("A B", -1)]
    [InlineData("", -1)]
    [InlineData("%", -1)]
    [InlineData("a+b", -1)]
    [InlineData("../a b", -1)]
    [InlineData("%2e%2e/a b", -1)]
    [InlineData("./a b", -1)]
    public void The_raw_words_are_looked_up_first_and_then_their_decoded_form(string words, int number) =>
        Assert.Equal(number, Of(("a b", 1), ("a%20b", 2), ("c d", 3), ("100%", 4), ("€", 5)).Find(words.Utf8()));

    [Fact]
    public void Every_name_is_found_by_both_its_GET_lines()
    {
        Names.Any.Sample(name =>
        {
            Library library = Of((name, 1));
            return library.Find(Names.Of(name).ToGetLine().AsSpan()[4..^1]) == 0
                && library.Find(Names.Of(name).ToEncodedGetLine().AsSpan()[4..^1]) == 0;
        }, iter: 500);
    }

    [Fact]
    public void A_line_of_any_words_finds_nothing_and_harms_nothing()
    {
        Library library = Of(("a", 1));
        Gen.Byte.Array[0, 200].Sample(bytes => library.Find(bytes) < 0 || bytes.Length is 1 or 3, iter: 5_000);
        Assert.Equal(-1, library.Find(Enumerable.Repeat((byte)'%', 8190).ToArray()));
    }

    [Fact]
    public void A_name_comes_with_its_facts()
    {
        Library library = Of(("a", 1), ("b", 2));
        Assert.Equal(2, library.Count);
        Assert.Equal("b", library.NameOf(1).Text());
        Assert.Equal(2, library.FactsOf(1).Size);
        Assert.Equal(0, Library.Empty.Count);
    }

    [Fact]
    public void The_same_folder_scanned_twice_is_no_change() =>
        Assert.Equal(LibraryChange.None, Of(("a", 1), ("b", 2)).CompareTo(Of(("b", 2), ("a", 1))));

    [Fact]
    public void Files_added_removed_renamed_or_resized_are_announced()
    {
        Library library = Of(("a", 1), ("b", 2));
        Assert.Equal(LibraryChange.Announced, library.CompareTo(Of(("a", 1), ("b", 2), ("c", 3))));
        Assert.Equal(LibraryChange.Announced, library.CompareTo(Of(("a", 1))));
        Assert.Equal(LibraryChange.Announced, library.CompareTo(Of(("a", 1), ("c", 2))));
        Assert.Equal(LibraryChange.Announced, library.CompareTo(Of(("a", 1), ("b", 3))));
        Assert.Equal(LibraryChange.Announced, library.CompareTo(Library.Empty));
        Assert.Equal(LibraryChange.Announced, Library.Empty.CompareTo(library));
    }

    [Fact]
    public void A_file_replaced_or_edited_in_its_size_stays_between_us()
    {
        Library library = Of(("a", 1), ("b", 2));
        Assert.Equal(LibraryChange.Inside, library.CompareTo(Of([("a", 1), ("b", 2)], modified: 8)));
        Assert.Equal(LibraryChange.Inside, library.CompareTo(Of([("a", 1), ("b", 2)], inode: 8)));
        Assert.Equal(LibraryChange.Announced, library.CompareTo(Of([("a", 1), ("b", 3)], modified: 8)));
    }

    [Fact]
    public void A_name_is_found_exactly_and_decoded_by_nobody()
    {
        Library library = Of(("a b", 1), ("a%20b", 2));
        Assert.Equal((0, 1, -1), (library.FindName("a b"u8), library.FindName("a%20b"u8), library.FindName("%61"u8)));
    }

    [Fact]
    public void A_digest_is_known_once_it_was_learnt_and_stays()
    {
        Library library = Of(("a", 1), ("b", 2));
        Assert.False(library.TryDigest(1, out ReadOnlySpan<byte> digest));
        Assert.True(digest.IsEmpty);
        library.Learn(1, Digest(7));
        library.Learn(1, Digest(8));
        Assert.True(library.TryDigest(1, out digest));
        Assert.Equal(Digest(7), digest.ToArray());
        Assert.False(library.TryDigest(0, out _));
    }

    [Fact]
    public void A_new_scan_takes_over_the_digests_of_the_files_that_are_the_same()
    {
        Library before = Of([("a", 1), ("b", 2), ("c", 3)]), after = Of([("c", 3), ("b", 20), ("d", 4), ("a", 1)]);
        for (int number = 0; number < 3; number++) before.Learn(number, Digest(number));
        after.LearnFrom(before);
        Assert.Equal([true, false, false, true], Enumerable.Range(0, 4).Select(n => after.TryDigest(n, out _)));
        Assert.True(after.TryDigest(0, out ReadOnlySpan<byte> digest));
        Assert.Equal(Digest(2), digest.ToArray());
        Library edited = Of([("a", 1)], modified: 2), replaced = Of([("a", 1)], inode: 2);
        edited.LearnFrom(before);
        replaced.LearnFrom(before);
        Assert.False(edited.TryDigest(0, out _) || replaced.TryDigest(0, out _));
    }

    [Fact]
    public async Task A_reader_never_sees_half_a_digest()
    {
        for (int round = 0; round < 200; round++)
        {
            Library library = Of(("a", 1), ("b", 2));
            Task<bool> reader = Task.Run(() =>
            {
                ReadOnlySpan<byte> digest;
                while (!library.TryDigest(1, out digest)) Thread.SpinWait(1);
                return digest.SequenceEqual(Digest(9));
            }, TestContext.Current.CancellationToken);
            library.Learn(1, Digest(9));
            Assert.True(await reader);
        }
    }

    private static byte[] Digest(int value) => [.. Enumerable.Repeat((byte)(value + 1), 32)];

    private static Library Of(params (string, long)[] files) => Of(files, modified: 1);

    private static Library Of((string Name, long Size)[] files, long modified = 1, ulong inode = 1)
    {
        Library library = new();
        foreach ((string name, long size) in files)
        {
            Assert.True(library.Add(Names.Of(name), new FileFacts(size, modified, inode)));
        }
        return library;
    }
}
