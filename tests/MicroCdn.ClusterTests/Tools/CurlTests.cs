using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>curl against a content server.</summary>
[Trait("Needs", "curl")]
public sealed class CurlTests(CurlTests.Server server) : IClassFixture<CurlTests.Server>
{
    private const int Half = Server.Length / 2;

    [Theory]
    [InlineData("http", "--http1.1", "1.1")]
    [InlineData("http", "--http1.0", "1.1")]
    [InlineData("https", "--http1.1", "1.1")]
    [InlineData("https", "--http2", "2")]
    public async Task It_downloads_a_file_whole(string scheme, string version, string spoken)
    {
        ToolRun run = await CurlAsync(version, "-o", "whole.bin", "-w", "%{http_code} %{http_version} %{content_type}",
            server.Url(scheme, "big.bin"));
        Assert.Equal($"200 {spoken} application/octet-stream", run.Succeeded().Text);
        Assert.Equal(server.Big, await File.ReadAllBytesAsync(server.InFolder("whole.bin")));
    }

    [Theory]
    [InlineData("http", "--http1.1")]
    [InlineData("https", "--http1.1")]
    [InlineData("https", "--http2")]
    public async Task It_resumes_where_a_download_was_cut(string scheme, string version)
    {
        await File.WriteAllBytesAsync(server.InFolder("part.bin"), server.Big[..Half]);
        ToolRun run = await CurlAsync(version, "-C", "-", "-o", "part.bin", "-w", "%{http_code} %{size_download}",
            server.Url(scheme, "big.bin"));
        Assert.Equal($"206 {Server.Length - Half}", run.Succeeded().Text);
        Assert.Equal(server.Big, await File.ReadAllBytesAsync(server.InFolder("part.bin")));

        run = await CurlAsync(version, "-C", "-", "-o", "part.bin", "-w", "%{http_code} %{size_download}",
            server.Url(scheme, "big.bin"));
        Assert.Equal("416 0", run.Succeeded().Text);
        Assert.Equal(server.Big, await File.ReadAllBytesAsync(server.InFolder("part.bin")));
    }

