using System.IO.Compression;
using MicroCdn.Edge;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Edge;

// RFC 9110, and issue 3: what a content server answers over HTTP.
public sealed class EdgeHandlerTests : IAsyncDisposable
{
    private const string Modified = "Fri, 02 Jan 2026 03:04:05 GMT";
    private static readonly string Digits = string.Concat(Enumerable.Range(0, 400).Select(n => $"{n % 10}"));
    private readonly EdgeWorld _world = new();

    public EdgeHandlerTests() => _world.With(("a.txt", "Hello"), ("digits", Digits), ("empty", ""),
        ("docs/index.html", "<p>"), ("a b/ä&<.bin", "odd"), ("healthz", "a file"));

    public async ValueTask DisposeAsync()
    {
        Assert.Equal(0, _world.Active);
        await _world.DisposeAsync();
    }

    [Fact]
    public void A_file_comes_with_all_that_describes_it()
    {
        HttpAnswer answer = _world.Ask("/a.txt");
        Assert.Equal((200, "Hello"), (answer.Status, answer.Text));
        Assert.Equal("text/plain; charset=utf-8", answer["Content-Type"]);
        Assert.Equal("nosniff", answer["X-Content-Type-Options"]);
        Assert.Equal("5", answer["Content-Length"]);
        Assert.Equal("bytes", answer["Accept-Ranges"]);
        Assert.Equal(Modified, answer["Last-Modified"]);
        // sha256sum of "Hello"
        Assert.Equal("\"185f8db32271fe25f561a6fc938b2e264306ec304eda518007d1764826381969\"", answer["ETag"]);
        Assert.Equal("sha-256=:GF+NsyJx/iX1Yab8k4suJkMG7DBO2lGAB9F2SCY4GWk=:", answer["Repr-Digest"]);
        Assert.Equal("SHA-256=GF+NsyJx/iX1Yab8k4suJkMG7DBO2lGAB9F2SCY4GWk=", answer["Digest"]);
        Assert.Equal("Tue, 01 Jan 2030 00:00:00 GMT", answer["Date"]);
    }

    [Fact]
    public void Until_the_digest_is_known_there_is_only_the_time()
    {
        _world.Scan(withDigests: false);
        HttpAnswer answer = _world.Ask("/a.txt");
        Assert.Equal((200, null, null, Modified),
            (answer.Status, answer["ETag"], answer["Repr-Digest"], answer["Last-Modified"]));
        _world.Scan(withDigests: true);
        Assert.NotNull(_world.Ask("/a.txt")["ETag"]);
    }

    [Theory]
    [InlineData("/nope", 404)]
    [InlineData("/", 404)]
    [InlineData("/docs/nope", 404)]
    [InlineData("/a.txt/", 404)]
    [InlineData("//a.txt", 404)]
    [InlineData("/./a.txt", 404)]
    [InlineData("/docs/../a.txt", 404)]
    [InlineData("/%2e%2e/a.txt", 404)]
    [InlineData("/docs%2Findex.html", 404)]
    [InlineData("/docs\\index.html", 404)]
    [InlineData("/a.txt%00", 404)]
    [InlineData("/a.txt%", 404)]
    [InlineData("/%C0%AEa.txt", 404)]
    [InlineData("/a%20b/%C3%A4%26%3C.bin", 200)]
    [InlineData("/a.txt?query", 200)]
    [InlineData("/%61.txt", 200)]
    [InlineData("/docs/", 200)]
    [InlineData("/docs", 301)]
    [InlineData("/readyz", 200)]
    public void A_path_finds_a_file_or_nothing(string path, int status) =>
        Assert.Equal(status, _world.Ask(path).Status);

    [Fact]
    public void A_folder_with_an_index_redirects_to_its_slash_and_keeps_the_query()
    {
        Assert.Equal("/docs/?x=1", _world.Ask("/docs?x=1")["Location"]);
        Assert.Equal("<p>", _world.Ask("/docs/").Text);
    }

    [Fact]
    public void A_library_file_wins_over_the_health_page() => Assert.Equal("a file", _world.Ask("/healthz").Text);

