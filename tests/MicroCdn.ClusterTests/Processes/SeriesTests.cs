using System.Text.RegularExpressions;
using MicroCdn.ClusterTests.Tools;

namespace MicroCdn.ClusterTests.Processes;

/// <summary>Fifty caches that are servers of files too have, with index and monitor, at most 2,000 series at /metrics,
/// whatever they were asked.</summary>
public sealed partial class SeriesTests : IDisposable
{
    private const int Servers = 50, Most = 2_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly HttpClient _client = new(new SocketsHttpHandler { AllowAutoRedirect = false });

    public void Dispose() => _client.Dispose();

    [Fact]
    public async Task Fifty_servers_that_were_asked_everything_have_two_thousand_series_with_index_and_monitor()
    {
        await using Stage stage = new();
        (int gateway, int content, int monitor) = (Stage.FreePort(), Stage.FreePort(), Stage.FreePort());
        string files = stage.MakeFiles("files", ("file", Stage.Noise(100_000)));
        await stage.IndexAsync("--data", stage.MakeFolder("index"), "--http-port", $"{gateway}",
            "--notify", $"http://127.0.0.1:{Stage.FreePort()}/");
        await stage.MonitorAsync("--data", stage.MakeFolder("monitor"), "--admin-port", $"{monitor}");
        string url;
        await using (ScriptedOrigin origin = new(AnswerAsync))
        {
            Cache cache = await Cache.StartMemberAsync(stage, "CS1", Stage.FreePort(), origin.Url, "--files", files,
                "--data", stage.MakeFolder("state"), "--cache", stage.MakeFolder("copies"),
                "--admin-port", $"{content}");
            url = cache.Url;
            await stage.UntilPublishesOnAsync("CS1");
            await AskEverythingAsync(url, $"http://127.0.0.1:{gateway}");
        }
        await UntilToldAsync(content, "error=\"circuit-open\"", () => AskAsync("GET", $"{url}/away"));
        await UntilToldAsync(stage.AdminPort, "microcdn_published_files ");
        await UntilToldAsync(monitor, "microcdn_heartbeat_age_seconds{server=\"CS1\"}");

        string[] ofCache = await SeriesAsync(content);
        Assert.All(ofCache, line => Assert.Contains("server=\"CS1\"", line, StringComparison.Ordinal));
        foreach (string told in new[]
        {
            "cache_result=\"hit\"", "cache_result=\"stale\"", "cache_result=\"miss\"", "cache_result=\"bypass\"",
            "code=\"2xx\"", "code=\"3xx\"", "code=\"4xx\"", "code=\"5xx\"", "error=\"closed\"",
            "error=\"unreachable\"", "origin_duration_seconds_bucket", "request_duration_seconds_bucket",
        }) Assert.Contains(ofCache, line => line.Contains(told, StringComparison.Ordinal) && !Zero().IsMatch(line));
        // The gateway's requests, beside those of the admin port, which are not counted.
        string[] ofIndex = await SeriesAsync(stage.AdminPort);
        Assert.Contains(ofIndex,
            line => line.Contains("code=\"3xx\"", StringComparison.Ordinal) && !Zero().IsMatch(line));
        string[] ofOthers = [.. ofIndex, .. await SeriesAsync(monitor)];
        int ofEach = ofOthers.Count(line => line.Contains("server=\"CS1\"", StringComparison.Ordinal));
        int all = (Servers * (ofCache.Length + ofEach)) + ofOthers.Length - ofEach;
        Assert.True(all <= Most, $"{all} series: {ofCache.Length} a cache, {ofOthers.Length} of one server's index and "
            + $"monitor:\n{string.Join('\n', ofCache)}\n\n{string.Join('\n', ofOthers)}");
    }

    private async Task AskEverythingAsync(string cache, string gateway)
    {
        string tag = (await AskAsync("GET", $"{cache}/file")).Headers.ETag!.ToString();
        await AskAsync("GET", $"{cache}/file", "If-None-Match", tag);
        await AskAsync("GET", $"{cache}/file", "Range", "bytes=5-9");
        await AskAsync("GET", $"{cache}/file", "Range", "bytes=5-9,20-30");
        foreach (string target in new[] { "fresh", "lasting", "changing", "refreshed", "nothing", "bad", "closed" })
        {
            await AskAsync("GET", $"{cache}/{target}");
            // Who asks before the copy is put away joins the one before.
            await Stage.UntilAsync($"all is known of {target}", Patience, async () => target != "fresh" || Says("hit",
                await AskAsync("GET", $"{cache}/{target}")));
            await AskAsync("GET", $"{cache}/{target}");
            await AskAsync("GET", $"{cache}/{target}", "Range", "bytes=1-2");
        }
        foreach (string url in new[] { cache, gateway })
        {
            foreach (string method in new[] { "GET", "HEAD", "OPTIONS", "POST", "DELETE" })
            {
                foreach (string target in new[] { "file", "fresh", "nothing" })
                {
                    await AskAsync(method, $"{url}/{target}");
                }
            }
        }
    }

    private async Task<HttpResponseMessage> AskAsync(
        string method, string url, string? name = null, string? value = null)
    {
        using HttpRequestMessage request = new(new HttpMethod(method), new Uri(url));
        if (name is not null) request.Headers.TryAddWithoutValidation(name, value);
        if (method == "POST") request.Content = new ByteArrayContent([1, 2, 3]);
        return await _client.SendAsync(request);
    }

    private static bool Says(string word, HttpResponseMessage response) =>
        response.Headers.TryGetValues("Cache-Status", out IEnumerable<string>? all)
        && all.Any(one => one.Contains($"; {word}", StringComparison.Ordinal));

    private static Task AnswerAsync(OriginCall call)
    {
        if (call.Target == "/closed") call.Reset();
        return call.Target switch
        {
            "/closed" => Task.CompletedTask,
            "/nothing" => call.AnswerAsync("", status: "404 No"),
            "/bad" => call.AnswerAsync("", status: "500 Bad"),
            "/lasting" when call.Field("If-None-Match") is not null => call.SayAsync(
                "HTTP/1.1 304 Same\r\nETag: \"a\"\r\nCache-Control: max-age=0\r\n\r\n"),
            "/lasting" => call.AnswerAsync("hello", "ETag: \"a\"\r\nCache-Control: max-age=0\r\n"),
            "/changing" => call.AnswerAsync("hello", "Cache-Control: max-age=0, must-revalidate\r\n"),
            "/refreshed" => call.AnswerAsync("hello", "Cache-Control: max-age=0, stale-while-revalidate=60\r\n"),
            _ => call.AnswerAsync("hello", "Cache-Control: max-age=60\r\n"),
        };
    }

    private Task UntilToldAsync(int port, string what, Func<Task>? meanwhile = null) =>
        Stage.UntilAsync($"{port} tells of {what}", Patience, async () =>
        {
            if (meanwhile is not null) await meanwhile();
            return (await SeriesAsync(port)).Any(line => line.Contains(what, StringComparison.Ordinal));
        });

    private async Task<string[]> SeriesAsync(int port)
    {
        string page = await _client.GetStringAsync(new Uri($"http://127.0.0.1:{port}/metrics"));
        return [.. page.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line[0] != '#')];
    }

    [GeneratedRegex(" 0$")]
    private static partial Regex Zero();
}