    [Theory]
    [InlineData("100-299", 100, 200)]
    [InlineData("0-0", 0, 1)]
    [InlineData("-500", Server.Length - 500, 500)]
    [InlineData("8388000-", 8_388_000, Server.Length - 8_388_000)]
    [InlineData("8388000-99999999", 8_388_000, Server.Length - 8_388_000)]
    public async Task A_range_brings_its_bytes_alone(string range, int from, int length)
    {
        ToolRun run = (await CurlAsync("-D", "range.head", "-r", range, server.Url("http", "big.bin"))).Succeeded();
        Assert.Equal(server.Big[from..(from + length)], run.Output);
        string head = await File.ReadAllTextAsync(server.InFolder("range.head"));
        Assert.StartsWith("HTTP/1.1 206 ", head, StringComparison.Ordinal);
        Assert.Contains($"\r\nContent-Range: bytes {from}-{from + length - 1}/{Server.Length}\r\n", head,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Several_ranges_come_as_parts_each_with_its_place()
    {
        ToolRun run = (await CurlAsync("-D", "parts.head", "-r", "0-9,5000-5099,-7", server.Url("http", "big.bin")))
            .Succeeded();
        string head = await File.ReadAllTextAsync(server.InFolder("parts.head"));
        string boundary = head.Split("multipart/byteranges; boundary=")[1].Split("\r\n")[0];
        string[] parts = Encoding.Latin1.GetString(run.Output).Split($"--{boundary}");
        Assert.Equal(5, parts.Length);
        Assert.Equal("--\r\n", parts[4]);
        foreach ((string part, int from, int length) in
            new[] { (parts[1], 0, 10), (parts[2], 5000, 100), (parts[3], Server.Length - 7, 7) })
        {
            string[] headAndBody = part.Split("\r\n\r\n", 2);
            Assert.Contains($"Content-Range: bytes {from}-{from + length - 1}/{Server.Length}", headAndBody[0],
                StringComparison.Ordinal);
            Assert.Equal(server.Big[from..(from + length)], Encoding.Latin1.GetBytes(headAndBody[1])[..length]);
            Assert.Equal(length + 2, headAndBody[1].Length);
        }
    }

    [Fact]
    public async Task A_range_behind_the_end_is_416_and_a_nonsense_one_is_the_whole_file()
    {
        ToolRun run = await CurlAsync("-r", "9000000-", "-o", "none.bin", "-w", "%{http_code}", server.Url("http", "big.bin"));
        Assert.Equal("416", run.Text);
        run = await CurlAsync("-H", "Range: bytes=9-1", "-o", "all.bin", "-w", "%{http_code} %{size_download}",
            server.Url("http", "big.bin"));
        Assert.Equal($"200 {Server.Length}", run.Succeeded().Text);
    }

    [Fact]
    public async Task Many_overlapping_ranges_cost_no_more_than_the_file()
    {
        string ranges = string.Join(',', Enumerable.Range(0, 1300).Select(n => $"{n}-"));
        ToolRun run = await CurlAsync("-H", $"Range: bytes={ranges}", "-o", "all.bin", "-w", "%{size_download}",
            server.Url("http", "big.bin"));
        Assert.True(long.Parse(run.Succeeded().Text, CultureInfo.InvariantCulture) <= Server.Length + 4096, run.Text);
    }

    [Fact]
    public async Task A_file_is_sent_again_only_when_it_is_newer_than_the_clients_copy()
    {
        string url = server.Url("http", "f0.txt");
        foreach ((string since, string expected) in new[]
        {
            ("Thu, 01 Jan 2026 00:00:00 GMT", "304 0"), ("Mon, 01 Jun 2026 00:00:00 GMT", "304 0"),
            ("Wed, 31 Dec 2025 23:59:59 GMT", "200 6"),
        })
        {
            ToolRun run = await CurlAsync("-z", since, "-o", "since.txt", "-w", "%{http_code} %{size_download}", url);
            Assert.Equal(expected, run.Succeeded().Text);
        }
        // The copy keeps the time of the original, and its own time is what curl asks with next.
        (await CurlAsync("-R", "-o", "copy.txt", url)).Succeeded();
        ToolRun again = await CurlAsync("-z", "copy.txt", "-o", "copy.txt", "-w", "%{http_code}", url);
        Assert.Equal("304", again.Succeeded().Text);
        Assert.Equal("file 0", await File.ReadAllTextAsync(server.InFolder("copy.txt")));
    }

    [Theory]
    [InlineData("http", "--http1.1")]
    [InlineData("https", "--http1.1")]
    [InlineData("https", "--http2")]
    public async Task Twenty_files_come_in_parallel(string scheme, string version)
    {
        string folder = $"parallel-{scheme}{version}";
        ToolRun run = await CurlAsync([version, "--parallel", "--parallel-max", "20", "--create-dirs", "--output-dir",
            folder, "--remote-name-all", .. Enumerable.Range(0, 20).Select(n => server.Url(scheme, $"f{n}.txt"))]);
        run.Succeeded();
        for (int n = 0; n < 20; n++)
        {
            Assert.Equal($"file {n}", await File.ReadAllTextAsync(server.InFolder($"{folder}/f{n}.txt")));
        }
    }

    [Theory]
    [InlineData("http", "--http1.1")]
    [InlineData("https", "--http2")]
    public async Task The_head_alone_says_what_the_whole_answer_says(string scheme, string version)
    {
        ToolRun head = (await CurlAsync(version, "-I", server.Url(scheme, "big.bin"))).Succeeded();
        await CurlAsync(version, "-D", "get.head", "-o", "get.bin", server.Url(scheme, "big.bin"));
        static string[] Fields(string text) => [.. text.Split("\r\n", StringSplitOptions.RemoveEmptyEntries)
            .Where(line => !line.StartsWith("date:", StringComparison.OrdinalIgnoreCase)).Order()];
        Assert.Equal(Fields(await File.ReadAllTextAsync(server.InFolder("get.head"))), Fields(head.Text));
        Assert.Contains($"content-length: {Server.Length}", head.Text, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task What_is_not_there_ends_with_exit_code_22_and_a_body_is_refused()
    {
        ToolRun run = await CurlAsync("-f", server.Url("http", "nope.bin"));
        Assert.Equal(22, run.Code);
        foreach (string url in new[] { server.Url("http", "f0.txt"), server.Url("https", "f0.txt") })
        {
            run = await CurlAsync("--data", "x=1", "-o", "refused.txt", "-w", "%{http_code}", url);
            Assert.Equal("413", run.Text);
        }
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    public async Task A_ready_made_compressed_neighbour_is_sent_and_unpacks_to_the_file(string coding)
    {
        ToolRun run = await CurlAsync("--compressed", "-H", $"Accept-Encoding: {coding}", "-D", $"{coding}.head", "-w",
            "%{stderr}%{size_download}", server.Url("http", "text.txt"));
        Assert.Equal(Server.Text, run.Succeeded().Text);
        Assert.True(int.Parse(run.Errors, CultureInfo.InvariantCulture) < Server.Text.Length / 2, run.Errors);
        string head = await File.ReadAllTextAsync(server.InFolder($"{coding}.head"));
        Assert.Contains($"\r\nContent-Encoding: {coding}\r\n", head, StringComparison.Ordinal);
        Assert.Contains("\r\nVary: Accept-Encoding\r\n", head, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    [InlineData("zstd")]
    public async Task A_text_is_compressed_as_curl_likes_it_and_has_a_tag_for_each_form(string coding)
    {
        await server.Edge.UntilTaggedAsync("plain.txt");
        ToolRun run = await CurlAsync("--compressed", "-H", $"Accept-Encoding: {coding}", "-D", "form.head", "-w",
            "%{stderr}%{size_download}", server.Url("http", "plain.txt"));
        Assert.Equal(Server.Text, run.Succeeded().Text);
        Assert.True(int.Parse(run.Errors, CultureInfo.InvariantCulture) < Server.Text.Length / 2, run.Errors);
        string head = await File.ReadAllTextAsync(server.InFolder("form.head"));
        Assert.Equal(coding, RawResponse.FieldOf(head, "Content-Encoding"));
        Assert.NotEqual(RawResponse.FieldOf(await server.Edge.HeadOfAsync("plain.txt"), "ETag"), RawResponse.FieldOf(head, "ETag"));
    }

    [Theory]
    [InlineData("http", "--http1.1")]
    [InlineData("https", "--http2")]
    public async Task A_file_is_sent_again_only_when_its_tag_is_another(string scheme, string version)
    {
        await server.Edge.UntilTaggedAsync("big.bin");
        string[] asking = [version, "--etag-save", "big.tag", "--etag-compare", "big.tag", "-o", "tagged.bin", "-w",
            "%{http_code} %{size_download}", server.Url(scheme, "big.bin")];
        File.Delete(server.InFolder("big.tag"));
        Assert.Equal($"200 {Server.Length}", (await CurlAsync(asking)).Succeeded().Text);
        Assert.Equal("304 0", (await CurlAsync(asking)).Succeeded().Text);
        Assert.Equal(server.Big, await File.ReadAllBytesAsync(server.InFolder("tagged.bin")));
        await File.WriteAllTextAsync(server.InFolder("big.tag"), "\"another\"");
        Assert.Equal($"200 {Server.Length}", (await CurlAsync(asking)).Succeeded().Text);
    }

    [Fact]
    public async Task The_digest_is_told_in_both_fields_unless_it_is_not_wanted()
    {
        await server.Edge.UntilTaggedAsync("big.bin");
        string digest = Convert.ToBase64String(SHA256.HashData(server.Big));
        ToolRun run = (await CurlAsync("-I", server.Url("https", "big.bin"))).Succeeded();
        Assert.Contains($"repr-digest: sha-256=:{digest}:", run.Text, StringComparison.OrdinalIgnoreCase);
        Assert.Contains($"\ndigest: SHA-256={digest}", run.Text, StringComparison.OrdinalIgnoreCase);
        run = (await CurlAsync("-I", "-H", "Want-Repr-Digest: sha-256=0", server.Url("https", "big.bin"))).Succeeded();
        Assert.DoesNotContain("digest:", run.Text, StringComparison.OrdinalIgnoreCase);
    }

    private Task<ToolRun> CurlAsync(params IEnumerable<string> arguments) => server.CurlAsync(arguments);

    /// <summary>One content server for all tests of curl.</summary>
    public sealed class Server : IAsyncLifetime
    {
        internal const int Length = 8 << 20;
        internal static readonly string Text = string.Concat(Enumerable.Repeat("one line of text that repeats\n", 5000));
        private readonly Stage _stage = new();
        private Edge _edge = null!;

        internal byte[] Big { get; } = Stage.Noise(Length);

        internal Edge Edge => _edge;

        public async ValueTask InitializeAsync()
        {
            byte[] text = Encoding.UTF8.GetBytes(Text);
            string files = _stage.MakeFiles("one", [("big.bin", Big), ("text.txt", text), ("plain.txt", text),
                ("text.txt.gz", Pack(text, to => new GZipStream(to, CompressionLevel.Optimal))),
                ("text.txt.br", Pack(text, to => new BrotliStream(to, CompressionLevel.Optimal))),
                .. Enumerable.Range(0, 20).Select(n => ($"f{n}.txt", Encoding.UTF8.GetBytes($"file {n}")))]);
            _edge = await Edge.StartAsync(_stage, files);
        }

        public ValueTask DisposeAsync() => _stage.DisposeAsync();

        internal string Url(string scheme, string path) => scheme == "http" ? _edge.Url(path) : _edge.SecureUrl(path);

        internal string InFolder(string path) => Path.Combine(_stage.Folder, path);

        internal Task<ToolRun> CurlAsync(params IEnumerable<string> arguments) => ToolRun.OfAsync(_stage.Folder, "curl",
            ["--disable", "-sS", "--max-time", "120", "--cacert", _edge.Certificate, .. arguments]);

        private static byte[] Pack(byte[] bytes, Func<Stream, Stream> open)
        {
            using MemoryStream packed = new();
            using (Stream packer = open(packed)) packer.Write(bytes);
            return packed.ToArray();
        }
    }
}
