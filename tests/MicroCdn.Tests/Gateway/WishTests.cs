using MicroCdn.Gateway;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Gateway;

// RFC 9110, section 12.5.1.
public sealed class WishTests
{
    [Theory]
    [InlineData("", "File")]
    [InlineData("*/*", "File")]
    [InlineData("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "File")]
    [InlineData("application/json", "Json")]
    [InlineData("APPLICATION/JSON", "Json")]
    [InlineData("application/json, */*", "Json")]
    [InlineData("text/html, application/json", "Json")]
    [InlineData("application/json;q=0.9, */*;q=0.8", "Json")]
    [InlineData("application/json;q=0.8, */*;q=0.9", "File")]
    [InlineData("application/json;q=0", "File")]
    [InlineData("application/json;q=2", "File")]
    [InlineData("application/json;charset=utf-8;q=0.5, text/html;level=1;q=0.4", "Json")]
    [InlineData("application/*", "File")]
    [InlineData("application/jsonp", "File")]
    [InlineData("application/metalink4+xml", "Metalink")]
    [InlineData("*/*,application/metalink4+xml,application/metalink+xml", "Metalink")]
    [InlineData("application/json, application/metalink4+xml;q=0.9", "Json")]
    [InlineData(",,;q=1,", "File")]
    public void Only_what_is_named_and_liked_best_is_shown_instead_of_the_file(string accept, string view) =>
        Assert.Equal(view, Wish.Preferred(accept.Utf8()).ToString());

    [Fact]
    public void Any_bytes_are_read_to_some_view()
    {
        Random random = new(1);
        byte[] letters = "application/json;q=0.5,*metalink4+x \t\""u8.ToArray();
        for (int times = 0; times < 10_000; times++)
        {
            byte[] accept = [.. Enumerable.Range(0, random.Next(40)).Select(_ => letters[random.Next(letters.Length)])];
            Assert.True(Enum.IsDefined(Wish.Preferred(accept)));
        }
    }
}
