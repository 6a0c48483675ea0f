using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>Several caches of ours in front of one origin: behind a gateway, and one before the other.</summary>
public sealed class CacheFleetTests : IAsyncLifetime
{
    private const string Keep = "Cache-Control: max-age=600\r\n";

    private readonly Stage _stage = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Fact]
    [Trait("Needs", "curl")]
    public async Task Behind_a_gateway_each_page_is_fetched_once_and_when_its_cache_dies_the_other_one_has_it()
    {
        await using ScriptedOrigin origin = new(call => call.AnswerAsync(call.Target, Keep));
        Fleet fleet = await Fleet.StartAsync(_stage);
        int[] ports = [Stage.FreePort(), Stage.FreePort()];
        Cache[] caches =
        [
            await Cache.StartMemberAsync(_stage, "CS1", ports[0], origin.Url, "--advertise", "127.0.0.1"),
            await Cache.StartMemberAsync(_stage, "CS2", ports[1], origin.Url, "--advertise", "127.0.0.1"),
        ];
        string[] pages = [.. Enumerable.Range(0, 16).Select(number => $"a%2Fb/{number}?x=%20y")];
        string[] first = await AskAllAsync(), second = await AskAllAsync();
        Assert.Equal(first, second);
        Assert.Equal(2, first.Distinct().Count());
        Assert.All(pages, page => Assert.Equal(1, origin.CountOf($"/{page}")));

        int dead = first[0] == $"{ports[0]}" ? 0 : 1;
        caches[dead].Process.Kill();
        await Stage.UntilAsync("all are sent to the other one", TimeSpan.FromSeconds(60), async () =>
            (await LocationOfAsync(fleet, pages[0])).Contains($":{ports[1 - dead]}/", StringComparison.Ordinal));
        string[] third = await AskAllAsync();
        Assert.All(third, port => Assert.Equal($"{ports[1 - dead]}", port));
        // What the other one had already it still has.
        Assert.All(pages.Zip(first), pair => Assert.Equal(
            pair.Second == $"{ports[dead]}" ? 2 : 1, origin.CountOf($"/{pair.First}")));

        async Task<string[]> AskAllAsync()
        {
            List<string> served = [];
            foreach (string page in pages)
            {
                ToolRun run = await fleet.CurlAsync(
                    "-L", "-f", "-w", " %{num_redirects} %{url_effective}", fleet.Url(page));
                string[] words = run.Succeeded().Text.Split(' ');
                Uri url = new(words[2]);
                Assert.Equal(($"/{page}", "1", $"/{page}"), (words[0], words[1], url.PathAndQuery));
                served.Add($"{url.Port}");
            }
            return [.. served];
        }
    }

    [Fact]
    public async Task Caches_that_are_parents_of_one_another_ask_the_origin_once_and_survive_the_death_of_any()
    {
        await using ScriptedOrigin origin = new(call => call.AnswerAsync(call.Target, Keep));
        Cache[] caches = await ParentsAsync(origin.Url);
        string[] pages = [.. Enumerable.Range(0, 12).Select(number => $"/page/{number}")];
        foreach (string page in pages)
        {
            foreach (Cache cache in caches) Assert.Equal(page, (await cache.GetAsync(page)).Body);
        }
        Assert.All(pages, page => Assert.Equal(1, origin.CountOf(page)));
        // The caches that a page does not belong to asked the one that it does belong to, which says so.
        string[] status = await Task.WhenAll(caches.Select(async cache => string.Join(" | ",
            (await cache.GetAsync(pages[0])).Head.Split("\r\n")
                .Where(line => line.StartsWith("Cache-Status: ", StringComparison.Ordinal))
                .Select(line => line["Cache-Status: ".Length..].Split(';')[0]))));
        Assert.Equal(1, status.Count(value => !value.Contains('|', StringComparison.Ordinal)));
        string home = status.Single(value => !value.Contains('|', StringComparison.Ordinal));
        Assert.All(status.Where(value => value != home), value =>
            Assert.StartsWith($"{home} | microcdn-CS", value, StringComparison.Ordinal));

        caches[0].Process.Kill();
        foreach (string page in pages)
        {
            foreach (Cache cache in caches[1..])
            {
                Assert.Equal($"{page}?new", (await cache.GetAsync($"{page}?new")).Body);
            }
            Assert.Equal(1, origin.CountOf($"{page}?new"));
        }
    }

    [Fact]
    public async Task When_all_parents_are_dead_the_origin_is_asked()
    {
        await using ScriptedOrigin origin = new(call => call.AnswerAsync(call.Target, Keep));
        Cache[] caches = await ParentsAsync(origin.Url);
        caches[0].Process.Kill();
        caches[1].Process.Kill();
        for (int number = 0; number < 12; number++)
        {
            Assert.Equal($"/{number}", (await caches[2].GetAsync($"/{number}")).Body);
            Assert.Equal(200, (await caches[2].AskAsync("POST", $"/{number}", body: "hello")).Status);
            Assert.Equal(("POST", "hello"), (origin.Calls.Last().Method, origin.Calls.Last().Body));
        }
    }

    [Fact]
    public async Task A_parent_that_has_no_such_origin_or_is_none_of_ours_is_not_believed()
    {
        await using ScriptedOrigin origin = new(call => call.AnswerAsync(call.Target, Keep));
        await using ScriptedOrigin stranger = new(call => call.AnswerAsync("no such page", Keep, "404 Not Found"));
        await _stage.MonitorAsync();
        await _stage.IndexAsync();
        Cache cache = await Cache.StartMemberAsync(_stage, "CS1", Stage.FreePort(), origin.Url,
            "--parent", $"CS2={stranger.Url}");
        RawResponse answer = await cache.GetAsync("/page");
        Assert.Equal((200, "/page"), (answer.Status, answer.Body));
        Assert.Equal((1, 1), (stranger.CountOf("/page"), origin.CountOf("/page")));
    }

    [Fact]
    public async Task What_changes_something_goes_by_the_parent_so_that_both_forget_their_copies()
    {
        ConcurrentDictionary<string, string> pages = [];
        await using ScriptedOrigin origin = new(call =>
        {
            if (call.Method == "POST") pages[call.Target] = call.Body;
            return call.AnswerAsync(pages.GetValueOrDefault(call.Target, "old"), Keep);
        });
        Cache[] caches = await ParentsAsync(origin.Url);
        for (int number = 0; number < 8; number++)
        {
            string page = $"/{number}";
            foreach (Cache cache in caches) Assert.Equal("old", (await cache.GetAsync(page)).Body);
            Assert.Equal(1, origin.CountOf(page));
            Assert.Equal(200, (await caches[0].AskAsync("POST", page, body: "new")).Status);
            Assert.Equal("new", (await caches[0].GetAsync(page)).Body);
        }
    }

    [Fact]
    public async Task A_page_on_its_way_counts_in_the_load_that_the_index_goes_by()
    {
        TaskCompletionSource seen = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using ScriptedOrigin origin = new(async call =>
        {
            await call.SayAsync($"HTTP/1.1 200 OK\r\n{Keep}Content-Length: 10\r\n\r\nfirst");
            await seen.Task;
            await call.SayAsync("after");
        });
        await _stage.MonitorAsync();
        await _stage.IndexAsync();
        Cache cache = await Cache.StartMemberAsync(_stage, "CS1", Stage.FreePort(), origin.Url);
        Task<RawResponse> asking = cache.GetAsync("/page");
        await UntilLoadAsync(1);
        seen.SetResult();
        Assert.Equal("firstafter", (await asking).Body);
        await UntilLoadAsync(0);

        Task UntilLoadAsync(int load) => Stage.UntilAsync($"the load is {load}", TimeSpan.FromSeconds(30), async () =>
            Regex.IsMatch(await Stage.ConverseAsync(_stage.IndexPort, "LIST_SERVERS\n"), $@"^SERVER CS1 \S+ \d+ {load} ",
                RegexOptions.Multiline));
    }

    [Fact]
    public async Task Caches_whose_lists_lead_in_a_circle_still_answer()
    {
        await using ScriptedOrigin origin = new(call => call.AnswerAsync(call.Target, Keep));
        await _stage.MonitorAsync();
        await _stage.IndexAsync();
        int one = Stage.FreePort(), two = Stage.FreePort();
        Cache first = await Cache.StartMemberAsync(_stage, "CS1", one, origin.Url,
            "--parent", $"CS2=http://127.0.0.1:{two}");
        await Cache.StartMemberAsync(_stage, "CS2", two, origin.Url, "--parent", $"CS1=http://127.0.0.1:{one}");
        RawResponse answer = await first.GetAsync("/page");
        Assert.Equal((200, "/page", 1), (answer.Status, answer.Body, origin.CountOf("/page")));
    }

    [Fact]
    [Trait("Needs", "curl")]
    public async Task Up_with_an_origin_is_a_fleet_of_caches_and_says_what_to_try()
    {
        await using ScriptedOrigin origin = new(call => call.AnswerAsync(call.Target, Keep));
        int gateway = Stage.FreePort(), content = Stage.ContentPorts();
        RunningProcess up = _stage.MicroCdn("up", "--admin-port", $"{_stage.AdminPort}", "--index-port", $"{_stage.IndexPort}", "--monitor-tcp-port",
            $"{_stage.MonitorTcpPort}", "--monitor-udp-port", $"{_stage.MonitorUdpPort}", "--content-port",
            $"{content}", "--gateway-port", $"{gateway}", "--bind", "127.0.0.1", "--origin", $"/site/={origin.Url}");
        await up.UntilLineAsync($"curl -L http://localhost:{gateway}/site/");
        await Stage.UntilAsync("both are registered", TimeSpan.FromSeconds(60), () => Task.FromResult(
            up.Output.Contains("CS1 registered", StringComparison.Ordinal)
            && up.Output.Contains("CS2 registered", StringComparison.Ordinal)));
        for (int number = 0; number < 8; number++)
        {
            string path = $"/site/{number}?a=b";
            for (int times = 0; times < 2; times++) Assert.Equal($"{path} 1", (await CurlAsync(path)).Succeeded().Text);
            Assert.Equal(1, origin.CountOf(path));
        }
        // The sample files are still there.
        Assert.EndsWith(" 1", (await CurlAsync("/hello.txt")).Succeeded().Text, StringComparison.Ordinal);
        Assert.Equal(22, (await CurlAsync("/other")).Code);

        Task<ToolRun> CurlAsync(string path) => ToolRun.OfAsync(_stage.Folder, "curl", "--disable", "-sS", "-f", "-L",
            "--max-time", "60", "-w", " %{num_redirects}", $"http://127.0.0.1:{gateway}{path}");
    }

    private async Task<Cache[]> ParentsAsync(string origin)
    {
        await _stage.MonitorAsync();
        await _stage.IndexAsync();
        int[] ports = [Stage.FreePort(), Stage.FreePort(), Stage.FreePort()];
        string[] parents = [.. ports.Index().SelectMany(pair =>
            (string[])["--parent", $"CS{pair.Index + 1}=http://127.0.0.1:{pair.Item}"])];
        List<Cache> caches = [];
        foreach ((int number, int port) in ports.Index())
        {
            caches.Add(await Cache.StartMemberAsync(_stage, $"CS{number + 1}", port, origin, parents));
        }
        return [.. caches];
    }

    private static async Task<string> LocationOfAsync(Fleet fleet, string page)
    {
        string head = await Stage.ConverseAsync(fleet.HttpPort,
            $"HEAD /{page} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
        return RawResponse.FieldOf(head, "Location") ?? "";
    }
}