    [Theory]
    [InlineData("POST", 405)]
    [InlineData("get", 405)]
    [InlineData("PUT", 405)]
    [InlineData("OPTIONS", 204)]
    public void Only_GET_HEAD_and_OPTIONS_are_answered(string method, int status)
    {
        HttpAnswer answer = _world.Ask(method, "/a.txt", []);
        Assert.Equal((status, "GET, HEAD, OPTIONS"), (answer.Status, answer["Allow"]));
    }

    // RFC 9110, section 13.2.2.
    [Theory]
    [InlineData("If-None-Match: TAG", 304)]
    [InlineData("If-None-Match: W/TAG", 304)]
    [InlineData("If-None-Match: \"other\", TAG", 304)]
    [InlineData("If-None-Match: *", 304)]
    [InlineData("If-None-Match: \"other\"", 200)]
    [InlineData("If-Match: TAG", 200)]
    [InlineData("If-Match: \"other\"", 412)]
    [InlineData("If-Match: W/TAG", 412)]
    [InlineData("If-Modified-Since: " + Modified, 304)]
    [InlineData("If-Modified-Since: Fri, 02 Jan 2026 03:04:04 GMT", 200)]
    [InlineData("If-Unmodified-Since: " + Modified, 200)]
    [InlineData("If-Unmodified-Since: Fri, 02 Jan 2026 03:04:04 GMT", 412)]
    [InlineData("If-Modified-Since: " + Modified + "\r\nIf-None-Match: \"other\"", 200)]
    public void A_precondition_is_judged_before_a_byte_is_sent(string field, int status)
    {
        string tag = EdgeWorld.TagOf("Hello");
        HttpAnswer answer = _world.Ask("/a.txt", field.Replace("TAG", tag, StringComparison.Ordinal));
        Assert.Equal(status, answer.Status);
        Assert.Equal(tag, answer["ETag"]);
        if (status != 200) Assert.Empty(answer.Body);
        if (status == 304) Assert.Null(answer["Content-Length"]);
    }

    // RFC 9110, section 14.
    [Theory]
    [InlineData("bytes=0-0", 206, "bytes 0-0/400", "0")]
    [InlineData("bytes=5-9", 206, "bytes 5-9/400", "56789")]
    [InlineData("bytes=398-", 206, "bytes 398-399/400", "89")]
    [InlineData("bytes=-3", 206, "bytes 397-399/400", "789")]
    [InlineData("bytes=399-99999999999999999999", 206, "bytes 399-399/400", "9")]
    [InlineData("bytes=400-", 416, "bytes */400", "")]
    [InlineData("bytes=-0", 416, "bytes */400", "")]
    public void A_range_is_sent_as_asked(string range, int status, string contentRange, string body)
    {
        HttpAnswer answer = _world.Ask("/digits", $"Range: {range}");
        Assert.Equal((status, contentRange, body), (answer.Status, answer["Content-Range"], answer.Text));
        Assert.Equal($"{body.Length}", answer["Content-Length"]);
    }

    [Theory]
    [InlineData("bytes=9-5")]
    [InlineData("lines=0-1")]
    [InlineData("bytes=0-9,1-9,2-9,3-9,4-9")]
    public void A_range_that_means_nothing_or_harm_gets_the_whole(string range)
    {
        HttpAnswer answer = _world.Ask("/digits", $"Range: {range}");
        Assert.Equal((200, Digits), (answer.Status, answer.Text));
    }

    [Fact]
    public void Several_ranges_come_as_parts_with_the_announced_length()
    {
        HttpAnswer answer = _world.Ask("/digits", "Range: bytes=0-1,100-102");
        Assert.Equal(206, answer.Status);
        string boundary = answer["Content-Type"]!.Split("boundary=")[1];
        string part = $"--{boundary}\r\nContent-Type: application/octet-stream\r\nX-Content-Type-Options: nosniff\r\n"
            + "Content-Range: bytes ";
        Assert.Equal($"{part}0-1/400\r\n\r\n01\r\n{part}100-102/400\r\n\r\n012\r\n--{boundary}--\r\n", answer.Text);
        Assert.Equal($"{answer.Body.Length}", answer["Content-Length"]);
    }

