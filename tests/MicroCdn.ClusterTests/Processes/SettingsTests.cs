using System.Net;
using System.Text.Json;

namespace MicroCdn.ClusterTests.Processes;

/// <summary>A content server that is told everything by a settings file, and files that cannot be meant.</summary>
public sealed class SettingsTests
{
    [Theory]
    [InlineData("content", null, "the settings file 'fleet.json' cannot be read: ")]
    [InlineData("index", "", "fleet.json, line 1: this is no JSON: ")]
    [InlineData("monitor", "{\n\"monitor\": {\n}]", "fleet.json, line 3: this is no JSON: ")]
    [InlineData("content", """{"content": {"httpprt": 1}}""",
        "fleet.json: unknown key 'httpprt' in section content; did you mean 'httpPort'?")]
    [InlineData("index", """{"content": {"httpprt": 1}}""",
        "fleet.json: unknown key 'httpprt' in section content; did you mean 'httpPort'?")]
    [InlineData("up", """{"up": {"contentPort": 70000}}""",
        "fleet.json: key 'contentPort' in section up: --content-port wants a port from 1 to 65535, not '70000'.")]
    [InlineData("monitor", """{"timeout": "8x"}""",
        "fleet.json: key 'timeout': --timeout wants a time such as 30s or 5m, from 1ms to 1d, not '8x'.")]
    [InlineData("content", """{"content": {"files": "."}}""", "Option '--server-id' is required.")]
    [InlineData("content", """{"cacheControl": {"/": "a\r\nSet-Cookie: b"}, "serverId": "CS1", "files": "."}""",
        "fleet.json: key 'cacheControl' holds a control character.")]
    [InlineData("content", """{"cacheControl": ["x"], "serverId": "CS1", "files": "."}""",
        "fleet.json: key 'cacheControl': --cache-control wants PREFIX=VALUE ")]
    public async Task A_file_that_cannot_be_meant_is_one_sentence_and_exit_code_2(string verb, string? json, string said)
    {
        await using Stage stage = new();
        if (json is not null) await File.WriteAllTextAsync(Path.Combine(stage.Folder, "fleet.json"), json);
        RunningProcess process = stage.MicroCdn(verb, "--config", "fleet.json");
        Assert.True(await process.UntilEndAsync() == 2, process.Output);
        Assert.StartsWith($"microcdn: {said}", process.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", process.Output, StringComparison.Ordinal);
        Assert.True(process.Output.Split('\n').Length <= 2, process.Output);
    }

    [Fact]
    public async Task A_content_server_does_what_its_file_says_and_keeps_its_state_by_its_name()
    {
        await using Stage stage = new();
        stage.MakeFiles("one", ("releases/a.txt", "a"u8.ToArray()), ("b.txt", "b"u8.ToArray()));
        int port = Stage.FreePort();
        string json = JsonSerializer.Serialize(new
        {
            tcpPort = Stage.FreePort(),
            udpPort = Stage.FreePort(),
            indexPort = stage.IndexPort,
            content = new
            {
                serverId = "CS1",
                files = "one",
                httpPort = port,
                cacheControl = new Dictionary<string, string> { ["/"] = "no-cache", ["/releases/"] = "max-age=5" },
                cors = new[] { "https://www.example.org" },
                listings = true,
            },
        });
        await File.WriteAllTextAsync(Path.Combine(stage.Folder, "fleet.json"), $"// generated\n{json}");
        RunningProcess content = stage.MicroCdn("content", "--config", "fleet.json");
        await content.UntilLineAsync("for HTTP");

        using HttpClient client = new() { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        client.DefaultRequestHeaders.Add("Origin", "https://www.example.org");
        await Stage.UntilAsync("the scan found the files", TimeSpan.FromSeconds(10), async () =>
        {
            using HttpResponseMessage response = await client.GetAsync("/b.txt");
            return response.StatusCode == HttpStatusCode.OK;
        });
        using HttpResponseMessage release = await client.GetAsync("/releases/a.txt");
        Assert.Equal("max-age=5", release.Headers.CacheControl!.ToString());
        Assert.Equal(["https://www.example.org"], release.Headers.GetValues("Access-Control-Allow-Origin"));
        using HttpResponseMessage other = await client.GetAsync("/b.txt");
        Assert.Equal("no-cache", other.Headers.CacheControl!.ToString());
        Assert.Contains("b.txt", await client.GetStringAsync("/"), StringComparison.Ordinal);
        Assert.True(Directory.Exists(Path.Combine(stage.DataFolder, "microcdn", "content", "CS1")));
    }

    [Fact]
    public async Task State_is_not_kept_where_files_are_served()
    {
        await using Stage stage = new();
        Directory.CreateDirectory(stage.DataFolder);
        RunningProcess inside = stage.Content("CS1", stage.DataFolder, Stage.FreePort(),
            "--http-port", $"{Stage.FreePort()}");
        Assert.True(await inside.UntilEndAsync() == 2, inside.Output);
        Assert.Contains("lies inside the folder that is served: choose another with --data", inside.Output,
            StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(stage.DataFolder));
    }
}
