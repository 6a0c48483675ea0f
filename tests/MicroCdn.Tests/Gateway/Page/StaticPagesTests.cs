using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using MicroCdn.Gateway.Page;
using MicroCdn.Http;
using MicroCdn.Network;
using MicroCdn.Tests.HouseRules;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Gateway.Page;

public sealed partial class StaticPagesTests
{
    private const string Folder = "src/MicroCdn.Gateway/Page/files";
    private const StringComparison Ordinal = StringComparison.Ordinal;

    private static readonly string Root = Path.Combine(Repository.Root, Folder);
    private static readonly StaticPages Pages = new();
    private static readonly HttpService Service = new(
        new PageHandler(), new TrustedNetworks([]), new Complaints(new LogBook(), new FakeTimeProvider()),
        new FakeTimeProvider());

    [Theory]
    [InlineData("/", "text/html; charset=utf-8")]
    [InlineData("/ui/", "text/html; charset=utf-8")]
    [InlineData("/ui/app.js", "text/javascript; charset=utf-8")]
    [InlineData("/ui/base.css", "text/css; charset=utf-8")]
    [InlineData("/ui/icon.svg", "image/svg+xml")]
    [InlineData("/ui/vendor/LICENSE-htm.txt", "text/plain; charset=utf-8")]
    public void A_file_comes_with_its_type_and_with_what_holds_a_browser_to_this_host(string path, string type)
    {
        Reply reply = Ask(path);
        Assert.Equal((200, type), (reply.Status, reply["Content-Type"]));
        string policy = reply["Content-Security-Policy"]!;
        Assert.Contains("default-src 'self';", policy, Ordinal);
        Assert.Contains("frame-ancestors 'none'", policy, Ordinal);
        Assert.DoesNotContain("unsafe", policy, Ordinal);
        Assert.DoesNotContain("http", policy, Ordinal);
        Assert.Equal(("nosniff", "no-referrer", "no-cache"), (reply["X-Content-Type-Options"],
            reply["Referrer-Policy"], reply["Cache-Control"]));
        Assert.NotEmpty(reply.BodyBytes);
    }

    [Fact]
    public void What_is_known_already_is_not_sent_again_and_each_coding_has_a_tag_of_its_own()
    {
        string plain = Ask("/ui/app.js")["ETag"]!, packed = Ask("/ui/app.js", Gzip)["ETag"]!;
        Assert.NotEqual(plain, packed);
        Reply known = Ask("/ui/app.js", $"{Gzip}If-None-Match: \"x\", {packed}\r\n");
        Assert.Equal((304, packed, 0), (known.Status, known["ETag"], known.BodyBytes.Length));
        Assert.Equal(200, Ask("/ui/app.js", $"{Gzip}If-None-Match: {plain}\r\n").Status);
        Assert.Equal(304, Ask("/ui/app.js", $"If-None-Match: {plain}\r\n").Status);
    }

    [Fact]
    public void Who_takes_gzip_gets_the_same_in_fewer_bytes()
    {
        Reply packed = Ask("/ui/fleet.js", Gzip);
        Assert.Equal(("gzip", "Accept-Encoding"), (packed["Content-Encoding"], packed["Vary"]));
        using GZipStream unpacking = new(new MemoryStream(packed.BodyBytes), CompressionMode.Decompress);
        using StreamReader reader = new(unpacking);
        Assert.Equal(Ask("/ui/fleet.js").Body, reader.ReadToEnd());
        Assert.Null(Ask("/ui/fleet.js")["Content-Encoding"]);
    }

    [Theory]
    [InlineData("GET", "/ui/not-there.js", 404)]
    [InlineData("GET", "/ui/../ui/app.js", 404)]
    [InlineData("GET", "/ui/%61pp.js", 404)]
    [InlineData("GET", "/ui", 404)]
    [InlineData("POST", "/ui/app.js", 405)]
    [InlineData("DELETE", "/", 405)]
    public void Nothing_else_is_there_and_nothing_can_be_done_to_it(string method, string path, int status)
    {
        Reply reply = new(new Wire(Service).Receive(
            $"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").SentBytes);
        Assert.Equal(status, reply.Status);
        Assert.NotNull(reply["Content-Security-Policy"]);
    }

    [Fact]
    public void HEAD_tells_the_length_and_sends_nothing()
    {
        Reply reply = new(new Wire(Service).Receive("HEAD /ui/app.js HTTP/1.1\r\nHost: x\r\n\r\n").SentBytes);
        Assert.Equal(Ask("/ui/app.js").BodyBytes.Length.ToString(null, null), reply["Content-Length"]);
        Assert.Empty(reply.BodyBytes);
    }

