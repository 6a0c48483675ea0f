using System.CommandLine;
using MicroCdn.Edge.PullThrough;
using MicroCdn.Protocol;
using MicroCdn.Settings;
using MicroCdn.Verbs;

namespace MicroCdn.Tests.Executable;

public sealed class PullFlagsTests
{
    [Fact]
    public void Nothing_is_pulled_by_default_and_the_sizes_are_those_of_the_documents()
    {
        PullOptions options = Read();
        Assert.Empty(options.Origins);
        Assert.Equal((10L << 30, 256L << 20, false, "copies"),
            (options.DiskBytes, options.MemoryBytes, options.IsConformant, options.Folder));
    }

    [Theory]
    [InlineData("https://origin.example", "", "/")]
    [InlineData("http://127.0.0.1:8081/base", "", "/")]
    [InlineData("WWW.example.org=https://origin.example", "www.example.org", "/")]
    [InlineData("/img/=https://origin.example", "", "/img/")]
    [InlineData("a.example/b=c/=http://origin.example:81", "a.example", "/b=c/")]
    public void An_origin_is_a_place_and_a_URL(string text, string host, string prefix)
    {
        OriginRule rule = Assert.Single(Read("--origin", text).Origins);
        Assert.Equal((host, prefix), (rule.Host, rule.Prefix));
        Assert.StartsWith("http", rule.Url.Scheme, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("origin.example")]
    [InlineData("ftp://origin.example")]
    [InlineData("https://user@origin.example")]
    [InlineData("https://origin.example/?a")]
    [InlineData("https://origin.example/#a")]
    [InlineData("a b=https://origin.example")]
    [InlineData("/a?b=https://origin.example")]
    [InlineData("/ä=https://origin.example")]
    [InlineData("https://")]
    [InlineData("")]
    public void What_is_no_origin_is_refused(string text) =>
        Assert.StartsWith("--origin wants an http or https URL", Wrong("--origin", text), StringComparison.Ordinal);

    [Fact]
    public void A_place_has_one_origin() => Assert.Equal("--origin has the place '/' twice.",
        Wrong("--origin", "http://a.example", "--origin", "http://b.example"));

    [Fact]
    public void A_cache_of_no_bytes_on_disk_has_no_folder() => Assert.Null(Read("--cache-size", "0").Folder);

    [Theory]
    [InlineData("1048576", 1L << 20, "1MiB")]
    [InlineData("512MiB", 512L << 20, "512MiB")]
    [InlineData("3TiB", 3L << 40, "3TiB")]
    [InlineData("1025KiB", 1025L << 10, "1025KiB")]
    public void A_size_is_written_as_it_is_read(string text, long bytes, string written)
    {
        Assert.True(ByteCount.TryParse(text, out ByteCount count));
        Assert.Equal((bytes, written), (count.Bytes, count.ToString()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("GiB")]
    [InlineData("-1GiB")]
    [InlineData("1GB")]
    [InlineData("1.5GiB")]
    [InlineData("9999999TiB")]
    public void What_is_no_size_is_refused(string text) => Assert.False(ByteCount.TryParse(text, out _));

    [Fact]
    public void Parameters_stay_or_go_but_not_both()
    {
        Assert.Equal(["a", "b"], Read("--query-keep", "a", "--query-keep", "b").QueryKeep);
        Assert.StartsWith("--query-keep and --query-drop exclude one another",
            Wrong("--query-keep", "a", "--query-drop", "b"), StringComparison.Ordinal);
    }

    [Fact]
    public void Only_what_is_for_every_host_is_announced_and_no_more_of_it_than_an_index_takes()
    {
        Assert.Equal(["/a/", "/"], Read("--origin", "/a/=http://a.example", "--origin", "b.example/b=http://b.example",
            "--origin", "http://c.example").Prefixes);
        string[] many = [.. Enumerable.Range(0, 17)
            .SelectMany(number => (string[])["--origin", $"/{number}=http://a"])];
        Assert.Equal(16, Read(many[..32]).Prefixes.Count);
        Assert.Equal("--origin takes at most 16 places that are for every host.", Wrong(many));
    }

    [Fact]
    public void A_parent_is_an_id_and_a_URL()
    {
        IReadOnlyList<ParentRule> parents = Read("--parent", "CS1=http://a.example:7003", "--parent", "a=b=https://b/x")
            .Parents;
        Assert.Equal(["CS1 http://a.example:7003/", "a=b https://b/x"],
            parents.Select(parent => $"{parent.Id} {parent.Url}"));
        foreach (string text in (string[])["http://a.example", "CS1", "CS1=a.example", "=http://a", "C 1=http://a",
            "CS1=ftp://a", "CS1=http://a/?b"])
        {
            Assert.StartsWith("--parent wants a server's id, '=', and its URL", Wrong("--parent", text),
                StringComparison.Ordinal);
        }
        Assert.Equal("--parent names 'CS1' twice.", Wrong("--parent", "CS1=http://a", "--parent", "CS1=http://b"));
    }

    [Theory]
    [InlineData("CS1", "microcdn-CS1")]
    [InlineData("edge-1_a.b", "microcdn-edge-1_a.b")]
    [InlineData("a=b;\"c\",ü%", "microcdn-a%3Db%3B%22c%22%2C%C3%BC%25")]
    public void Each_member_of_a_fleet_has_a_name_that_may_stand_in_fields(string id, string name)
    {
        Assert.True(ServerId.TryCreate(id, out ServerId known));
        Assert.Equal(name, new PullOptions { Id = known }.Name);
        Assert.Equal("microcdn", new PullOptions().Name);
    }

    private static PullOptions Read(params string[] arguments)
    {
        (PullFlags flags, ParseResult parsed) = Parse(arguments);
        Assert.Empty(parsed.Errors);
        return flags.Read(parsed, "copies", null);
    }

    private static string? Wrong(params string[] arguments) => Parse(arguments).Parsed.Errors is [var error, ..]
        ? error.Message : null;

    private static (PullFlags Flags, ParseResult Parsed) Parse(string[] arguments)
    {
        PullFlags flags = new();
        Command verb = new("verb");
        flags.AddTo(verb);
        return (flags, verb.Parse(arguments));
    }
}
