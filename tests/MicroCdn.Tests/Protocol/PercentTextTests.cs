using System.Buffers;
using System.Text;
using CsCheck;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Protocol;

// docs/protocol.md, names: spaces, '%' and control characters travel as %XX (UTF-8, upper-case hex).
public sealed class PercentTextTests
{
    [Theory]
    [InlineData("hello.txt", "hello.txt")]
    [InlineData("a b", "a%20b")]
    [InlineData("%", "%25")]
    [InlineData("100%41", "100%2541")]
    [InlineData("a\tb\nc\rd", "a%09b%0Ac%0Dd")]
    [InlineData("\u007f", "%7F")]
    [InlineData("\u0085", "%C2%85")]
    [InlineData("a\u00a0b", "a%C2%A0b")]
    [InlineData("\u2003", "%E2%80%83")]
    [InlineData("\u2028x", "%E2%80%A8x")]
    [InlineData("x\u3000", "x%E3%80%80")]
    [InlineData("größe/😀", "größe/😀")]
    [InlineData("a+b&c=d#?~", "a+b&c=d#?~")]
    public void A_name_becomes_one_word(string name, string word)
    {
        Assert.Equal(word, Encode(name.Utf8()));
        Assert.Equal(name, Decode(word));
        Assert.Equal(name == word, PercentText.IsPlain(name.Utf8()));
    }

    // "A % that is not followed by two hex digits stands for itself."
    [Theory]
    [InlineData("%", "%")]
    [InlineData("%4", "%4")]
    [InlineData("%zz", "%zz")]
    [InlineData("%4g", "%4g")]
    [InlineData("%g4", "%g4")]
    [InlineData("%%41", "%A")]
    [InlineData("%4%41", "%4A")]
    [InlineData("50%", "50%")]
    [InlineData("%41", "A")]
    [InlineData("%2525", "%25")]
    [InlineData("%e2%80%83", "\u2003")]
    [InlineData("%2E%2e/x", "../x")]
    [InlineData("%+1", "%+1")]
    [InlineData("% 1", "% 1")]
    public void Reading_is_forgiving(string word, string name) => Assert.Equal(name, Decode(word));

    [Fact]
    public void Ten_thousand_random_names_round_trip()
    {
        Names.Any.Sample(name => Decode(Encode(name.Utf8())) == name, iter: 10_000);
    }

    [Fact]
    public void Any_bytes_round_trip_even_when_they_are_no_UTF_8()
    {
        Gen.Byte.Array[0, 30].Sample(bytes =>
        {
            byte[] word = EncodeBytes(bytes);
            Span<byte> decoded = new byte[word.Length];
            return decoded[..PercentText.Decode(word, decoded)].SequenceEqual(bytes);
        }, iter: 10_000);
    }

    [Fact]
    public void An_encoded_name_is_one_word_for_every_peer()
    {
        Names.Any.Sample(name => Encode(name.Utf8()).EnumerateRunes()
            .All(rune => !Rune.IsWhiteSpace(rune) && !Rune.IsControl(rune)), iter: 10_000);
    }

    [Fact]
    public void Every_Unicode_space_and_control_character_is_encoded_in_upper_case()
    {
        for (int value = 1; value <= 0xFFFF; value++)
        {
            if (!Rune.IsValid(value)) continue;
            Rune rune = new(value);
            string word = Encode(rune.ToString().Utf8());
            bool odd = Rune.IsWhiteSpace(rune) || Rune.IsControl(rune) || value == '%';
            string hex = string.Concat(Encoding.UTF8.GetBytes(rune.ToString()).Select(b => $"%{b:X2}"));
            Assert.Equal(odd ? hex : rune.ToString(), word);
        }
    }

    // "%" cut out of "%25" stands for itself, so a cut may add up to two bytes of its own; framing tells whole lines.
    [Fact]
    public void A_word_cut_at_any_byte_reads_as_the_beginning_of_the_name()
    {
        Names.Any.Sample(name =>
        {
            byte[] word = EncodeBytes(name.Utf8());
            Span<byte> decoded = new byte[word.Length];
            for (int cut = 0; cut < word.Length; cut++)
            {
                int length = PercentText.Decode(word.AsSpan(0, cut), decoded);
                int whole = Math.Max(0, length - 2);
                if (length > cut || !name.Utf8().AsSpan().StartsWith(decoded[..whole])) return false;
            }
            return true;
        }, iter: 2_000);
    }

    private static byte[] EncodeBytes(byte[] name)
    {
        ArrayBufferWriter<byte> output = new();
        PercentText.Encode(name, output);
        return output.WrittenSpan.ToArray();
    }

    private static string Encode(byte[] name) => Encoding.UTF8.GetString(EncodeBytes(name));

    private static string Decode(string word)
    {
        byte[] decoded = new byte[word.Utf8().Length];
        return Encoding.UTF8.GetString(decoded, 0, PercentText.Decode(word.Utf8(), decoded));
    }
}
