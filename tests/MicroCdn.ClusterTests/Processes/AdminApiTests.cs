using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MicroCdn.ClusterTests.Processes;

/// <summary>The admin API of a real index with two real content servers.</summary>
public sealed class AdminApiTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Stage _stage = new();
    private readonly HttpClient _client = new() { Timeout = Patience };
    private readonly int _gateway = Stage.FreePort();
    private string _token = "";
    private string _state = "";
    private RunningProcess _index = null!;

    private string Root => $"http://127.0.0.1:{_stage.AdminPort}/api/v1";

    public async ValueTask InitializeAsync()
    {
        _state = _stage.MakeFolder("index");
        await _stage.MonitorAsync();
        await StartIndexAsync();
        _token = (await File.ReadAllTextAsync(Path.Combine(_state, "admin.token"))).Trim();
        _client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", _token);
        string files = _stage.MakeFiles("files", ("a.txt", Stage.Noise(20)));
        await Task.WhenAll(((string[])["CS1", "CS2"]).Select(id => _stage.RegisteredContentAsync(id, files,
            Stage.FreePort(), "--http-port", $"{Stage.FreePort()}", "--data", _stage.MakeFolder($"state of {id}"))));
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _stage.DisposeAsync();
    }

    [Fact]
    public async Task A_server_is_drained_and_the_stream_tells_of_it_and_goes_on_where_it_was_left()
    {
        using HttpRequestMessage ask = new(HttpMethod.Get, $"{Root}/events");
        ask.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        using HttpResponseMessage stream = await _client.SendAsync(ask, HttpCompletionOption.ResponseHeadersRead);
        using StreamReader told = new(await stream.Content.ReadAsStreamAsync());
        HttpResponseMessage drained = await _client.PostAsync($"{Root}/servers/CS2/drain", null);
        Assert.Equal(HttpStatusCode.Accepted, drained.StatusCode);
        Assert.EndsWith("/api/v1/servers/CS2", drained.Headers.Location!.ToString());
        (long id, string text) = await ChangeAsync(told, "CS2 is draining");
        Assert.StartsWith("CS2 is draining", text);
        await UntilAsync("CS2 is out", async () =>
            (await GetAsync("/explain?name=a.txt&from=192.0.2.7"))["candidates"]!.AsArray()
                .Any(one => (string)one!["id"]! == "CS2" && (string?)one["excluded"] == "it leaves in order"));

        await _client.PostAsync($"{Root}/servers/CS2/resume", null);
        using HttpRequestMessage again = new(HttpMethod.Get, $"{Root}/events");
        again.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        again.Headers.Add("Last-Event-ID", $"{id}");
        using HttpResponseMessage later = await _client.SendAsync(again, HttpCompletionOption.ResponseHeadersRead);
        using StreamReader rest = new(await later.Content.ReadAsStreamAsync());
        (long next, string back) = await ChangeAsync(rest, "CS2 is");
        Assert.True(next > id);
        Assert.StartsWith("CS2 is alive", back);
        JsonNode[] audit = [.. (await GetAsync("/audit"))["items"]!.AsArray().OfType<JsonNode>()];
        Assert.Equal(["POST /servers/CS2/resume", "POST /servers/CS2/drain"],
            audit.Select(one => (string)one["action"]!));
    }

    [Fact]
    public async Task Every_server_is_shown_with_the_age_of_its_heartbeat()
    {
        double age = double.NaN;
        await UntilAsync("a monitor has told it", async () =>
            (age = (double?)(await GetAsync("/servers/CS1"))["heartbeatAge"] ?? double.NaN) >= 0);
        Assert.InRange(age, 0, 10);
    }

    [Fact]
    public async Task A_browser_stays_known_when_the_index_is_started_anew()
    {
        using HttpClient browser = new(new HttpClientHandler { CookieContainer = new CookieContainer() });
        HttpResponseMessage wrong = await browser.PostAsJsonAsync($"{Root}/session", new { token = _token[..^1] + "!" });
        Assert.Equal(HttpStatusCode.Unauthorized, wrong.StatusCode);
        HttpResponseMessage begun = await browser.PostAsJsonAsync($"{Root}/session", new { token = _token });
        string cookie = Assert.Single(begun.Headers.GetValues("Set-Cookie"));
        Assert.Contains("HttpOnly; SameSite=Strict", cookie, StringComparison.Ordinal);
        string csrf = (string)(await begun.Content.ReadFromJsonAsync<JsonNode>())!["csrf"]!;
        _index.AskToEnd();
        await _index.UntilEndAsync();
        await StartIndexAsync();
        Assert.Equal(csrf, (string)(await browser.GetFromJsonAsync<JsonNode>($"{Root}/session"))!["csrf"]!);
        await UntilAsync("CS1 is back", async () => (await GetAsync("/servers"))["items"]!.AsArray().Count == 2);
        Assert.Equal(HttpStatusCode.Forbidden,
            (await browser.PostAsync($"{Root}/servers/CS1/drain", null)).StatusCode);
        browser.DefaultRequestHeaders.Add("X-CSRF-Token", csrf);
        Assert.Equal(HttpStatusCode.Accepted,
            (await browser.PostAsync($"{Root}/servers/CS1/drain", null)).StatusCode);
        HttpResponseMessage gone = await browser.DeleteAsync($"{Root}/session");
        Assert.Equal(HttpStatusCode.NoContent, gone.StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await browser.GetAsync($"{Root}/servers")).StatusCode);
        // That nobody is signed in is no fault.
        JsonNode nobody = (await browser.GetFromJsonAsync<JsonNode>($"{Root}/session"))!;
        Assert.Equal((null, null, 0), ((string?)nobody["token"], (string?)nobody["csrf"],
            nobody["scopes"]!.AsArray().Count));
    }

    [Fact]
    public async Task Files_are_staged_by_the_API_unseen_and_become_visible_together()
    {
        await Task.WhenAll(((string[])["CS1", "CS2"]).Select(id => _stage.UntilPublishesOnAsync(id)));
        byte[] first = Stage.Noise(300_000, seed: 5), second = Stage.Noise(2_000, seed: 6);
        JsonNode staged = await StageAsync(HttpStatusCode.OK, "v7", "site/a%20b.html", first, first);
        Assert.Equal(("v7", "site/a b.html", 300_000, 2), ((string)staged["release"]!, (string)staged["name"]!,
            (int)staged["size"]!, staged["servers"]!.AsArray().Count));
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(first)), (string)staged["sha256"]!);
        await StageAsync(HttpStatusCode.OK, "v7", "site/c.html", second);
        JsonNode wrong = await StageAsync(HttpStatusCode.BadRequest, "v7", "site/d.html", second, first);
        Assert.StartsWith("The bytes that came are not those of the digest", (string)wrong["detail"]!);
        await CutOffAsync("/releases/v7/files/site/e.html");
        Assert.Equal(("staged", 2), await ReleaseAsync("v7"));
        string place = $"http://127.0.0.1:{_gateway}/site/a%20b.html";
        Assert.Equal(HttpStatusCode.NotFound, (await _client.GetAsync(place)).StatusCode);

        await _client.PostAsync($"{Root}/releases/v7/activate", null);
        // It is active a moment before everybody is told of it.
        await UntilAsync("v7 is activated",
            async () => (string?)(await GetAsync("/releases/v7"))["work"]?["state"] == "done");
        Assert.Equal(("active", 2), await ReleaseAsync("v7"));
        using HttpClient stranger = new();
        Assert.Equal(first, await stranger.GetByteArrayAsync(place));
        JsonNode late = await StageAsync(HttpStatusCode.Conflict, "v7", "site/f.html", second);
        Assert.StartsWith("A release of this name is active already", (string)late["detail"]!);
        JsonNode[] audit = [.. (await GetAsync("/audit"))["items"]!.AsArray().OfType<JsonNode>()];
        Assert.Contains(audit, one => (string)one["action"]! == "PUT /releases/v7/files/site/c.html"
            && ((string)one["detail"]!).StartsWith("staged site/c.html in v7", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_purge_is_answered_at_once_and_its_receipts_follow()
    {
        HttpResponseMessage begun = await _client.PostAsJsonAsync($"{Root}/purges", new { kind = "prefix", value = "/a/" });
        Assert.Equal(HttpStatusCode.Accepted, begun.StatusCode);
        string place = begun.Headers.Location!.ToString()["/api/v1".Length..];
        await UntilAsync("the purge is done", async () => (string)(await GetAsync(place))["state"]! == "done");
        JsonNode purge = await GetAsync(place);
        Assert.Equal(("prefix", "/a/"), ((string)purge["kind"]!, (string)purge["value"]!));
    }

    [Fact]
    public async Task Of_two_who_change_the_policy_that_both_saw_one_is_refused_also_when_one_comes_by_line()
    {
        Assert.Equal(HttpStatusCode.OK, (await PutPolicyAsync(1, null)).StatusCode);
        for (int round = 0; round < 20; round++)
        {
            string tag = await TagAsync();
            int byPage = 2 + (2 * round), byLine = byPage + 1;
            Task<HttpResponseMessage> page = PutPolicyAsync(byPage, tag);
            Task<string> line = Stage.ConverseAsync(
                _stage.IndexPort, $"HELLO 2\nPOLICY iso/ replicas={byLine} match={tag.Trim('"')}\n");
            bool isSet = (await page).StatusCode == HttpStatusCode.OK;
            Assert.Equal(isSet ? HttpStatusCode.OK : HttpStatusCode.PreconditionFailed, (await page).StatusCode);
            Assert.Contains(isSet ? "ERROR CHANGED" : "SET ", await line, StringComparison.Ordinal);
            Assert.Equal(isSet ? byPage : byLine, (int)(await GetAsync("/policies/iso%2F"))["replicas"]!);
        }
        string seen = await TagAsync();
        RunningProcess verb = _stage.MicroCdn(
            "policy", "set", "iso/", "--replicas", "60", "--index-port", $"{_stage.IndexPort}");
        await verb.UntilEndAsync();
        HttpResponseMessage late = await PutPolicyAsync(2, seen);
        Assert.Equal(HttpStatusCode.PreconditionFailed, late.StatusCode);
        Assert.Equal(await TagAsync(), late.Headers.ETag!.Tag);
        Assert.Equal(60, (int)(await GetAsync("/policies/iso%2F"))["replicas"]!);
        Assert.Equal(HttpStatusCode.OK, (await PutPolicyAsync(2, $"{seen}, {late.Headers.ETag.Tag}")).StatusCode);
    }

    private async Task<string> TagAsync() => (string)(await GetAsync("/policies"))["items"]!.AsArray()[0]!["etag"]!;

    private Task<HttpResponseMessage> PutPolicyAsync(int replicas, string? tag)
    {
        HttpRequestMessage put = new(HttpMethod.Put, $"{Root}/policies/iso%2F")
        {
            Content = JsonContent.Create(new { replicas }),
        };
        if (tag is not null) put.Headers.TryAddWithoutValidation("If-Match", tag);
        return _client.SendAsync(put);
    }

    [Fact]
    public async Task A_thousand_streams_that_nobody_reads_cost_little_and_keep_nobody_out()
    {
        long before = _index.ResidentKiB;
        byte[] ask = Encoding.ASCII.GetBytes($"GET /api/v1/events?since=0 HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n"
            + $"Authorization: Bearer {_token}\r\n\r\n");
        List<Socket> open = [];
        try
        {
            for (int i = 0; i < 1_000; i++)
            {
                Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
                {
                    ReceiveBufferSize = 4_096,
                };
                open.Add(socket);
                await socket.ConnectAsync(IPAddress.Loopback, _stage.AdminPort);
                await socket.SendAsync(ask);
            }
            await UntilAsync("all listen", async () =>
            {
                using HttpRequestMessage more = new(HttpMethod.Get, $"{Root}/events");
                more.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
                using HttpResponseMessage answer =
                    await _client.SendAsync(more, HttpCompletionOption.ResponseHeadersRead);
                return answer.StatusCode == HttpStatusCode.ServiceUnavailable;
            });
            for (int i = 0; i < 50; i++) await _client.PostAsync($"{Root}/events/test", null);
            Assert.True(_index.ResidentKiB - before < 100 * 1024,
                $"{_index.ResidentKiB - before} KiB more with a thousand streams");
            Assert.NotNull((await GetAsync("/overview"))["latestEvent"]);
        }
        finally
        {
            foreach (Socket socket in open) socket.Dispose();
        }
    }

    private async Task<JsonNode> StageAsync(
        HttpStatusCode status, string release, string name, byte[] bytes, byte[]? said = null)
    {
        using ByteArrayContent content = new(bytes);
        if (said is not null)
        {
            content.Headers.Add("Repr-Digest", $"sha-256=:{Convert.ToBase64String(SHA256.HashData(said))}:");
        }
        HttpResponseMessage answer = await _client.PutAsync($"{Root}/releases/{release}/files/{name}", content);
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == status, $"{answer.StatusCode}: {text}");
        return JsonNode.Parse(text)!;
    }

    // Half of what was said to come.
    private async Task CutOffAsync(string path)
    {
        string uploads = Path.Combine(_state, $"uploads-{_stage.AdminPort}");
        using (TcpClient client = new())
        {
            await client.ConnectAsync(IPAddress.Loopback, _stage.AdminPort);
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"PUT /api/v1{path} HTTP/1.1\r\nHost: x\r\n"
                + $"Authorization: Bearer {_token}\r\nContent-Length: 2000\r\n\r\n{new string('x', 1_000)}"));
            await UntilAsync("half of it came",
                () => Task.FromResult(new DirectoryInfo(uploads).EnumerateFiles("*.part").Any(file => file.Length == 1_000)));
        }
        await UntilAsync("nothing is left of it", () => Task.FromResult(Directory.GetFiles(uploads, "*.part").Length == 0));
    }

    private async Task<(string State, int Files)> ReleaseAsync(string name)
    {
        JsonNode release = await GetAsync($"/releases/{name}");
        return ((string)release["state"]!, (int)release["files"]!);
    }

    private async Task StartIndexAsync()
    {
        _index = await _stage.IndexAsync("--data", _state, "--http-port", $"{_gateway}", "--upload-free", "0");
        if (_token.Length == 0) await _index.UntilSaidAsync("the first token");
        // The index opens this port after its line port.
        await _index.UntilSaidAsync($"127.0.0.1:{_stage.AdminPort}");
    }

    private async Task<JsonNode> GetAsync(string path) =>
        (await _client.GetFromJsonAsync<JsonNode>($"{Root}{path}"))!;

    private static async Task<(long Id, string Text)> ChangeAsync(StreamReader told, string beginning)
    {
        using CancellationTokenSource late = new(Patience);
        while (await told.ReadLineAsync(late.Token) is { } line)
        {
            if (!line.StartsWith("data: {\"id\":", StringComparison.Ordinal)) continue;
            JsonNode change = JsonNode.Parse(line[6..])!;
            if (((string)change["text"]!).StartsWith(beginning, StringComparison.Ordinal))
            {
                return ((long)change["id"]!, (string)change["text"]!);
            }
        }
        throw new InvalidDataException("the stream ended");
    }

    private static Task UntilAsync(string what, Func<Task<bool>> holds) => Stage.UntilAsync(what, Patience, async () =>
    {
        try
        {
            return await holds();
        }
        catch (Exception exception) when (exception is HttpRequestException or JsonException)
        {
            // It is being started.
            return false;
        }
    });
}
