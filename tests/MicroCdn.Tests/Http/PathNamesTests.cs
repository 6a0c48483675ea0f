using System.Buffers;
using System.Net;
using System.Text;
using CsCheck;
using MicroCdn.Http;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Http;

// RFC 3986, sections 2.1, 2.3, 3.3 and 5.2.4; RFC 3629, section 3 for overlong forms.
public sealed class PathNamesTests
{
    [Theory]
    [InlineData("/hello.txt", "hello.txt")]
    [InlineData("/docs/about.txt", "docs/about.txt")]
    [InlineData("/a%20b", "a b")]
    [InlineData("/a+b", "a+b")]
    [InlineData("/100%25", "100%")]
    [InlineData("/%2541", "%41")]
    [InlineData("/%252F", "%2F")]
    [InlineData("/%2e%2E%2e", "...")]
    [InlineData("/..a/.b/c..", "..a/.b/c..")]
    [InlineData("/gr%C3%B6%c3%9Fe/%F0%9F%98%80", "größe/😀")]
    [InlineData("/größe", "größe")]
    [InlineData("/%3F%23", "?#")]
    [InlineData("/a:b@c;d=e,f!g$h&i'j(k)l*m~n", "a:b@c;d=e,f!g$h&i'j(k)l*m~n")]
    [InlineData("/a|b^c`d{e}\"f<g>", "a|b^c`d{e}\"f<g>")]
    [InlineData("/%C2%A0", "\u00a0")]
    public void A_path_is_decoded_once(string path, string name) => Assert.Equal(name, Read(path));

    [Theory]
    [InlineData("/", "[folder]")]
    [InlineData("/docs/", "docs[folder]")]
    [InlineData("/docs/a%20b/", "docs/a b[folder]")]
    public void A_slash_at_the_end_means_a_folder(string path, string name) => Assert.Equal(name, Read(path));

    [Theory]
    [InlineData("")]
    [InlineData("*")]
    [InlineData("hello.txt")]
    [InlineData("//")]
    [InlineData("//a")]
    [InlineData("/a//b")]
    [InlineData("/a//")]
    [InlineData("/.")]
    [InlineData("/./")]
    [InlineData("/..")]
    [InlineData("/../")]
    [InlineData("/a/./b")]
    [InlineData("/a/../b")]
    [InlineData("/a/..")]
    [InlineData("/%2e")]
    [InlineData("/%2e%2e/etc/passwd")]
    [InlineData("/.%2E/etc/passwd")]
    [InlineData("/a/%2E./b")]
    [InlineData("/a\\b")]
    [InlineData("/..\\..\\b")]
    [InlineData("/a%5Cb")]
    [InlineData("/a%5cb")]
    [InlineData("/a%2Fb")]
    [InlineData("/a%2fb")]
    [InlineData("/%2F")]
    [InlineData("/a%")]
    [InlineData("/a%4")]
    [InlineData("/a%4g")]
    [InlineData("/a%g4")]
    [InlineData("/a%%41")]
    [InlineData("/a%u0041")]
    [InlineData("/a%+1")]
    [InlineData("/a%/b")]
    [InlineData("/a%00b")]
    [InlineData("/a\0b")]
    [InlineData("/a%0Ab")]
    [InlineData("/a\nb")]
    [InlineData("/a\tb")]
    [InlineData("/a%1F")]
    [InlineData("/a%7F")]
    [InlineData("/a\u007f")]
    [InlineData("/a%C2%85b")]
    [InlineData("/a%C2%A0%C2%9F")]
    [InlineData("/a b")]
    [InlineData("/a?b")]
    [InlineData("/a#b")]
    [InlineData("/%C0%AE%C0%AE/x")]
    [InlineData("/%C0%AF")]
    [InlineData("/%E0%80%AF")]
    [InlineData("/%F0%80%80%AF")]
    [InlineData("/%C1%9C")]
    [InlineData("/%ED%A0%80")]
    [InlineData("/%F4%90%80%80")]
    [InlineData("/%FF")]
    [InlineData("/%C3")]
    [InlineData("/%C3/%B6")]
    [InlineData("/%80")]
    public void What_could_mean_two_things_names_nothing(string path) => Assert.Null(Read(path));

