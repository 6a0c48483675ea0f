using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Protocol;

// docs/protocol.md, "Chunks": the lines that a client of version 2 sends, and the root in ADD_FILE.
public sealed class FileRequestsTests
{
    private const string Digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    private const string Other = "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9";

    // Line, what it says.
    public static TheoryData<string, string> Good => new()
    {
        { "LOCATE a%20b", "a%20b||" },
        { "LOCATE a not=CS1 not=CS22", "a|CS1|CS1 CS22" },
        { "LOCATE a colour=blue not=CS1", "a|CS1|CS1" },
        { "RANGE 0 9223372036854775807 a%20b", "0|9223372036854775807|a%20b" },
        { "RANGE 12 345 ab", "12|345|ab" },
        { "CHUNKS a%20b", "a%20b" },
        { $"ADD_FILE CS1 a 2000000 sha256={Digest} chunks={Other}", $"{Digest}|{Other}" },
    };

    [Theory, MemberData(nameof(Good))]
    public void A_good_line_is_understood_and_one_cut_at_any_byte_never_reads_as_the_whole(string line, string says)
    {
        byte[] whole = line.Utf8();
        Assert.Equal(says, Read(whole));
        for (int cut = 0; cut < whole.Length; cut++) Assert.NotEqual(says, Read(whole.AsSpan(0, cut)));
    }

    [Theory]
    [InlineData("LOCATE")]
    [InlineData("LOCATE a b")]
    [InlineData("LOCATE a not=")]
    [InlineData("LOCATE a not=CS1 b")]
    [InlineData("RANGE 0 1")]
    [InlineData("RANGE a 0 1")]
    [InlineData("RANGE -1 1 a")]
    [InlineData("RANGE +1 1 a")]
    [InlineData("RANGE 0 9223372036854775808 a")]
    [InlineData("RANGE 0 1 a b")]
    [InlineData("CHUNKS")]
    [InlineData("CHUNKS a b")]
    [InlineData($"ADD_FILE CS1 a 2000000 sha256={Digest} chunks=12")]
    [InlineData($"ADD_FILE CS1 a 5 sha256={Digest} chunks={Other}")]
    public void A_malformed_line_is_refused(string line) => Assert.Null(Read(line.Utf8()));

    [Fact]
    public void The_root_of_one_chunk_may_be_told_when_it_is_right()
    {
        Assert.True(FileDigest.TryParse(Digest.Utf8(), out FileDigest digest));
        string root = Chunks.RootOfOne(5, digest).ToString();
        Assert.Equal($"{Digest}|{root}", Read($"ADD_FILE CS1 a 5 sha256={Digest} chunks={root}".Utf8()));
    }

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(1, 1, 1)]
    [InlineData(1 << 20, 1, 1 << 20)]
    [InlineData((1 << 20) + 1, 2, 1)]
    [InlineData(3 << 20, 3, 1 << 20)]
    public void The_last_chunk_may_be_shorter(long size, long count, int last)
    {
        Assert.Equal(count, Chunks.CountOf(size));
        if (count > 0) Assert.Equal(last, Chunks.LengthOf(size, count - 1));
    }

    private static string? Read(ReadOnlySpan<byte> line)
    {
        Words words = new(line);
        words.Next(out ReadOnlySpan<byte> verb);
        if (verb.SequenceEqual("LOCATE"u8) && LocateRequest.TryParse(words, out LocateRequest locate))
        {
            List<string> unwanted = [];
            foreach (string id in new[] { "CS1", "CS2", "CS22" })
            {
                if (locate.IsUnwanted(id.Utf8())) unwanted.Add(id);
            }
            return $"{locate.Name.Text()}|{locate.FirstUnwanted}|{string.Join(' ', unwanted)}";
        }
        if (verb.SequenceEqual("RANGE"u8) && RangeRequest.TryParse(words, out RangeRequest range))
        {
            return $"{range.Offset}|{range.Length}|{range.Name.Text()}";
        }
        if (verb.SequenceEqual("CHUNKS"u8) && ChunkRequest.TryParse(words, out ChunkRequest chunks))
        {
            return chunks.Name.Text();
        }
        return verb.SequenceEqual("ADD_FILE"u8) && FileAnnouncement.TryParse2(words, out FileAnnouncement file)
            ? $"{file.Digest}|{file.Root}" : null;
    }
}
