using System.Buffers;
using System.Text;
using MicroCdn.Protocol;

namespace MicroCdn.Tests.Protocol;

public sealed class PurgeTests
{
    [Theory]
    [InlineData("hard url /a?b=c")]
    [InlineData("soft url https://cdn.example/a%20b")]
    [InlineData("hard prefix /")]
    [InlineData("soft tag a%0Ab=%25")]
    [InlineData("hard all")]
    public void A_purge_is_written_as_it_was_read(string words)
    {
        ArrayBufferWriter<byte> written = new();
        Read(words)!.Write(written);
        Assert.Equal(words, Encoding.UTF8.GetString(written.WrittenSpan));
        Assert.Equal(Read(words), Read($"{words} later=1"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("hard")]
    [InlineData("firm all")]
    [InlineData("hard some /a")]
    [InlineData("hard url")]
    [InlineData("hard url a")]
    [InlineData("hard url ftp://a/b")]
    [InlineData("hard prefix img/")]
    [InlineData("hard tag")]
    [InlineData("hard all /a")]
    [InlineData("hard url /a /b")]
    public void What_names_nothing_is_no_purge(string words) => Assert.Null(Read(words));

    [Fact]
    public void The_longest_purge_fits_a_line_in_both_directions()
    {
        string most = $"/{new string(' ', Limits.PurgeBytes - 1)}";
        Assert.Null(Purge.Of(PurgeKind.Prefix, most + "a", isSoft: true, out _));
        Purge purge = Purge.Of(PurgeKind.Prefix, most, isSoft: true, out _)!;
        ArrayBufferWriter<byte> written = new();
        new PurgesLine(purge, 0, long.MaxValue).Write(written);
        Assert.InRange(written.WrittenCount, 1, Limits.LineBytes);
        Assert.True(PurgesLine.TryParse(written.WrittenSpan[..^1], out PurgesLine read));
        Assert.Equal(new PurgesLine(purge, 0, long.MaxValue), read);
    }

    [Theory]
    [InlineData("PURGE 7 hard tag a")]
    [InlineData("PURGE 8 soft all")]
    [InlineData("END 00000000000000ff 8")]
    public void A_line_of_the_answer_that_is_cut_is_another_purge_or_none(string line)
    {
        Assert.True(PurgesLine.TryParse(Encoding.UTF8.GetBytes(line), out PurgesLine whole));
        for (int length = 0; length < line.Length; length++)
        {
            bool isLine = PurgesLine.TryParse(Encoding.UTF8.GetBytes(line[..length]), out PurgesLine cut);
            Assert.True(!isLine || cut != whole);
        }
    }

    [Theory]
    [InlineData("CS1 00000000000000ff 12", true)]
    [InlineData("CS1 00000000000000ff 12 later=1", true)]
    [InlineData("CS1 ff 12", false)]
    [InlineData("CS1 00000000000000ff", false)]
    [InlineData("CS1 00000000000000ff -1", false)]
    [InlineData("", false)]
    public void A_question_names_server_epoch_and_number(string words, bool isOne) => Assert.Equal(isOne,
        PurgesQuestion.TryParse(new Words(Encoding.UTF8.GetBytes(words)), out _));

    private static Purge? Read(string words) => Purge.Read(new Words(Encoding.UTF8.GetBytes(words)));
}