    [Fact]
    public void A_name_has_at_most_1024_bytes_however_they_are_written()
    {
        string longest = string.Concat(Enumerable.Repeat("ö", 512));
        Assert.Equal(longest, Read("/" + longest));
        Assert.Equal(longest, Read("/" + Uri.EscapeDataString(longest)));
        Assert.Equal(longest + "[folder]", Read("/" + longest + "/"));
        Assert.Null(Read("/" + longest + "x"));
        Assert.Null(Read("/" + longest + "%41"));
        Assert.Null(Read("/" + new string('a', 100_000)));
        Assert.False(PathNames.TryRead("/abcd"u8, new byte[3], out _, out _));
        Assert.True(PathNames.TryRead("/abc"u8, new byte[3], out _, out _));
    }

    [Theory]
    [InlineData("", "/")]
    [InlineData("docs/about.txt", "/docs/about.txt")]
    [InlineData("a b%c?d#e", "/a%20b%25c%3Fd%23e")]
    [InlineData("größe😀", "/gr%C3%B6%C3%9Fe%F0%9F%98%80")]
    [InlineData("-._~!$&'()*+,;=", "/-._~!$&'()*+,;=")]
    [InlineData("a:b@c", "/a%3Ab%40c")]
    [InlineData("<a href=\"x\">\\", "/%3Ca%20href=%22x%22%3E%5C")]
    [InlineData("a\r\nLocation: x", "/a%0D%0ALocation%3A%20x")]
    public void A_name_becomes_a_path_of_characters_that_every_client_takes(string name, string path) =>
        Assert.Equal(path, Write(name));

    [Fact]
    public void A_name_without_control_characters_and_backslashes_comes_back()
    {
        Names.Any.Where(name => name.All(c => !char.IsControl(c) && c != '\\'))
            .Sample(name => Read(Write(name)) == name && Read(Write(name) + "/") == name + "[folder]", iter: 10_000);
    }

    [Fact]
    public void What_is_read_is_a_file_name_and_never_climbs()
    {
        Gen<string> pieces = Gen.OneOf("/", "..", ".", "%2e", "%2F", "%5C", "\\", "a", "%", "%41", "%00", "%C0%AE",
            "%C2", "%85", "é", "\0", "?", "%25").Array[0, 12].Select(string.Concat);
        pieces.Sample(path => Check(("/" + path).Utf8()), iter: 30_000);
        Gen.Byte.Array[0, 40].Sample(path => Check([(byte)'/', .. path]), iter: 30_000);
    }

    [Fact]
    public void Cut_at_any_byte_it_never_throws()
    {
        byte[] path = "/gr%C3%B6%C3%9Fe/a%20b/../%2e%2F\\x/"u8.ToArray();
        for (int at = 0; at <= path.Length; at++) Assert.True(Check(path[..at]));
    }

    [Fact]
    public void Reading_costs_no_allocation()
    {
        byte[] path = "/gr%C3%B6%C3%9Fe/a%20b.txt"u8.ToArray(), target = new byte[Limits.NameBytes];
        PathNames.TryRead(path, target, out _, out _);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++) PathNames.TryRead(path, target, out _, out _);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("", "")]
    [InlineData("größe", "größe")]
    [InlineData("<script>alert('&')</script>\"", "&#60;script&#62;alert(&#39;&#38;&#39;)&#60;/script&#62;&#34;")]
    [InlineData("&amp;", "&#38;amp;")]
    public void Text_in_a_page_stays_text(string text, string html) => Assert.Equal(html, Html(text));

    [Fact]
    public void Whatever_the_text_a_browser_reads_it_back()
    {
        Names.Any.Sample(text => !Html(text).AsSpan().ContainsAny("<>\"'") && WebUtility.HtmlDecode(Html(text)) == text,
            iter: 10_000);
    }

    private static bool Check(byte[] path)
    {
        Span<byte> target = new byte[Limits.NameBytes];
        return !PathNames.TryRead(path, target, out int length, out bool isFolder)
            || (length == 0 ? isFolder : FileName.IsValid(target[..length]) && !target[..length].Contains((byte)'\\'));
    }

    private static string? Read(string path)
    {
        byte[] target = new byte[2000];
        if (!PathNames.TryRead(path.Utf8(), target, out int length, out bool isFolder)) return null;
        return Encoding.UTF8.GetString(target, 0, length) + (isFolder ? "[folder]" : "");
    }

    private static string Write(string name)
    {
        ArrayBufferWriter<byte> output = new();
        PathNames.Write(name.Utf8(), output);
        Assert.True(output.WrittenCount <= 1 + (PathNames.MostGrowth * name.Utf8().Length));
        return output.WrittenSpan.Text();
    }

    private static string Html(string text)
    {
        ArrayBufferWriter<byte> output = new();
        HtmlText.Write(text.Utf8(), output);
        return output.WrittenSpan.Text();
    }
}
