using System.Security.Cryptography;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>Files are published with curl, to a real index and two real content servers.</summary>
[Trait("Needs", "curl")]
public sealed class AdminPortTests : IAsyncLifetime
{
    private static readonly byte[] First = Stage.Noise(3_000_000), Second = Stage.Noise(70_000, seed: 2);

    private readonly Stage _stage = new();
    private readonly int _gateway = Stage.FreePort();
    private string _state = "";
    private string _token = "";
    private RunningProcess _index = null!;

    private string Url => $"http://127.0.0.1:{_stage.AdminPort}/releases/a%20b.bin";

    public async ValueTask InitializeAsync()
    {
        _state = _stage.MakeFolder("index");
        await StartIndexAsync();
        _token = (await File.ReadAllTextAsync(Path.Combine(_state, "admin.token"))).Trim();
        await Task.WhenAll(((string[])["CS1", "CS2"]).Select(async id =>
        {
            await _stage.RegisteredContentAsync(id, _stage.MakeFolder($"files of {id}"),
                Stage.FreePort(), "--http-port", $"{Stage.FreePort()}", "--data", _stage.MakeFolder($"state of {id}"));
            await _stage.UntilPublishesOnAsync(id);
        }));
    }

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Fact]
    public async Task A_file_is_put_replaced_and_removed_and_only_under_its_conditions()
    {
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite,
            File.GetUnixFileMode(Path.Combine(_state, "admin.token")));
        Assert.DoesNotContain(_token[22..], _index.Output, StringComparison.Ordinal);
        await PutAsync(201, First, "-H", $"Repr-Digest: sha-256=:{await DigestAsync(First)}:", "-H", "If-None-Match: *");
        string head = await CurlAsync(200, "-I", Url);
        string tag = $"\"{Convert.ToHexStringLower(SHA256.HashData(First))}\"";
        Assert.Equal(tag, RawResponse.FieldOf(head, "ETag"));
        Assert.Equal("3000000", RawResponse.FieldOf(head, "Content-Length"));
        await CurlAsync(200, "-L", "-o", "got", Url);
        Assert.Equal(First, await File.ReadAllBytesAsync(Path.Combine(_stage.Folder, "got")));

        await PutAsync(412, Second, "-H", "If-None-Match: *");
        await PutAsync(412, Second, "-H", "If-Match: \"0000\"");
        string wrong = await PutAsync(400, Second, "-H", $"Repr-Digest: sha-256=:{await DigestAsync(First)}:");
        Assert.Contains("application/problem+json", wrong, StringComparison.Ordinal);
        await PutAsync(400, Second, "-H", $"Content-Digest: sha-256=:{await DigestAsync(First)}:");
        await PutAsync(503, Second, Url + "?replicas=3");
        Assert.Equal(tag, RawResponse.FieldOf(await CurlAsync(200, "-I", Url), "ETag"));
        await PutAsync(200, Second, "-H", $"If-Match: {tag}", "-H", "Transfer-Encoding: chunked");
        await PutAsync(201, [], $"http://127.0.0.1:{_stage.AdminPort}/empty");
        await CurlAsync(200, "-L", "-o", "got", Url);
        Assert.Equal(Second, await File.ReadAllBytesAsync(Path.Combine(_stage.Folder, "got")));
        await CurlAsync(200, "-X", "DELETE", Url);
        await CurlAsync(404, "-X", "DELETE", Url);
        await CurlAsync(404, "-I", Url);
    }

    [Fact]
    public async Task An_upload_goes_on_after_the_index_was_killed_in_the_middle_of_it()
    {
        Stage.WriteFile(Path.Combine(_stage.Folder, "file"), First);
        Task<ToolRun> cut = ToolRun.OfAsync(_stage.Folder, "curl", "--disable", "-sS", "--limit-rate", "1M",
            "-H", $"Authorization: Bearer {_token}", "-T", "file", Url);
        string uploads = Path.Combine(_state, $"uploads-{_stage.AdminPort}");
        await Stage.UntilAsync("a part of it came", TimeSpan.FromSeconds(30), () => Task.FromResult(
            new DirectoryInfo(uploads).EnumerateFiles("*.part").Any(file => file.Length > 100_000)));
        _index.Kill();
        await _index.UntilEndAsync();
        Assert.NotEqual(0, (await cut).Code);
        await StartIndexAsync();
        await Stage.UntilAsync("the servers are back", TimeSpan.FromSeconds(60), async () =>
            (await Stage.ConverseAsync(_stage.IndexPort, "LIST_SERVERS\n")).Split("CS").Length == 3);

        string head = await CurlAsync(404, "-I", Url);
        int offset = int.Parse(RawResponse.FieldOf(head, "Upload-Offset")!, null);
        Assert.InRange(offset, 100_000 - 1, First.Length - 1);
        // Too far on is refused, and from where it can be gone on with is said.
        Assert.Contains($"Upload-Offset: {offset}", await PutAsync(409, First, "-C", $"{offset + 2}"),
            StringComparison.Ordinal);
        await Stage.UntilAsync("it is published", TimeSpan.FromSeconds(30), async () =>
            (await RunAsync("-T", "file", "-C", $"{offset}", "-H",
                $"Repr-Digest: sha-256=:{await DigestAsync(First)}:", Url)).Status == 201);
        await CurlAsync(200, "-L", "-o", "got", Url);
        Assert.Equal(First, await File.ReadAllBytesAsync(Path.Combine(_stage.Folder, "got")));
        Assert.Empty(Directory.EnumerateFiles(uploads, "*.part"));
        // What curl makes of "where it was" is the beginning.
        await PutAsync(200, Second, "-C", "-");
    }

    [Fact]
    public async Task Tokens_open_what_they_are_for_and_nothing_after_they_were_taken_back()
    {
        string token = (await TokenAsync(0, "add", "--prefix", "releases/", "--note", "the build")).Trim();
        Assert.Contains("releases/*  the build", await TokenAsync(0, "list"), StringComparison.Ordinal);
        Assert.DoesNotContain(token[22..], await TokenAsync(0, "list"), StringComparison.Ordinal);
        string admin = _token;
        _token = token;
        await PutAsync(201, Second);
        await PutAsync(403, Second, $"http://127.0.0.1:{_stage.AdminPort}/other/a.bin");
        await TokenAsync(0, "rm", token[9..21]);
        await TokenAsync(3, "rm", token[9..21]);
        await PutAsync(401, First);
        _token = admin;
        await CurlAsync(405, "-X", "POST", Url);
        foreach (string path in (string[])["/../x", "/a//b", "/a%2Fb", "/a%00b", $"/{new string('n', 1025)}"])
        {
            await PutAsync(400, Second, "--path-as-is", $"http://127.0.0.1:{_stage.AdminPort}{path}");
        }
        // curl would add the file's name.
        foreach (string path in (string[])["/", "/a/"])
        {
            await CurlAsync(400, "-X", "PUT", "-d", "x", $"http://127.0.0.1:{_stage.AdminPort}{path}");
        }
        // What a page in a browser sends, be it that it has a token.
        foreach (string method in (string[])["PUT", "POST", "DELETE", "GET", "OPTIONS"])
        {
            string said = await CurlAsync(403, "-X", method, "-H", "Origin: http://evil.example", Url);
            Assert.DoesNotContain("Access-Control", said, StringComparison.Ordinal);
        }
        Assert.DoesNotContain(token[22..], _index.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_thousand_wrong_tokens_are_refused_and_keep_nobody_out()
    {
        // Fewer at once than a machine lets a process have open.
        using HttpClient http = new(new SocketsHttpHandler { MaxConnectionsPerServer = 400 });
        int[] statuses = await Task.WhenAll(Enumerable.Range(0, 1_000).Select(async n =>
        {
            using HttpRequestMessage request = new(HttpMethod.Put, Url) { Content = new StringContent("x") };
            request.Headers.Add("Authorization", $"Bearer {_token[..^8]}{n:00000000}");
            using HttpResponseMessage response = await http.SendAsync(request, TestContext.Current.CancellationToken);
            return (int)response.StatusCode;
        }).Append(Task.Run(async () => (await RunAsync("-I", Url)).Status)));
        Assert.Equal(404, statuses[^1]);
        Assert.All(statuses[..^1], status => Assert.True(status is 401 or 429, $"{status}"));
        Assert.Contains(401, statuses);
        await PutAsync(201, Second);
        Assert.DoesNotContain(_token[22..50], _index.Output, StringComparison.Ordinal);
    }

    private async Task StartIndexAsync()
    {
        _index = await _stage.IndexAsync("--data", _state, "--http-port", $"{_gateway}", "--upload-free", "0");
        if (_token.Length == 0) await _index.UntilSaidAsync("the first token");
        // The index opens this port after its line port.
        await _index.UntilSaidAsync($"127.0.0.1:{_stage.AdminPort}");
    }

    private async Task<string> TokenAsync(int code, params string[] arguments)
    {
        RunningProcess run = _stage.MicroCdn(["token", .. arguments, "--index-port", $"{_stage.IndexPort}"]);
        int ended = await run.UntilEndAsync();
        Assert.True(code == ended, $"{ended}: {run.Output}");
        return run.Output;
    }

    private async Task<string> DigestAsync(byte[] bytes)
    {
        await File.WriteAllBytesAsync(Path.Combine(_stage.Folder, "digested"), bytes);
        ToolRun run = await ToolRun.OfAsync(_stage.Folder, "openssl", "dgst", "-sha256", "-binary", "digested");
        return Convert.ToBase64String(run.Succeeded().Output);
    }

    private Task<string> PutAsync(int status, byte[] bytes, params string[] more)
    {
        Stage.WriteFile(Path.Combine(_stage.Folder, "file"), bytes);
        string[] target = more.Any(word => word.StartsWith("http://", StringComparison.Ordinal)) ? [] : [Url];
        return CurlAsync(status, ["-T", "file", .. more, .. target]);
    }

    private async Task<string> CurlAsync(int status, params string[] arguments)
    {
        (int answered, string said) = await RunAsync(arguments);
        Assert.True(answered == status, $"{string.Join(' ', arguments)}: {answered}\n{said}\n{_index.Output}");
        return said;
    }

    private async Task<(int Status, string Said)> RunAsync(params string[] arguments)
    {
        ToolRun run = await ToolRun.OfAsync(_stage.Folder, "curl", ["--disable", "-sS", "--max-time", "60", "-D", "-",
            "-H", $"Authorization: Bearer {_token}", "-w", "\n%{http_code}", .. arguments]);
        string text = run.Text + run.Errors;
        string last = run.Text[(run.Text.LastIndexOf('\n') + 1)..];
        return (int.TryParse(last, out int status) ? status : 0, text);
    }
}
