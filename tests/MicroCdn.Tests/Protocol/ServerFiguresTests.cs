using System.Buffers;
using System.Text;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Protocol;

// docs/protocol.md, "Figures".
public sealed class ServerFiguresTests
{
    private const string Whole = "FIGURES CS1 inc=3 requests=10 errors=1 bytes=2000 hits=4 misses=2 cached=900 "
        + "filled=300 parents=50 downloads=7 diskfree=5 disksize=100 storebytes=30 cert=1800000000 version=1.2.3+abc";

    private const string Origin =
        "ORIGIN_FIGURES CS1 cdn.example/a%20b/ hits=4 misses=2 failures=1 filled=300 down=tls";

    [Fact]
    public void Figures_are_written_as_they_were_read()
    {
        ArrayBufferWriter<byte> written = new();
        ServerFigures figures = Read(Whole)!;
        Assert.Equal((3, 7, "1.2.3+abc", 1_800_000_000L),
            (figures.Incarnation, figures.Downloads, figures.Version, figures.CertificateEnds));
        figures.Write(written);
        Assert.Equal(Whole + "\n", Encoding.UTF8.GetString(written.WrittenSpan));
        Assert.Equal(figures, Read(Whole + " later=1"));
    }

    [Fact]
    public void What_is_not_told_is_nothing_done_and_nothing_known()
    {
        Assert.Equal(new ServerFigures(Names.Id("CS1")), Read("FIGURES CS1"));
        Assert.Null(Read("FIGURES CS1")!.DiskFree);
    }

    [Theory]
    [InlineData("FIGURES")]
    [InlineData("FIGURES CS1 7")]
    [InlineData("FIGURES CS1 hits=-1")]
    [InlineData("FIGURES CS1 hits=")]
    [InlineData("FIGURES CS1 downloads=2147483648")]
    [InlineData("FIGURES CS1 cert=253402300800")]
    [InlineData("FIGURES CS1 version=")]
    public void What_is_out_of_range_is_no_figures(string line) => Assert.Null(Read(line));

    [Fact]
    public void An_origin_is_written_as_it_was_read()
    {
        ArrayBufferWriter<byte> written = new();
        OriginFigures figures = ReadOrigin(Origin)!;
        Assert.Equal(("cdn.example/a b/", "tls"), (figures.Origin, figures.Down));
        figures.Write(written);
        Assert.Equal(Origin + "\n", Encoding.UTF8.GetString(written.WrittenSpan));
    }

    [Theory]
    [InlineData("ORIGIN_FIGURES CS1")]
    [InlineData("ORIGIN_FIGURES CS1 / 7")]
    [InlineData("ORIGIN_FIGURES CS1 /a%0Aevent hits=1")]
    [InlineData("ORIGIN_FIGURES CS1 /%C2%9B2J hits=1")]
    [InlineData("ORIGIN_FIGURES CS1 / hits=x")]
    [InlineData("ORIGIN_FIGURES CS1 / down=")]
    public void What_names_no_origin_is_none(string line) => Assert.Null(ReadOrigin(line));

    [Fact]
    public void A_line_that_is_cut_is_other_figures_or_none()
    {
        for (int length = 0; length < Whole.Length; length++)
        {
            Assert.NotEqual(Read(Whole), Read(Whole[..length]));
        }
        for (int length = 0; length < Origin.Length; length++)
        {
            Assert.NotEqual(ReadOrigin(Origin), ReadOrigin(Origin[..length]));
        }
    }

    [Fact]
    public void The_longest_lines_fit()
    {
        ArrayBufferWriter<byte> written = new();
        string most = new(' ', OriginFigures.MostBytes);
        new OriginFigures(Names.Id(new string('i', Limits.ServerIdBytes)), most) { Down = new string('d', 64) }
            .Write(written);
        Assert.InRange(written.WrittenCount, 1, Limits.LineBytes);
        Assert.Equal(most, ReadOrigin(Encoding.UTF8.GetString(written.WrittenSpan[..^1]))!.Origin);
        Assert.Null(ReadOrigin($"ORIGIN_FIGURES CS1 {most.Replace(" ", "a", StringComparison.Ordinal)}a"));
    }

    private static ServerFigures? Read(string line)
    {
        Words words = new(line.Utf8());
        words.Next(out _);
        return ServerFigures.TryParse(words, out ServerFigures? figures) ? figures : null;
    }

    private static OriginFigures? ReadOrigin(string line)
    {
        Words words = new(line.Utf8());
        words.Next(out _);
        return OriginFigures.TryParse(words, out OriginFigures? figures) ? figures : null;
    }
}
