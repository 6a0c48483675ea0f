using System.Security.Cryptography;
using System.Text;
using CsCheck;
using MicroCdn.Content;
using MicroCdn.Protocol;
using MicroCdn.Storage;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Content;

public sealed class ToldFilesTests
{
    private readonly ToldFiles _told = new(Names.Id("CS1"));

    [Fact]
    public void At_first_everything_is_told_and_then_only_what_changed()
    {
        Assert.Equal(["ADD_FILE CS1 a%20b 1", $"ADD_FILE CS1 c 2 sha256={Hex("x")} time=1"],
            Tell(Of(("a b", 1, 1, ""), ("c", 2, 1, "x"))));
        Assert.Empty(Tell(Of(("c", 2, 1, "x"), ("a b", 1, 1, ""))));
        Assert.Equal(["REMOVE_FILE CS1 a%20b", "ADD_FILE CS1 d 4"], Tell(Of(("c", 2, 1, "x"), ("d", 4, 1, ""))));
        Assert.Equal(["ADD_FILE CS1 d 5"], Tell(Of(("c", 2, 1, "x"), ("d", 5, 1, ""))));
        Assert.Equal(["REMOVE_FILE CS1 c", "REMOVE_FILE CS1 d"], Tell(Of()));
    }

    [Fact]
    public void A_digest_that_becomes_known_is_told_once()
    {
        Library library = Of(("a", 1, 1, ""), ("b", 2, 1, ""));
        Tell(library);
        Learn(library, 1, "y");
        Assert.Equal([$"ADD_FILE CS1 b 2 sha256={Hex("y")} time=1"], Tell(library));
        Assert.Empty(Tell(library));
    }

    [Fact]
    public void A_digest_that_holds_no_longer_is_taken_back()
    {
        Tell(Of(("a", 1, 1, "x")));
        Assert.Equal(["ADD_FILE CS1 a 1"], Tell(Of(("a", 1, 2, ""))));
        Assert.Equal([$"ADD_FILE CS1 a 1 sha256={Hex("y")} time=2"], Tell(Of(("a", 1, 2, "y"))));
        Assert.Equal([$"ADD_FILE CS1 a 1 sha256={Hex("z")} time=2"], Tell(Of(("a", 1, 2, "z"))));
        Assert.Equal([$"ADD_FILE CS1 a 1 sha256={Hex("z")} time=3"], Tell(Of(("a", 1, 3, "z"))));
    }

    [Fact]
    public void A_time_before_1970_is_left_unsaid() =>
        Assert.Equal([$"ADD_FILE CS1 a 1 sha256={Hex("x")}"], Tell(Of(("a", 1, -2, "x"))));

    [Fact]
    public void Ten_thousand_files_go_out_in_pieces_of_bounded_size()
    {
        string name = new('n', 500);
        (string, long, long, string)[] files = [.. Enumerable.Range(0, 10_000).Select(n => ($"{name}{n}", 1L, 1L, ""))];
        List<int> sizes = [.. _told.Tell(Of(files)).Select(piece => piece.Length)];
        Assert.True(sizes.Count > 50);
        Assert.All(sizes, size => Assert.InRange(size, 1, (64 * 1024) + 1024));
        Assert.True(_told.Tell(Of()).Count() > 50);
    }

    [Fact]
    public void Whoever_follows_the_lines_knows_the_library()
    {
        Gen<(string, long, long, string)[]> files = Gen.Select(Gen.OneOf("a", "b", "c d", "%", "e"), Gen.Long[1, 2],
            Gen.Long[1, 2], Gen.OneOf("", "x", "y")).Array[0, 6].Select(all => all.DistinctBy(f => f.Item1).ToArray());
        files.Array[1, 8].Sample(steps =>
        {
            ToldFiles told = new(Names.Id("CS1"));
            Dictionary<string, string> known = [];
            foreach ((string Name, long Size, long Time, string Digest)[] step in steps)
            {
                foreach (string line in Tell(told, Of(step)))
                {
                    string[] words = line.Split(' ');
                    Assert.True(words[0] == "ADD_FILE" || known.Remove(words[2]), line);
                    if (words[0] == "ADD_FILE") known[words[2]] = string.Join(' ', words[3..]);
                }
                Assert.Equal(step.Select(f => (f.Name.Replace("%", "%25").Replace(" ", "%20"), f.Digest == ""
                        ? $"{f.Size}" : $"{f.Size} sha256={Hex(f.Digest)} time={f.Time}")).Order(),
                    known.Select(entry => (entry.Key, entry.Value)).Order());
            }
        }, iter: 300);
    }

    private string[] Tell(Library library) => Tell(_told, library);

    private static string[] Tell(ToldFiles told, Library library) =>
        string.Concat(told.Tell(library).Select(piece => Encoding.UTF8.GetString(piece.Span)))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static Library Of(params (string Name, long Size, long Seconds, string Digest)[] files)
    {
        Library library = new();
        foreach ((string name, long size, long seconds, _) in files)
        {
            library.Add(Names.Of(name), new FileFacts(size, seconds * 1_000_000_000, 1));
        }
        foreach ((int number, (_, _, _, string digest)) in files.Index()) Learn(library, number, digest);
        return library;
    }

    private static void Learn(Library library, int number, string digest)
    {
        if (digest.Length > 0) library.Learn(number, SHA256.HashData(digest.Utf8()));
    }

    private static string Hex(string word) => new FileDigest(SHA256.HashData(word.Utf8())).ToString();
}
