using System.Text.Json;
using System.Xml.Linq;
using MicroCdn.Protocol;
using MicroCdn.Tests.Index;

namespace MicroCdn.Tests.Gateway;

/// <summary>What is told of a file: RFC 5854, JSON, sha256sum, and pages for people.</summary>
public sealed class PagesTests
{
    private static readonly XNamespace Metalink = "urn:ietf:params:xml:ns:metalink";
    private readonly GatewayWorld _world = new();
    private readonly FileDigest _digest = Lists.Digest("x");

    [Theory]
    [InlineData("/dir/a.txt.meta4", "")]
    [InlineData("/dir/a.txt", "Accept: application/metalink4+xml\r\n")]
    public void A_Metalink_has_size_digest_and_the_live_servers_in_order(string target, string fields)
    {
        Fleet("dir/a.txt");
        Reply reply = _world.Ask(target, fields);
        Assert.Equal((200, "application/metalink4+xml"), (reply.Status, reply["Content-Type"]));
        Assert.Equal("attachment; filename*=UTF-8''a.txt.meta4", reply["Content-Disposition"]);
        XElement file = XDocument.Parse(reply.Body).Root!.Element(Metalink + "file")!;
        Assert.Equal("a.txt", file.Attribute("name")!.Value);
        Assert.Equal("5", file.Element(Metalink + "size")!.Value);
        Assert.Equal(("sha-256", _digest.ToString()),
            (file.Element(Metalink + "hash")!.Attribute("type")!.Value, file.Element(Metalink + "hash")!.Value));
        Assert.Equal(
        [
            ("1", "de", "http://10.0.0.1:7003/dir/a.txt"), ("2", null, "http://10.0.0.2:7003/dir/a.txt"),
        ], file.Elements(Metalink + "url")
            .Select(url => (url.Attribute("priority")!.Value, url.Attribute("location")?.Value, url.Value)));
    }

    [Fact]
    public void Where_only_servers_without_HTTP_have_it_the_Metalink_names_the_gateway()
    {
        _world.Index.Register("CS1", "10.0.0.1", "a.txt 5");
        XElement file = XDocument.Parse(_world.Ask("/a.txt.meta4").Body).Root!.Element(Metalink + "file")!;
        Assert.Equal("http://cdn.example.org/a.txt", file.Element(Metalink + "url")!.Value);
        Assert.Null(file.Element(Metalink + "hash"));
        using JsonDocument json = JsonDocument.Parse(_world.Ask("/a.txt?json").Body);
        Assert.Equal((JsonValueKind.Null, true), (json.RootElement.GetProperty("url").ValueKind,
            json.RootElement.GetProperty("relayed").GetBoolean()));
        Assert.DoesNotContain("a.txt.sha256", _world.Ask("/a.txt?mirrors").Body, StringComparison.Ordinal);
    }

    [Fact]
    public void Where_nothing_is_relayed_there_is_no_Metalink_without_a_source()
    {
        GatewayWorld strict = new(relays: false);
        strict.Index.Register("CS1", "10.0.0.1", "a.txt 5");
        Assert.Equal(503, strict.Ask("/a.txt.meta4").Status);
    }

    [Fact]
    public void The_checksum_is_a_line_that_sha256sum_reads()
    {
        _world.Register("CS1", "10.0.0.1", "http=7003", $"dir/a%20b 5 sha256={_digest}", "c 5");
        Reply reply = _world.Ask("/dir/a%20b.sha256");
        Assert.Equal((200, $"{_digest}  a b\n"), (reply.Status, reply.Body));
        reply = _world.Ask("/c.sha256");
        Assert.Equal((404, "The digest of this file is not known: no server has told it yet.\n"),
            (reply.Status, reply.Body));
    }

    [Theory]
    [InlineData("/a.txt?json", "")]
    [InlineData("/a.txt", "Accept: application/json, */*;q=0.5\r\n")]
    public void Everything_is_told_as_JSON(string target, string fields)
    {
        Fleet("a.txt");
        Reply reply = _world.Ask(target, fields);
        Assert.Equal((200, "application/json"), (reply.Status, reply["Content-Type"]));
        using JsonDocument json = JsonDocument.Parse(reply.Body);
        JsonElement root = json.RootElement;
        Assert.Equal("a.txt", root.GetProperty("name").GetString());
        Assert.Equal(5, root.GetProperty("size").GetInt64());
        Assert.Equal(_digest.ToString(), root.GetProperty("sha256").GetString());
        // The root of a file of one chunk is the digest of its digest.
        byte[] digest = Convert.FromHexString(_digest.ToString());
        Assert.Equal(Chunks.RootOf(digest).ToString(), root.GetProperty("chunks").GetString());
        Assert.Equal("2001-09-09T01:46:40Z", root.GetProperty("lastModified").GetString());
        Assert.Equal("http://10.0.0.1:7003/a.txt", root.GetProperty("url").GetString());
        Assert.False(root.GetProperty("relayed").GetBoolean());
        JsonElement[] servers = [.. root.GetProperty("servers").EnumerateArray()];
        Assert.Equal(["CS1", "CS2", "CS3"], servers.Select(server => server.GetProperty("id").GetString()));
        Assert.Equal(["unknown", "unknown", "dead"], servers.Select(server => server.GetProperty("state").GetString()));
        Assert.Equal([null, null, "a monitor heard nothing from it"],
            servers.Select(server => server.GetProperty("excluded").GetString()));
        Assert.Equal(["http://10.0.0.1:7003/a.txt", "https://10.0.0.1:7443/a.txt"],
            servers[0].GetProperty("urls").EnumerateArray().Select(url => url.GetString()));
        Assert.Equal(("here", "DE", 50, 0), (servers[0].GetProperty("zone").GetString(),
            servers[0].GetProperty("country").GetString(), servers[0].GetProperty("weight").GetInt32(),
            servers[0].GetProperty("load").GetInt32()));
    }

