using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Xml.Linq;
using MicroCdn.Http;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Gateway;

/// <summary>Names of files, servers and zones are text wherever they appear.</summary>
public sealed class HostileNamesTests
{
    private static readonly XNamespace Metalink = "urn:ietf:params:xml:ns:metalink";
    private readonly GatewayWorld _world = new();

    public static TheoryData<string> Names =>
    [
        "<img src=x onerror=alert(1)>", "\"quoted\" 'single'", "a&amp;b", "]]><x>", "</title><script>alert(1)</script>",
        "%0D%0ASet-Cookie: x", "..%2f", "\u202Etxt.exe", "a\uFFFEb", "\uFFFF", "javascript:alert(1)",
        "//evil.example/x",
    ];

    [Theory, MemberData(nameof(Names))]
    public void A_name_stays_text_in_every_answer(string text)
    {
        string name = text.Trim('/').Replace("//", "/", StringComparison.Ordinal);
        Add(name, "CS<b>1", "zone=" + Word("<i>\"'zone"));
        Add(name, "CS2", "zone=x");
        string path = Path(name);

        Reply redirect = _world.Ask(path);
        Assert.Equal(302, redirect.Status);
        Assert.EndsWith(path, redirect["Location"], StringComparison.Ordinal);
        Assert.Equal(2, redirect.All("Link").Length);
        Assert.All(redirect.All("Link"), link => Assert.Matches("^</?[^<>\" ]+>; rel=", link));

        Assert.Matches("^attachment; filename\\*=UTF-8''[A-Za-z0-9._%-]+$",
            _world.Ask(path + ".meta4")["Content-Disposition"]);
        XElement file = XDocument.Parse(_world.Ask(path + ".meta4").Body).Root!.Element(Metalink + "file")!;
        Assert.Equal(name.Split('/')[^1].Replace('\uFFFE', '\uFFFD').Replace('\uFFFF', '\uFFFD'),
            file.Attribute("name")!.Value);
        Assert.All(file.Elements(Metalink + "url"), url => Assert.EndsWith(path, url.Value, StringComparison.Ordinal));

        using JsonDocument json = JsonDocument.Parse(_world.Ask(path + "?json").Body);
        Assert.Equal(name, json.RootElement.GetProperty("name").GetString());

        string page = _world.Ask(path + "?mirrors").Body;
        foreach (string tag in new[] { "<img", "<script", "<b>", "<i>", "<x>" })
        {
            Assert.DoesNotContain(tag, page, StringComparison.Ordinal);
        }
        ArrayBufferWriter<byte> escaped = new();
        HtmlText.Write(Encoding.UTF8.GetBytes(name), escaped);
        Assert.Contains($"<h1><bdi>{escaped.WrittenSpan.Text()}</bdi></h1>", page, StringComparison.Ordinal);
        Assert.Contains("CS&#60;b&#62;1", page, StringComparison.Ordinal);

        Assert.Equal("text/plain; charset=utf-8", _world.Ask(path + "?why")["Content-Type"]);
        Assert.Equal("nosniff", _world.Ask(path + "?why")["X-Content-Type-Options"]);
    }

    private void Add(string name, string id, string facts) => _world.Register(id, "10.0.0.1", $"http=7003 {facts}",
        $"{Word(name)} 5");

    private static string Word(string text)
    {
        ArrayBufferWriter<byte> word = new();
        PercentText.Encode(text.Utf8(), word);
        return word.WrittenSpan.Text();
    }

    private static string Path(string name)
    {
        ArrayBufferWriter<byte> path = new();
        PathNames.Write(name.Utf8(), path);
        return path.WrittenSpan.Text();
    }
}
