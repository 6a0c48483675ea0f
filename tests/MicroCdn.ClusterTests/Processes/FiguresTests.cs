using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.Processes;

/// <summary>What a real content server tells of itself, and what the admin API of a real index makes of it.</summary>
public sealed class FiguresTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Stage _stage = new();
    private readonly HttpClient _client = new() { Timeout = Patience };

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _stage.DisposeAsync();
    }

    [Fact]
    public async Task Requests_a_failing_origin_and_a_certificate_that_ends_soon_are_seen_at_the_index()
    {
        TestCertificate ending = new(end: TimeProvider.System.GetUtcNow().AddDays(2));
        string keys = _stage.MakeFiles("keys", ("cert.pem", Bytes(ending.Certificate)), ("key.pem", Bytes(ending.Key)));
        string index = _stage.MakeFolder("index");
        int web = Stage.FreePort();
        await _stage.MonitorAsync();
        RunningProcess running =
            await _stage.IndexAsync("--http-port", $"{Stage.FreePort()}", "--data", index);
        await running.UntilSaidAsync("the first token");
        await running.UntilSaidAsync($"127.0.0.1:{_stage.AdminPort}");
        string token = (await File.ReadAllTextAsync(Path.Combine(index, "admin.token"))).Trim();
        // Nobody listens at the origin.
        await _stage.RegisteredContentAsync("CS1", _stage.MakeFiles("files", ("a.bin", Stage.Noise(100_000))),
            Stage.FreePort(), "--data", _stage.MakeFolder("state"), "--http-port", $"{web}", "--https-port",
            $"{Stage.FreePort()}", "--cert", Path.Combine(keys, "cert.pem"), "--key", Path.Combine(keys, "key.pem"),
            "--origin", $"http://127.0.0.1:{Stage.FreePort()}", "--cache", _stage.MakeFolder("copies"));
        using HttpResponseMessage failed = await _client.GetAsync($"http://127.0.0.1:{web}/nothing");
        Assert.Equal(502, (int)failed.StatusCode);
        _client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        await Stage.UntilAsync("the index sees what is wrong", Patience, async () =>
        {
            string[] kinds = [.. (await AskAsync("/overview"))["problems"]!.AsArray()
                .Select(one => $"{one!["severity"]} {one["kind"]} {one["subject"]}")];
            return kinds.Contains("error origin CS1 /") && kinds.Contains("error certificate CS1");
        });
        JsonNode server = (await AskAsync("/servers"))["items"]![0]!;
        Assert.True((double)server["told"]!["ageSeconds"]! < 10, server.ToJsonString());
        Assert.True((long)server["told"]!["diskSize"]! > 0, server.ToJsonString());
        Assert.NotNull(server["told"]!["version"]);
        JsonNode origin = (await AskAsync("/origins"))["items"]![0]!;
        Assert.Equal(("/", "unreachable", 1),
            ((string)origin["origin"]!, (string)origin["why"]!, (int)origin["misses"]!));
        await Stage.UntilAsync("the index sees downloads", Patience, async () =>
        {
            Assert.Equal(100_000, (await _client.GetByteArrayAsync($"http://127.0.0.1:{web}/a.bin")).Length);
            JsonNode figures = (await AskAsync("/overview"))["figures"]!;
            return (double)figures["requests"]! > 0 && (double)figures["bytes"]! > 0;
        });
    }

    private async Task<JsonNode> AskAsync(string path) => JsonNode.Parse(
        await _client.GetStringAsync($"http://127.0.0.1:{_stage.AdminPort}/api/v1{path}"))!;

    private static byte[] Bytes(string text) => System.Text.Encoding.ASCII.GetBytes(text);
}
