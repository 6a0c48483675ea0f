using System.Text;
using CsCheck;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Protocol;

// docs/protocol.md, names: relative paths with '/', at most 1,024 bytes decoded, that never climb out.
public sealed class FileNameTests
{
    [Theory]
    [InlineData("", "a name is not empty")]
    [InlineData("/", "no leading slash")]
    [InlineData("/etc/passwd", "no leading slash")]
    [InlineData("a/", "no trailing slash")]
    [InlineData("a//b", "no empty segment")]
    [InlineData(".", "no segment is .")]
    [InlineData("./a", "no segment is .")]
    [InlineData("a/./b", "no segment is .")]
    [InlineData("a/.", "no segment is .")]
    [InlineData("..", "no segment is ..")]
    [InlineData("../../etc/passwd", "no segment is ..")]
    [InlineData("a/../b", "no segment is ..")]
    [InlineData("a/..", "no segment is ..")]
    [InlineData("\0", "no NUL")]
    [InlineData("a\0b", "no NUL")]
    public void A_name_that_could_lead_elsewhere_is_refused(string text, string rule)
    {
        Assert.False(FileName.TryCreate(text, out _), rule);
        Assert.False(FileName.TryCreate(text.Utf8(), out _), rule);
    }

    [Theory]
    [InlineData("hello.txt")]
    [InlineData("docs/about.txt")]
    [InlineData("...")]
    [InlineData("..a")]
    [InlineData(".hidden/..b/c..")]
    [InlineData(" a ")]
    [InlineData("%")]
    [InlineData("%2e%2e/x")]
    [InlineData("a\nb")]
    [InlineData("\u0001\u001f\u007f")]
    [InlineData("back\\slash")]
    [InlineData("größe/ß")]
    [InlineData("😀/x")]
    [InlineData("\ufffd")]
    public void Whatever_a_folder_can_hold_is_a_name(string text)
    {
        Assert.True(FileName.TryCreate(text, out FileName fromText));
        Assert.True(FileName.TryCreate(text.Utf8(), out FileName fromBytes));
        Assert.Equal(text, fromText.Value);
        Assert.Equal(fromText, fromBytes);
    }

    [Theory]
    [InlineData("a", 1024, true)]
    [InlineData("a", 1025, false)]
    [InlineData("ß", 512, true)]
    [InlineData("ß", 513, false)]
    [InlineData("😀", 256, true)]
    [InlineData("😀", 257, false)]
    public void The_limit_is_1024_bytes_not_characters(string piece, int count, bool allowed)
    {
        string text = string.Concat(Enumerable.Repeat(piece, count));
        Assert.Equal(allowed, FileName.TryCreate(text, out _));
        Assert.Equal(allowed, FileName.TryCreate(text.Utf8(), out _));
    }

    // RFC 3629: overlong forms, surrogates and what lies beyond U+10FFFF are no UTF-8.
    [Theory]
    [InlineData("FF")]
    [InlineData("61 80")]
    [InlineData("C3")]
    [InlineData("E2 82")]
    [InlineData("F0 9F 98")]
    [InlineData("C0 80")]
    [InlineData("C0 AE C0 AE 2F 78")]
    [InlineData("C0 AF")]
    [InlineData("E0 80 AF")]
    [InlineData("F0 80 80 AF")]
    [InlineData("ED A0 80")]
    [InlineData("ED B0 80")]
    [InlineData("F4 90 80 80")]
    public void Bytes_that_are_no_UTF_8_are_no_name(string hex)
    {
        Assert.False(FileName.TryCreate(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)), out _));
    }

    [Fact]
    public void A_lone_surrogate_is_refused_and_not_replaced()
    {
        Assert.False(FileName.TryCreate("a\ud800", out _));
        Assert.False(FileName.TryCreate("\udc00a", out _));
        Assert.False(FileName.TryCreate("a\ud800b", out _));
        Assert.False(FileName.TryCreate("\udc00\ud800", out _));
    }

    [Fact]
    public void Text_and_bytes_always_agree()
    {
        Gen.OneOf(Names.Any, Gen.String).Sample(text =>
        {
            // Only text that has a UTF-8 form can agree with it.
            if (Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)) != text) return !FileName.TryCreate(text, out _);
            return FileName.TryCreate(text, out FileName one) == FileName.TryCreate(text.Utf8(), out FileName other)
                && one == other;
        }, iter: 20_000);
    }

    [Fact]
    public void Random_bytes_are_a_name_only_when_every_rule_holds()
    {
        Gen.OneOf<byte>((byte)'.', (byte)'/', (byte)'a', 0, 0xC3, 0xBC, 0xFF).Array[0, 6].Sample(bytes =>
        {
            bool valid = IsUtf8(bytes, out string text)
                && text.Length > 0 && !text.Contains('\0')
                && text.Split('/').All(segment => segment is not ("" or "." or ".."));
            return FileName.TryCreate(bytes, out _) == valid;
        }, iter: 20_000);
    }

    private static bool IsUtf8(byte[] bytes, out string text)
    {
        try
        {
            text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes);
            return true;
        }
        catch (DecoderFallbackException)
        {
            text = "";
            return false;
        }
    }
}
