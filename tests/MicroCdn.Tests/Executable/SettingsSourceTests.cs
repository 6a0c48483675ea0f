using System.CommandLine;
using System.Text;
using MicroCdn.Settings;

namespace MicroCdn.Tests.Executable;

public sealed class SettingsSourceTests
{
    [Theory]
    [InlineData("""{"content": {"httpPort": 7003}}""", "--http-port=7003")]
    [InlineData("""{"httpPort": 7003}""", "--http-port=7003")]
    [InlineData("""{"httpPort": "7003"}""", "--http-port=7003")]
    [InlineData("""{"httpPort": 1, "content": {"httpPort": 2}}""", "--http-port=2")]
    [InlineData("""{"content": {"httpPort": 2}, "httpPort": 1}""", "--http-port=2")]
    [InlineData("""{"index": {"port": 9}, "monitor": {"timeout": 0.5}, "up": {"contentPort": 3}}""", "")]
    [InlineData("""{"port": 5050, "timeout": 3}""", "")]
    [InlineData("""{"listings": true}""", "--listings=true")]
    [InlineData("""{"listings": false}""", "")]
    [InlineData("""{"listings": true, "content": {"listings": false}}""", "")]
    [InlineData("""{"cors": "*"}""", "--cors=*")]
    [InlineData("""{"cors": ["http://a", "http://b"]}""", "--cors=http://a --cors=http://b")]
    [InlineData("""{"cors": ["*"], "content": {"cors": []}}""", "")]
    [InlineData("""{"cacheControl": {"/a/": "max-age=1", "/b/": "no-store"}}""",
        "--cache-control=/a/=max-age=1 --cache-control=/b/=no-store")]
    [InlineData("""{"cacheControl": ["/a/=no-cache"]}""", "--cache-control=/a/=no-cache")]
    [InlineData("""{"data": "--files"}""", "--data=--files")]
    [InlineData("""{"data": "@file"}""", "--data=@file")]
    [InlineData("""{"data": ""}""", "--data ")]
    [InlineData("""{"serverId": "other", "files": "/srv"}""", "")]
    [InlineData("// a comment\n{\"httpPort\": 7003, /* another */ \"content\": {\"listings\": true,},}",
        "--http-port=7003 --listings=true")]
    [InlineData("\uFEFF{}", "")]
    [InlineData("{}", "")]
    public void A_key_becomes_the_flag_that_the_command_line_does_not_give(string json, string words) =>
        Assert.Equal(words, string.Join(' ', Given("content", json, "--server-id", "--files")
            .SelectMany(setting => setting.Words)));

