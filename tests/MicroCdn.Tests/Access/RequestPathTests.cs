using System.Text;
using MicroCdn.Access;

namespace MicroCdn.Tests.Access;

public sealed class RequestPathTests
{
    [Theory]
    [InlineData("/", "/")]
    [InlineData("/a/b", "/a/b")]
    [InlineData("/a%20b/%C3%BC", "/a b/ü")]
    [InlineData("/%70rivate/x", "/private/x")]
    [InlineData("//private///x", "/private/x")]
    [InlineData("/a/", "/a/")]
    [InlineData("/.../..a/.b/c.", "/.../..a/.b/c.")]
    [InlineData("*", "*")]
    public void A_path_is_decoded_once(string path, string expected) => Assert.Equal(expected, Read(path));

    [Theory]
    [InlineData("/public/../private/x")]
    [InlineData("/public/%2e%2E/private/x")]
    [InlineData("/public/.%2e/private/x")]
    [InlineData("/./private/x")]
    [InlineData("/public/..;/private/x")]
    [InlineData("/public/%2e%2e%3bx/private")]
    [InlineData("/public/..;")]
    [InlineData("/public/.;a=b/private")]
    [InlineData("/..")]
    [InlineData("/public/.")]
    [InlineData("/public//../private")]
    [InlineData("/public%2f..%2fprivate/x")]
    [InlineData("/public\\..\\private/x")]
    [InlineData("/public%5C..%5Cprivate/x")]
    [InlineData("/a%00b")]
    [InlineData("/a%")]
    [InlineData("/a%2")]
    [InlineData("/a%zz")]
    public void What_can_be_read_in_two_ways_is_not_read(string path) => Assert.Null(Read(path));

    [Fact]
    public void What_is_left_out_is_looked_at_all_the_same()
    {
        Span<byte> few = stackalloc byte[4];
        Assert.True(RequestPath.TryRead("/abcdef/x"u8, few, out int length, out bool isCut));
        Assert.Equal("/abc", Encoding.UTF8.GetString(few[..length]));
        Assert.True(isCut);
        Assert.False(RequestPath.TryRead("/abcdef/../x"u8, few, out _, out _));
    }

    private static string? Read(string path)
    {
        Span<byte> decoded = stackalloc byte[100];
        if (!RequestPath.TryRead(Encoding.UTF8.GetBytes(path), decoded, out int length, out bool isCut)) return null;
        Assert.False(isCut);
        return Encoding.UTF8.GetString(decoded[..length]);
    }
}
