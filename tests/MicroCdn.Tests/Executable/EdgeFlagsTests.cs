using System.CommandLine;
using MicroCdn.Edge;
using MicroCdn.Settings;
using MicroCdn.Verbs;

namespace MicroCdn.Tests.Executable;

public sealed class EdgeFlagsTests
{
    [Fact]
    public void Nothing_is_on_by_default()
    {
        EdgeOptions options = Read();
        Assert.False(options.Listings);
        Assert.Empty(options.CacheControl);
        Assert.Empty(options.CorsOrigins);
        Assert.Empty(options.Proxies);
    }

    [Fact]
    public void Flags_become_options()
    {
        EdgeOptions options = Read("--listings", "--cache-control", "/releases/=public, max-age=31536000, immutable",
            "--cache-control", "/= no-cache ", "--cors", "https://www.example.org", "--cors", "http://localhost:8080",
            "--proxy", "10.0.0.0/8", "--proxy", "192.0.2.7");
        Assert.True(options.Listings);
        Assert.Equal([new("/releases/", "public, max-age=31536000, immutable"), new("/", "no-cache")],
            options.CacheControl);
        Assert.Equal(["https://www.example.org", "http://localhost:8080"], options.CorsOrigins);
        Assert.Equal(["10.0.0.0/8", "192.0.2.7/32"], options.Proxies.Select(network => network.ToString()));
    }

    [Theory]
    [InlineData("max-age=5")]
    [InlineData("releases/=x")]
    [InlineData("/releases/")]
    [InlineData("/releases/=")]
    [InlineData("/releases/= ")]
    [InlineData("=x")]
    [InlineData("")]
    [InlineData("/a=x\r\nSet-Cookie: y")]
    [InlineData("/a=x\ny")]
    [InlineData("/a=x\0")]
    [InlineData("/a=x\u007F")]
    [InlineData("/a=\tx")]
    [InlineData("/a=\u0085")]
    [InlineData("/a=größe")]
    [InlineData("/a\n=x")]
    public void A_rule_that_is_no_header_field_is_refused(string rule) => Assert.StartsWith(
        "--cache-control wants PREFIX=VALUE ", Wrong("--cache-control", rule), StringComparison.Ordinal);

    [Fact]
    public void A_rule_is_bounded_and_a_prefix_has_one()
    {
        Assert.Null(Wrong("--cache-control", "/=" + new string('x', 512)));
        string refusal = Wrong("--cache-control", "/=" + new string('x', 513))!;
        Assert.InRange(refusal.Length, 20, 300);
        Assert.Equal("--cache-control has the prefix '/a' twice.",
            Wrong("--cache-control", "/a=x", "--cache-control", "/b=x", "--cache-control", "/a=y"));
    }

    [Theory]
    [InlineData("*")]
    [InlineData("https://www.example.org")]
    [InlineData("http://localhost:8080")]
    [InlineData("http://192.0.2.7")]
    [InlineData("http://[2001:db8::1]:81")]
    [InlineData("capacitor://localhost")]
    public void An_origin_is_read_as_browsers_write_it(string origin) =>
        Assert.Equal([origin], Read("--cors", origin).CorsOrigins);

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("www.example.org")]
    [InlineData("https://www.example.org/")]
    [InlineData("https://www.example.org/page")]
    [InlineData("https://www.example.org?x")]
    [InlineData("https://WWW.example.org")]
    [InlineData("https://www.example.org:443")]
    [InlineData("https://user@www.example.org")]
    [InlineData("https://*.example.org")]
    [InlineData("https://größe.example")]
    [InlineData("https://a b")]
    [InlineData("https://a\r\nX: y")]
    [InlineData("file:///x")]
    [InlineData("/etc/passwd")]
    [InlineData("https://")]
    public void What_no_browser_sends_is_no_origin(string origin) => Assert.StartsWith(
        "--cors wants * or an origin such as https://www.example.org, not '", Wrong("--cors", origin),
        StringComparison.Ordinal);

    [Theory]
    [InlineData("10.0.0.0/33")]
    [InlineData("proxy.example")]
    [InlineData("")]
    public void A_proxy_is_a_network(string network) =>
        Assert.Equal($"--proxy wants a network such as 10.0.0.0/8, not '{network}'.", Wrong("--proxy", network));

    [Theory]
    [InlineData("--https-port", "7004")]
    [InlineData("--https-port", "7004", "--cert", "c.pem")]
    [InlineData("--https-port", "7004", "--key", "k.pem")]
    public void Https_needs_a_certificate_and_its_key(params string[] words) =>
        Assert.Equal("--https-port needs --cert FILE and --key FILE.", Wrong(words));

    [Theory]
    [InlineData("--https-port wants a port from 1 to 65535, not '0'.",
        "--https-port", "0", "--cert", "c.pem", "--key", "k.pem")]
    [InlineData("--cert wants a path, not ''.", "--cert", "")]
    [InlineData("--key wants a path, not ''.", "--key", "")]
    public void A_wrong_flag_of_https_is_one_sentence(string sentence, params string[] words) =>
        Assert.Equal(sentence, Wrong(words));

    [Theory]
    [InlineData("up")]
    [InlineData("content")]
    public void Up_and_content_serve_files_by_the_same_flags(string verb) => Assert.Superset(
        new HashSet<string> { "--listings", "--cache-control", "--cors", "--proxy" },
        new HashSet<string>(CommandLine.CreateRoot().Subcommands.Single(one => one.Name == verb).Options
            .Select(option => option.Name)));

    private static EdgeOptions Read(params string[] words)
    {
        RootCommand root = new();
        EdgeFlags flags = EdgeFlags.AddedTo(root);
        ParseResult parsed = root.Parse(words);
        Assert.Empty(parsed.Errors);
        return flags.Read(parsed);
    }

    private static string? Wrong(params string[] words) => CommandLine.Read(CommandLine.CreateRoot(),
        ["content", "--server-id", "CS1", "--files", ".", .. words], SettingsPlaces.None).Wrong;
}