    [Theory]
    [InlineData("""{"content": {"httpprt": 1}}""",
        "x.json: unknown key 'httpprt' in section content; did you mean 'httpPort'?")]
    [InlineData("""{"content": {"http-port": 1}}""",
        "x.json: unknown key 'http-port' in section content; did you mean 'httpPort'?")]
    [InlineData("""{"HTTPPORT": 1}""", "x.json: unknown key 'HTTPPORT'; did you mean 'httpPort'?")]
    [InlineData("""{"contnet": {}}""", "x.json: unknown key 'contnet'; did you mean 'content'?")]
    [InlineData("""{"content": {"banana": 1}}""", "x.json: unknown key 'banana' in section content.")]
    [InlineData("""{"content": {"config": "y.json"}}""", "x.json: unknown key 'config' in section content.")]
    [InlineData("""{"content": {"timeout": 5}}""", "x.json: unknown key 'timeout' in section content.")]
    [InlineData("""{"get": {"out": "x"}}""", "x.json: unknown key 'get'; did you mean 'geo'?")]
    [InlineData("""{"client": {"httpPort": 1}}""", "x.json: unknown key 'httpPort' in section client.")]
    [InlineData("""{"client": {"json": true}}""", "x.json: unknown key 'json' in section client.")]
    [InlineData("""{"monitor": {"tiemout": 5}}""",
        "x.json: unknown key 'tiemout' in section monitor; did you mean 'timeout'?")]
    [InlineData("""{"httpPort": 1, "httpPort": 2}""", "x.json: key 'httpPort' stands there twice.")]
    [InlineData("""{"httpPort": 1, "http\u0050ort": 2}""", "x.json: key 'httpPort' stands there twice.")]
    [InlineData("""{"content": {}, "content": {}}""", "x.json: key 'content' stands there twice.")]
    [InlineData("""{"content": {"cors": [], "cors": []}}""",
        "x.json: key 'cors' in section content stands there twice.")]
    [InlineData("""{"cacheControl": {"/a": "x", "/a": "y"}}""", "x.json: key '/a' stands there twice.")]
    [InlineData("""{"content": 5}""", "x.json: section content must be an object { }.")]
    [InlineData("""{"index": ["10.0.0.1:5050"]}""", "x.json: section index must be an object { }.")]
    [InlineData("[]", "x.json: it must hold one object { }.")]
    [InlineData("5", "x.json: it must hold one object { }.")]
    [InlineData("null", "x.json: it must hold one object { }.")]
    [InlineData("""{"listings": "yes"}""", "x.json: key 'listings' wants true or false.")]
    [InlineData("""{"content": {"listings": 1}}""", "x.json: key 'listings' in section content wants true or false.")]
    [InlineData("""{"httpPort": true}""", "x.json: key 'httpPort' wants PORT, which is a text or a number.")]
    [InlineData("""{"httpPort": null}""", "x.json: key 'httpPort' wants PORT, which is a text or a number.")]
    [InlineData("""{"httpPort": {"a": 1}}""", "x.json: key 'httpPort' wants PORT, which is a text or a number.")]
    [InlineData("""{"httpPort": [1]}""", "x.json: key 'httpPort' wants PORT, which is a text or a number.")]
    [InlineData("""{"cors": [["*"]]}""", "x.json: key 'cors' wants ORIGIN, which is a text or a number.")]
    [InlineData("""{"httpPort": [[1]]}""", "x.json: key 'httpPort' wants PORT, which is a text or a number.")]
    [InlineData("""{"cors": [false]}""", "x.json: key 'cors' wants ORIGIN, which is a text or a number.")]
    [InlineData("""{"cacheControl": {"/a": ["x"]}}""",
        "x.json: key 'cacheControl' wants PREFIX=VALUE, which is a text or a number.")]
    [InlineData("""{"cacheControl": {"/a=b": "x"}}""",
        "x.json: key 'cacheControl' has '=' in '/a=b', which stands between the two parts of a pair.")]
    [InlineData("""{"data": "a\u0000b"}""", "x.json: key 'data' holds a control character.")]
    [InlineData("""{"cacheControl": {"/a": "x\r\nSet-Cookie: y"}}""",
        "x.json: key 'cacheControl' holds a control character.")]
    [InlineData("""{"data": "\ud800"}""", "x.json: key 'data' holds bytes or an escape that are no text.")]
    [InlineData("""{"\ud800": 1}""", "x.json: a key holds bytes or an escape that are no text.")]
    [InlineData("""{"content": {"a\nb": 1}}""", "x.json: a key in section content holds a control character.")]
    public void What_cannot_be_meant_is_one_sentence(string json, string sentence) =>
        Assert.Equal(sentence, Refusal("content", json));

    [Theory]
    [InlineData("", 1)]
    [InlineData("{", 1)]
    [InlineData("{\n\"httpPort\" 5}", 2)]
    [InlineData("{\n\n'httpPort': 5}", 3)]
    [InlineData("{} {}", 1)]
    [InlineData("{\"httpPort\": 0x10}", 1)]
    [InlineData("{\"httpPort\": NaN}", 1)]
    [InlineData("httpPort: 5\n", 1)]
    [InlineData("{\"a\": \"\n\"}", 1)]
    [InlineData("/* without end", 1)]
    public void What_is_no_json_is_named_with_its_line(string json, int line)
    {
        string sentence = Refusal("content", json);
        Assert.StartsWith($"x.json, line {line}: this is no JSON: ", sentence, StringComparison.Ordinal);
        Assert.DoesNotContain("LineNumber", sentence, StringComparison.Ordinal);
        Assert.EndsWith(".", sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void Hostile_json_is_refused_in_a_short_sentence()
    {
        Assert.Contains("no JSON", Refusal("content", new string('[', 500_000)), StringComparison.Ordinal);
        Assert.Contains("no JSON", Refusal("content", Nested(20)), StringComparison.Ordinal);
        Assert.Contains("unknown key", Refusal("content", $$"""{"{{new string('k', 900_000)}}": 1}"""),
            StringComparison.Ordinal);
        Assert.True(Refusal("content", $$"""{"{{new string('k', 900_000)}}": 1}""").Length < 200);
        Assert.Equal("x.json: a key holds bytes or an escape that are no text.",
            Assert.Throws<SettingsException>(() => Read([.. "{\""u8, 0xC3, 0x28, .. "\": 1}"u8])).Message);
        static string Nested(int depth) => new StringBuilder().Insert(0, "{\"a\":", depth).Append('1')
            .Append('}', depth).ToString();
    }

    private static string Refusal(string verb, string json) =>
        Assert.Throws<SettingsException>(() => Given(verb, json)).Message;

    private static GivenSetting[] Given(string verb, string json, params string[] typed) =>
        Read(Encoding.UTF8.GetBytes(json), verb, typed);

    private static GivenSetting[] Read(byte[] text, string verb = "content", params string[] typed)
    {
        RootCommand root = CommandLine.CreateRoot();
        return [.. new SettingsSource("x.json", text, Section.All(root)).For(
            root.Subcommands.Single(one => one.Name == verb), option => !typed.Contains(option.Name))];
    }
}