    [Theory]
    [InlineData("TAG", 206)]
    [InlineData("W/TAG", 200)]
    [InlineData("\"other\"", 200)]
    [InlineData(Modified, 206)]
    [InlineData("Fri, 02 Jan 2026 03:04:06 GMT", 200)]
    public void If_Range_lets_a_range_be_followed_only_for_the_same_bytes(string condition, int status)
    {
        string value = condition.Replace("TAG", EdgeWorld.TagOf(Digits), StringComparison.Ordinal);
        Assert.Equal(status, _world.Ask("/digits", "Range: bytes=0-1", $"If-Range: {value}").Status);
    }

    [Fact]
    public void A_head_request_says_what_a_get_would_and_no_more()
    {
        HttpAnswer get = _world.Ask("/digits"), head = _world.Ask("HEAD", "/digits", ["Range: bytes=0-1"]);
        Assert.Equal((200, ""), (head.Status, head.Text));
        Assert.Equal(get.Fields, head.Fields);
    }

    [Fact]
    public void Want_Repr_Digest_without_sha_256_gets_none() =>
        Assert.Null(_world.Ask("/a.txt", "Want-Repr-Digest: sha-256=0")["Repr-Digest"]);

    [Fact]
    public void A_file_replaced_since_the_scan_is_served_as_it_is_now_without_the_old_digest()
    {
        _world.Folder.Write("a.txt", "Other!");
        HttpAnswer answer = _world.Ask("/a.txt");
        Assert.Equal((200, "Other!", null), (answer.Status, answer.Text, answer["ETag"]));
        Assert.True(_world.ScansAskedFor > 0);
    }

    [Fact]
    public void A_file_that_is_gone_is_not_found()
    {
        File.Delete(_world.Folder["a.txt"]);
        Assert.Equal(404, _world.Ask("/a.txt").Status);
    }

    [Fact]
    public void A_large_file_edited_while_it_is_sent_is_cut_short()
    {
        string large = new('x', 300_000);
        _world.With(("large", large));
        Wire wire = new Wire(_world.Service) { Window = 100_000 }.Receive(EdgeWorld.Head("GET", "/large"));
        using (FileStream file = File.OpenWrite(_world.Folder["large"])) file.Write("edit"u8);
        wire.Window = long.MaxValue;
        wire.Turn();
        Assert.True(wire.Answer.Broken);
        Assert.True(wire.SentLength < large.Length);
        wire.Conversation.End();
    }
}