    [Fact]
    public void Why_names_every_server_and_the_copies_that_are_something_else()
    {
        Fleet("a.txt");
        _world.Register("CS4", "10.0.0.4", "http=7003", $"a.txt 6 sha256={Lists.Digest("other")}");
        string[] lines = _world.Ask("/a.txt?why&not=CS2").Body.Split('\n');
        Assert.Equal($"a.txt: 5 bytes, sha256 {_digest}", lines[0]);
        Assert.Equal("You are sent to CS1: http://10.0.0.1:7003/a.txt", lines[1]);
        Assert.Contains(lines, line => line.StartsWith("  1. CS1, score ", StringComparison.Ordinal)
            && line.EndsWith("unknown (no monitor is heard), load 0, zone here, country DE, weight 50",
                StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("   - CS2, ", StringComparison.Ordinal)
            && line.EndsWith("left out: you asked for another one", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("   - CS3, ", StringComparison.Ordinal)
            && line.EndsWith("left out: a monitor heard nothing from it", StringComparison.Ordinal));
        Assert.Contains($"   - CS4: 6 bytes, sha256 {Lists.Digest("other")}", lines);
    }

    [Fact]
    public void The_page_of_mirrors_shows_the_same_and_may_run_nothing()
    {
        Fleet("a.txt");
        Reply reply = _world.Ask("/a.txt?mirrors");
        Assert.Equal("text/html; charset=utf-8", reply["Content-Type"]);
        Assert.StartsWith("default-src 'none'; style-src 'sha256-", reply["Content-Security-Policy"],
            StringComparison.Ordinal);
        string style = reply.Body.Split("<style>")[1].Split("</style>")[0];
        string hash = Convert.ToBase64String(System.Security.Cryptography.SHA256.HashData(
            System.Text.Encoding.UTF8.GetBytes(style)));
        Assert.Contains($"'sha256-{hash}'", reply["Content-Security-Policy"], StringComparison.Ordinal);
        Assert.Contains("<a href=\"http://10.0.0.2:7003/a.txt\">", reply.Body, StringComparison.Ordinal);
        Assert.Contains("left out: a monitor heard nothing from it", reply.Body, StringComparison.Ordinal);
        Assert.Contains("<a href=\"/a.txt.meta4\">", reply.Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("?json")]
    [InlineData("?mirrors")]
    [InlineData("?why")]
    public void A_page_explains_also_when_nobody_can_deliver_and_a_HEAD_has_its_length(string query)
    {
        Fleet("a.txt");
        foreach (string id in new[] { "CS1", "CS2" }) _world.Kill(id);
        Reply get = _world.Ask($"/a.txt{query}"), head = _world.Ask($"/a.txt{query}", method: "HEAD");
        Assert.Equal(200, get.Status);
        Assert.Equal($"{get.BodyBytes.Length}", get["Content-Length"]);
        Assert.Equal(get["Content-Length"], head["Content-Length"]);
        Assert.Empty(head.Body);
    }

    [Fact]
    public void A_page_names_a_bounded_number_of_servers_and_says_how_many_there_are()
    {
        for (int number = 0; number < 300; number++)
        {
            _world.Register($"CS{number}", $"10.0.{number / 100}.{number % 100}", "http=7003", "a.txt 5");
        }
        using JsonDocument json = JsonDocument.Parse(_world.Ask("/a.txt?json").Body);
        Assert.Equal((300, 256), (json.RootElement.GetProperty("holders").GetInt32(),
            json.RootElement.GetProperty("servers").GetArrayLength()));
        Assert.Contains("and 44 more", _world.Ask("/a.txt?why").Body, StringComparison.Ordinal);
        Assert.Contains("and 44 more", _world.Ask("/a.txt?mirrors").Body, StringComparison.Ordinal);
    }

    private void Fleet(string name)
    {
        string file = $"{name} 5 time=1000000000 sha256={_digest}";
        _world.Register("CS1", "10.0.0.1", "http=7003 https=7443 zone=here country=DE weight=50", file);
        _world.Register("CS2", "10.0.0.2", "http=7003", file);
        _world.Register("CS3", "10.0.0.3", "http=7003", file);
        _world.Index.Ask("UPDATE_LOAD CS2 9\n");
        _world.Kill("CS3");
    }
}
