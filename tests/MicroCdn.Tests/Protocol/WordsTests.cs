using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Protocol;

public sealed class WordsTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("   ", "")]
    [InlineData("a", "a")]
    [InlineData("a b", "a|b")]
    [InlineData("  a   b  ", "a|b")]
    [InlineData("a\tb", "a\tb")]
    [InlineData("größe x", "größe|x")]
    [InlineData("a\u00a0b", "a\u00a0b")]
    public void Words_are_separated_by_one_or_more_spaces_and_by_nothing_else(string line, string expected)
    {
        Words words = new(line.Utf8());
        List<string> taken = [];
        while (words.Next(out ReadOnlySpan<byte> word)) taken.Add(word.Text());
        Assert.Equal(expected, string.Join('|', taken));
        Assert.True(words.AtEnd);
    }

    [Fact]
    public void Rest_is_what_follows_without_the_spaces_around_it()
    {
        Words words = new("GET   my  file.txt  "u8);
        words.Next(out _);
        Assert.Equal("my  file.txt", words.Rest.Text());
        Assert.False(words.AtEnd);
    }

    [Fact]
    public void Last_leaves_a_name_with_spaces_before_it()
    {
        Words words = new("CS1 my  file.txt  12 "u8);
        words.Next(out _);
        Assert.True(words.Last(out ReadOnlySpan<byte> last));
        Assert.Equal("12", last.Text());
        Assert.Equal("my  file.txt", words.Rest.Text());
    }

    [Fact]
    public void Last_takes_the_only_word()
    {
        Words words = new(" one "u8);
        Assert.True(words.Last(out ReadOnlySpan<byte> last));
        Assert.Equal("one", last.Text());
        Assert.True(words.AtEnd);
        Assert.False(words.Last(out _));
        Assert.False(words.Next(out _));
    }

    [Theory]
    [InlineData("0", 0)]
    [InlineData("7", 7)]
    [InlineData("007", 7)]
    [InlineData("9223372036854775807", long.MaxValue)]
    public void A_number_is_decimal_digits_alone(string word, long value)
    {
        Assert.True(Words.IsNumber(word.Utf8(), out long read));
        Assert.Equal(value, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-1")]
    [InlineData("-0")]
    [InlineData("+5")]
    [InlineData("9223372036854775808")]
    [InlineData("18446744073709551616")]
    [InlineData("99999999999999999999999999999999")]
    [InlineData("1e3")]
    [InlineData("0x10")]
    [InlineData("1.0")]
    [InlineData("1,000")]
    [InlineData("1_000")]
    [InlineData("12a")]
    [InlineData("\u0661")]
    [InlineData("\uff11")]
    public void Anything_else_is_no_number(string word)
    {
        Assert.False(Words.IsNumber(word.Utf8(), out long read));
        Assert.Equal(0, read);
    }

    [Theory]
    [InlineData("1", true)]
    [InlineData("65535", true)]
    [InlineData("0", false)]
    [InlineData("65536", false)]
    [InlineData("4294967297", false)]
    [InlineData("-1", false)]
    public void A_port_is_1_to_65535(string word, bool valid)
    {
        Words words = new(word.Utf8());
        Assert.Equal(valid, words.NextPort(out int port));
        Assert.Equal(valid ? int.Parse(word, System.Globalization.CultureInfo.InvariantCulture) : 0, port);
    }

    [Theory]
    [InlineData("0", true)]
    [InlineData("2147483647", true)]
    [InlineData("2147483648", false)]
    [InlineData("9223372036854775807", false)]
    [InlineData("-1", false)]
    public void A_load_or_count_fits_31_bits(string word, bool valid)
    {
        Words words = new(word.Utf8());
        Assert.Equal(valid, words.NextCount(out _));
    }
}