/// <summary>What the settings switch on.</summary>
public sealed class EdgeOptionsTests
{
    [Fact]
    public async Task A_list_shows_files_and_folders_with_every_name_escaped()
    {
        await using EdgeWorld world = new(new EdgeOptions { Listings = true });
        world.With(("d/<img src=x>", "1"), ("d/sub/deep", "22"), ("d/a b", "333"));
        Wire wire = new Wire(world.Service).Receive(EdgeWorld.Head("GET", "/d/"));
        while (wire.Completions == 0) await Task.Yield();
        HttpAnswer answer = HttpAnswer.Read(wire.Turn().SentBytes);
        Assert.Equal((200, "text/html; charset=utf-8"), (answer.Status, answer["Content-Type"]));
        Assert.Contains("<a href=\"./a%20b\">a b</a>", answer.Text, StringComparison.Ordinal);
        Assert.Contains("<a href=\"./sub/\">sub/</a>", answer.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("<img", answer.Text, StringComparison.Ordinal);
        Assert.Equal($"{answer.Body.Length}", answer["Content-Length"]);
    }

    [Theory]
    [InlineData("/releases/1/a", "immutable")]
    [InlineData("/releases/nightly/a", "no-cache")]
    [InlineData("/other", null)]
    public async Task Cache_Control_goes_by_the_longest_prefix(string path, string? value)
    {
        await using EdgeWorld world = new(new EdgeOptions
        {
            CacheControl =
                [new PrefixRule("/releases/", "immutable"), new PrefixRule("/releases/nightly/", "no-cache")],
        });
        world.With(("releases/1/a", "1"), ("releases/nightly/a", "2"), ("other", "3"));
        Assert.Equal(value, world.Ask(path)["Cache-Control"]);
    }

    [Theory]
    [InlineData("*", "https://a.example", "*")]
    [InlineData("https://a.example", "https://a.example", "https://a.example")]
    [InlineData("https://a.example", "https://b.example", null)]
    [InlineData("", "https://a.example", null)]
    public async Task Pages_of_other_origins_read_what_the_settings_allow(string allowed, string origin, string? answer)
    {
        await using EdgeWorld world = new(new EdgeOptions { CorsOrigins = allowed.Length == 0 ? [] : [allowed] });
        world.With(("a", "1"));
        Assert.Equal(answer, world.Ask("/a", $"Origin: {origin}")["Access-Control-Allow-Origin"]);
        HttpAnswer preflight = world.Ask("OPTIONS", "/a", [$"Origin: {origin}"]);
        Assert.Equal((204, answer), (preflight.Status, preflight["Access-Control-Allow-Origin"]));
    }

    [Fact]
    public async Task A_text_is_compressed_once_for_who_likes_it_and_has_a_tag_of_its_own()
    {
        await using EdgeWorld world = new(compresses: true);
        string text = string.Concat(Enumerable.Repeat("All work and no play. ", 200));
        world.With(("a.txt", text), ("a.bin", text));
        HttpAnswer first = await AskAsync(world, "/a.txt", "Accept-Encoding: gzip");
        Assert.Equal(("gzip", "Accept-Encoding"), (first["Content-Encoding"], first["Vary"]));
        using GZipStream stream = new(new MemoryStream(first.Body), CompressionMode.Decompress);
        Assert.Equal(text, new StreamReader(stream).ReadToEnd());
        HttpAnswer second = world.Ask("/a.txt", "Accept-Encoding: gzip");
        Assert.Equal((first["ETag"], "gzip"), (second["ETag"], second["Content-Encoding"]));
        Assert.Equal(304, world.Ask("/a.txt", "Accept-Encoding: gzip", $"If-None-Match: {first["ETag"]}").Status);
        HttpAnswer plain = world.Ask("/a.txt");
        Assert.Equal((null, "Accept-Encoding", text), (plain["Content-Encoding"], plain["Vary"], plain.Text));
        Assert.NotEqual(first["ETag"], plain["ETag"]);
        HttpAnswer range = world.Ask("/a.txt", "Accept-Encoding: gzip", "Range: bytes=0-2");
        Assert.Equal((206, null, "All"), (range.Status, range["Content-Encoding"], range.Text));
        Assert.Null(world.Ask("/a.bin", "Accept-Encoding: gzip")["Content-Encoding"]);
    }

    [Fact]
    public async Task A_ready_made_neighbour_is_used_unless_it_is_older()
    {
        await using EdgeWorld world = new();
        world.With(("app.js", "plain"), ("app.js.br", "brotli bytes"), ("old.js", "plain"), ("old.js.br", "stale"));
        File.SetLastWriteTimeUtc(world.Folder["old.js.br"], new DateTime(2025, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        world.Scan(withDigests: true);
        HttpAnswer answer = world.Ask("/app.js", "Accept-Encoding: gzip, br");
        Assert.Equal(("br", "brotli bytes", "text/javascript; charset=utf-8"),
            (answer["Content-Encoding"], answer.Text, answer["Content-Type"]));
        Assert.Equal(EdgeWorld.TagOf("brotli bytes"), answer["ETag"]);
        Assert.Equal("plain", world.Ask("/old.js", "Accept-Encoding: br").Text);
        Assert.Equal("plain", world.Ask("/app.js", "Accept-Encoding: gzip").Text);
    }

    private static async Task<HttpAnswer> AskAsync(EdgeWorld world, string target, params string[] fields)
    {
        Wire wire = new Wire(world.Service).Receive(EdgeWorld.Head("GET", target, fields));
        while (wire.SentLength == 0)
        {
            await Task.Yield();
            wire.Turn();
        }
        return HttpAnswer.Read(wire.SentBytes);
    }
}
