using System.Text.RegularExpressions;
using CsCheck;
using MicroCdn.Edge;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Edge;

public sealed partial class MediaTypesTests
{
    [Theory]
    [InlineData("index.html", "text/html; charset=utf-8")]
    [InlineData("docs/INDEX.HTM", "text/html; charset=utf-8")]
    [InlineData("a.b/c.JS", "text/javascript; charset=utf-8")]
    [InlineData("release.tar.gz", "application/gzip")]
    [InlineData("größe.svg", "image/svg+xml")]
    [InlineData("model.wasm", "application/wasm")]
    [InlineData("package.deb", "application/vnd.debian.binary-package")]
    [InlineData("clip.mp4", "video/mp4")]
    [InlineData("segment.ts", "video/mp2t")]
    [InlineData("font.woff2", "font/woff2")]
    [InlineData("release.meta4", "application/metalink4+xml")]
    [InlineData(".txt", "text/plain; charset=utf-8")]
    public void The_type_follows_from_what_stands_behind_the_last_dot(string name, string type) =>
        Assert.Equal(type, MediaTypes.Of(name.Utf8()).Value.Text());

    [Theory]
    [InlineData("")]
    [InlineData("README")]
    [InlineData("html")]
    [InlineData("a.html/file")]
    [InlineData("a.")]
    [InlineData("a.html.")]
    [InlineData(".")]
    [InlineData("/")]
    [InlineData("a.unknown")]
    [InlineData("a.safetensors")]
    [InlineData("a.html ")]
    [InlineData("a.htmℓ")]
    [InlineData("a.ſvg")]
    [InlineData("a.averyveryverylongending")]
    public void What_says_nothing_is_bytes(string name) =>
        Assert.Equal("application/octet-stream", MediaTypes.Of(name.Utf8()).Value.Text());

    [Theory]
    [InlineData("text/html; charset=utf-8", true)]
    [InlineData("text/plain", true)]
    [InlineData("application/json", true)]
    [InlineData("application/json;charset=utf-8", true)]
    [InlineData("application/javascript", true)]
    [InlineData("application/ld+json", true)]
    [InlineData("image/svg+xml", true)]
    [InlineData("application/xml", true)]
    [InlineData("application/wasm", true)]
    [InlineData("application/octet-stream", false)]
    [InlineData("application/zip", false)]
    [InlineData("image/png", false)]
    [InlineData("video/mp4", false)]
    [InlineData("font/woff2", false)]
    [InlineData("text", false)]
    [InlineData("application/json2", false)]
    [InlineData("", false)]
    public void Text_and_its_like_are_worth_compressing(string type, bool isText) =>
        Assert.Equal(isText, MediaTypes.IsText(type.Utf8()));

    [Fact]
    public void The_table_is_in_order()
    {
        (MediaType Type, string[] Endings)[] rows = [.. MediaTypeTable.Rows];
        Assert.True(rows.Length >= 100, $"{rows.Length} types");
        Assert.Equal(rows.Length, rows.Select(row => row.Type.ToString()).Distinct().Count());
        Assert.All(rows, row => Assert.Matches(Shape(), row.Type.ToString()));
        Assert.All(rows, row => Assert.NotEmpty(row.Endings));
        string[] endings = [.. rows.SelectMany(row => row.Endings)];
        Assert.Equal(endings.Length, endings.Distinct().Count());
        Assert.All(endings, ending => Assert.Matches("^[a-z0-9]{1,16}$", ending));
        Assert.All(rows, row => Assert.Equal(row.Type.ToString().StartsWith("text/", StringComparison.Ordinal),
            row.Type.ToString().EndsWith("; charset=utf-8", StringComparison.Ordinal)));
        foreach ((MediaType type, string[] ends) in rows)
        {
            Assert.All(ends, end => Assert.Same(MediaTypes.Of($"a.{end}".Utf8()),
                MediaTypes.Of($"B.{end.ToUpperInvariant()}".Utf8())));
            Assert.All(ends, end => Assert.Equal(type.ToString(), MediaTypes.Of($"a.{end}".Utf8()).ToString()));
        }
    }

    [Fact]
    public void A_look_up_costs_no_allocation()
    {
        byte[] name = "docs/INDEX.HTML"u8.ToArray();
        MediaTypes.Of(name);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++) MediaTypes.Of(name);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void Any_bytes_have_a_type() =>
        Gen.Byte.Array[0, 40].Sample(name => MediaTypes.Of(name).Value.Length > 0, iter: 10_000);

    [GeneratedRegex(@"^(text|application|image|audio|video|font|model)/[a-z0-9.+-]+(; charset=utf-8)?$")]
    private static partial Regex Shape();
}