    [Fact]
    public void All_scripts_together_are_at_most_60_KB_compressed()
    {
        long sum = Pages.Files.Where(file => file.Key.EndsWith(".js", Ordinal)).Sum(file => file.Value.Packed.Length);
        Assert.InRange(sum, 1, 60_000);
    }

    [Fact]
    public void A_script_of_ours_is_sent_without_its_comments_and_one_of_others_as_it_came()
    {
        string ours = Encoding.UTF8.GetString(Pages.Files["/ui/app.js"].Plain);
        Assert.DoesNotContain("\n//", ours, Ordinal);
        Assert.Contains("import { ", ours, Ordinal);
        Assert.Equal(File.ReadAllBytes(Path.Combine(Root, "vendor/uplot.js")),
            Pages.Files["/ui/vendor/uplot.js"].Plain);
    }

    [Fact]
    public void What_came_from_others_has_the_digest_of_its_table_and_nothing_is_without_a_row()
    {
        string[][] rows = [.. File.ReadLines(Path.Combine(Root, "vendor/VENDOR.txt"))
            .Where(line => line.Length > 0 && line[0] != '#')
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))];
        Assert.All(rows, row => Assert.Equal(row[4], Convert.ToHexStringLower(
            SHA256.HashData(File.ReadAllBytes(Path.Combine(Root, "vendor", row[0]))))));
        Assert.Equal(Directory.GetFiles(Path.Combine(Root, "vendor")).Select(Path.GetFileName).Order(),
            rows.Select(row => row[0]).Append("VENDOR.txt").Order());
    }

    [Fact]
    public void The_page_has_no_script_or_style_within_it_and_asks_for_nothing_that_is_not_there()
    {
        string page = File.ReadAllText(Path.Combine(Root, "index.html"));
        Assert.DoesNotMatch(@"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page);
        string[] wanted = [.. Wanted().Matches(page).Select(match => match.Groups[1].Value)];
        Assert.NotEmpty(wanted);
        Assert.All(wanted, path => Assert.True(Pages.Files.ContainsKey(path), path));
        string[] imported = [.. Ours("*.js").SelectMany(file => Imported().Matches(File.ReadAllText(file)))
            .Select(match => "/ui/" + match.Groups[1].Value).Distinct()];
        Assert.All(imported, path => Assert.True(Pages.Files.ContainsKey(path), path));
        // A module that is found only when another was read comes a round trip later.
        Assert.All(imported, path => Assert.Contains($"\"{path}\"", page, Ordinal));
    }

    [Fact]
    public void Text_of_others_never_becomes_markup_and_no_other_host_is_named()
    {
        Assert.All(Ours("*.js"), file => Assert.DoesNotMatch(
            @"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function|dangerously",
            File.ReadAllText(file)));
        Assert.All(Ours("*"), file => Assert.DoesNotMatch(
            @"(https?:)?//(?!www\.w3\.org/2000/svg|www\.example\.org)[\w-]+\.\w", File.ReadAllText(file)));
    }

    [Fact]
    public void Its_sources_keep_the_measures_of_the_house()
    {
        Assert.All(Ours("*"), file => Assert.InRange(File.ReadAllLines(file).Length, 1, 400));
        Assert.Empty(Ours("*").SelectMany(file => File.ReadAllLines(file).Index().Where(line => line.Item.Length > 120)
            .Select(line => $"{Path.GetFileName(file)}:{line.Index + 1}: {line.Item.Length} columns")));
    }

    private const string Gzip = "Accept-Encoding: gzip\r\n";

    private static string[] Ours(string pattern) => Directory.GetFiles(Root, pattern);

    private static Reply Ask(string path, string fields = "") =>
        new(new Wire(Service).Receive($"GET {path} HTTP/1.1\r\nHost: x\r\n{fields}\r\n").SentBytes);

    [GeneratedRegex("(?:href|src)=\"([^\"]+)\"")]
    private static partial Regex Wanted();

    [GeneratedRegex("from \"\\./([^\"]+)\"")]
    private static partial Regex Imported();

    private sealed class PageHandler : IHttpHandler
    {
        public bool Takes(in Request request) => true;

        public void Handle(in Request request, Response response, IPeer peer)
        {
            Assert.True(StaticPages.IsFor(request.Path));
            Pages.Answer(request, response);
        }
    }
}
