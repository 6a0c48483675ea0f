using System.CommandLine;
using MicroCdn.Protocol;
using MicroCdn.Settings;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Executable;

public sealed class CommandLineTests : IDisposable
{
    private const string Content = "content --server-id CS1 --files .";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("""{"httpPort": 1e999}""", "httpPort", "--http-port wants a port from 1 to 65535, not '1e999'.")]
    [InlineData("""{"httpPort": 7003.0}""", "httpPort", "--http-port wants a port from 1 to 65535, not '7003.0'.")]
    [InlineData("""{"httpPort": -0}""", "httpPort", "--http-port wants a port from 1 to 65535, not '-0'.")]
    [InlineData("""{"httpPort": ""}""", "httpPort", "--http-port wants a port from 1 to 65535, not ''.")]
    [InlineData("""{"httpPort": "--listings"}""", "httpPort",
        "--http-port wants a port from 1 to 65535, not '--listings'.")]
    [InlineData("""{"data": ""}""", "data", "--data wants a path, not ''.")]
    [InlineData("""{"proxy": ["10.0.0.0/8", "here"]}""", "proxy",
        "--proxy wants a network such as 10.0.0.0/8, not 'here'.")]
    public void A_wrong_value_is_the_flags_own_sentence_behind_file_and_key(string json, string key, string sentence)
    {
        Assert.Equal($"{Write(json)}: key '{key}': {sentence}", Wrong($"{Content} --config {Path}"));
        Write($$"""{"content": {{json}}}""");
        Assert.Equal($"{Path}: key '{key}' in section content: {sentence}",
            Wrong($"{Content} --config {Path}"));
    }

    [Fact]
    public void A_number_without_end_is_quoted_in_part()
    {
        Write($$"""{"httpPort": 1{{new string('0', 1_000_000)}}}""");
        Assert.True(Wrong($"{Content} --config {Path}")!.Length < 300);
    }

    [Fact]
    public void What_the_command_line_says_wrong_is_not_blamed_on_the_file()
    {
        Write("""{"httpPort": 5, "listings": true}""");
        Assert.Equal("--http-port wants a port from 1 to 65535, not 'x'.",
            Wrong($"{Content} --http-port x --config {Path}"));
        Assert.Equal("Unrecognized command or argument 'true'.", Wrong($"{Content} --config {Path} true"));
        Assert.Equal("'content' has no flag '--xyzzy'.", Wrong($"{Content} --config {Path} --xyzzy"));
    }

    [Fact]
    public void The_command_line_counts_more_also_for_what_may_be_repeated()
    {
        Write("""{"serverId": "FILE", "files": "/file", "cors": ["http://file"], "listings": true, "tcpPort": 9}""");
        ParseResult parsed = Parsed($"content --server-id LINE --config {Path} --cors http://a --cors http://b");
        Assert.Equal(["http://a", "http://b"], parsed.GetValue<string[]>("--cors")!);
        Assert.Equal("LINE", parsed.GetValue<ServerId>("--server-id").Value);
        Assert.Equal("/file", parsed.GetValue<string>("--files"));
        Assert.Equal(9, parsed.GetValue<int>("--tcp-port"));
        Assert.True(parsed.GetValue<bool>("--listings"));
        Assert.False(Parsed($"{Content} --config {Path} --listings=false").GetValue<bool>("--listings"));
    }

    [Fact]
    public void A_file_may_give_what_is_required_and_what_belongs_together()
    {
        Write("""{"content": {"serverId": "CS1", "files": ".", "httpsPort": 7004}}""");
        Assert.Equal("--https-port needs --cert FILE and --key FILE.", Wrong($"content --config {Path}"));
        Assert.Null(Wrong($"content --config={Path} --cert c.pem --key k.pem"));
    }

    [Theory]
    [InlineData("up")]
    [InlineData("index")]
    [InlineData("monitor")]
    public void Every_role_takes_the_file(string verb)
    {
        Write("""{"bind": "10.1.2.3", "trust": "10.0.0.0/8"}""");
        Assert.Equal("10.1.2.3",
            Parsed($"{verb} --config {Path}").GetValue<System.Net.IPAddress>("--bind")!.ToString());
    }

    [Theory]
    [InlineData("servers --config x.json")]
    [InlineData("ls --config x.json")]
    public void The_client_takes_none(string line) => Assert.NotNull(Wrong(line));

    [Fact]
    public void Help_is_shown_whatever_the_file_holds() => Assert.Null(Wrong("content --help --config /nowhere"));

    [Fact]
    public void A_value_that_looks_like_a_response_file_is_none() => Assert.Null(Wrong("get @nowhere"));

    [Fact]
    public void A_file_that_cannot_be_read_is_named()
    {
        Assert.Contains("/nowhere/x.json' cannot be read: ", Unreadable("/nowhere/x.json"), StringComparison.Ordinal);
        Assert.Equal("the settings file '/tmp' cannot be read: it is a folder.", Unreadable("/tmp"));
        Assert.Equal("the settings file '/dev/zero' has more than 1048576 bytes.", Unreadable("/dev/zero"));
        Write("{}" + new string(' ', SettingsSource.MostBytes - 2));
        Assert.Null(Wrong($"{Content} --config {Path}"));
        Write("{}" + new string(' ', SettingsSource.MostBytes - 1));
        Assert.Contains("more than 1048576 bytes", Unreadable(Path), StringComparison.Ordinal);
    }

    private string Path => _folder["fleet.json"];

    private string Write(string json) => _folder.Write("fleet.json", json);

    private static string Unreadable(string path) =>
        Assert.Throws<SettingsException>(() => Wrong($"{Content} --config {path}")).Message;

    private static string? Wrong(string line) =>
        CommandLine.Read(CommandLine.CreateRoot(), line.Split(' '), SettingsPlaces.None).Wrong;

    private static ParseResult Parsed(string line)
    {
        Reading read = CommandLine.Read(CommandLine.CreateRoot(), line.Split(' '), SettingsPlaces.None);
        Assert.Null(read.Wrong);
        return read.Parsed;
    }
}
