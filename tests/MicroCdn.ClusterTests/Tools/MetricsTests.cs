using System.Text.Json;
using System.Text.RegularExpressions;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>What real processes tell of themselves: promtool takes it, and docs/metrics.md lists it.</summary>
[Trait("Needs", "promtool")]
public sealed partial class MetricsTests : IAsyncLifetime
{
    private readonly Stage _stage = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Fact]
    public async Task Promtool_takes_what_every_role_tells_and_the_document_lists_each_metric()
    {
        (int monitor, int content, int web) = (Stage.FreePort(), Stage.FreePort(), Stage.FreePort());
        int gateway = Stage.FreePort();
        await _stage.IndexAsync("--data", _stage.MakeFolder("index"), "--http-port", $"{gateway}",
            "--notify", $"http://127.0.0.1:{Stage.FreePort()}/");
        await _stage.MonitorAsync("--data", _stage.MakeFolder("monitor"), "--admin-port", $"{monitor}");
        // Nobody listens there: an origin that fails.
        await _stage.RegisteredContentAsync("CS1", _stage.MakeFolder("files"), Stage.FreePort(), "--data",
            _stage.MakeFolder("state"), "--http-port", $"{web}", "--admin-port", $"{content}", "--origin",
            $"http://127.0.0.1:{Stage.FreePort()}", "--cache", _stage.MakeFolder("copies"));
        await _stage.UntilPublishesOnAsync("CS1");
        await Stage.UntilAsync("the monitor hears it", TimeSpan.FromSeconds(30), async () =>
            (await PageAsync(monitor)).Contains("microcdn_heartbeat_age_seconds{server=\"CS1\"}", StringComparison.Ordinal));
        await CurlAsync($"http://127.0.0.1:{web}/nothing");
        await CurlAsync($"http://127.0.0.1:{gateway}/nothing");
        await Stage.UntilAsync("all are ready", TimeSpan.FromSeconds(30), async () =>
            (await CurlAsync($"http://127.0.0.1:{content}/readyz")).EndsWith("\nready\n", StringComparison.Ordinal)
            && (await CurlAsync($"http://127.0.0.1:{_stage.AdminPort}/readyz")).EndsWith("\nready\n", StringComparison.Ordinal));
        await Stage.UntilAsync("what is published was counted", TimeSpan.FromSeconds(30), async () =>
            (await PageAsync(_stage.AdminPort)).Contains("microcdn_published_files ", StringComparison.Ordinal));

        SortedSet<string> told = new(StringComparer.Ordinal);
        foreach (int port in new[] { _stage.AdminPort, monitor, content })
        {
            string page = await PageAsync(port);
            string file = Path.Combine(_stage.Folder, "page");
            await File.WriteAllTextAsync(file, page);
            ToolRun check = await ToolRun.OfAsync(_stage.Folder, "sh", "-c", "promtool check metrics < page");
            Assert.True(check is { Code: 0, Text: "", Errors: "" }, $"{check.Text}{check.Errors}\n{page}");
            told.UnionWith(page.Split('\n').Where(line => line.StartsWith("# TYPE ", StringComparison.Ordinal))
                .Select(line => line.Split(' ')[2]));
        }
        Assert.Equal(Documented().Order(StringComparer.Ordinal), told);
    }

    [Theory]
    [InlineData("check", "config", "prometheus.yml")]
    [InlineData("test", "rules", "alerts.test.yml")]
    public async Task Promtool_takes_the_examples_and_every_alert_comes_when_it_should(params string[] words)
    {
        ToolRun run = await ToolRun.OfAsync(Examples, "promtool", words);
        Assert.True(run.Code == 0, run.Text + run.Errors);
    }

    [Theory]
    [InlineData("alerts.yml")]
    [InlineData("dashboard.json")]
    public void The_examples_name_no_metric_that_is_not_documented(string file)
    {
        string text = File.ReadAllText(Path.Combine(Examples, file));
        string[] named = [.. Metric().Matches(text).Select(match => match.Value).Distinct()];
        Assert.True(named.Length >= 7, $"{named.Length} metrics");
        Assert.Empty(named.Select(name => Part().Replace(name, "")).Except(Documented()));
    }

    [Fact]
    public void Every_alert_has_a_test_and_the_dashboard_is_one_that_can_be_imported()
    {
        string alerts = File.ReadAllText(Path.Combine(Examples, "alerts.yml"));
        string tests = File.ReadAllText(Path.Combine(Examples, "alerts.test.yml"));
        string[] names = [.. Alert().Matches(alerts).Select(match => match.Groups[1].Value)];
        Assert.Equal(10, names.Length);
        Assert.All(names, name => Assert.Contains($"alertname: {name}\n", tests, StringComparison.Ordinal));
        using JsonDocument board = JsonDocument.Parse(File.ReadAllText(Path.Combine(Examples, "dashboard.json")));
        JsonElement[] panels = [.. board.RootElement.GetProperty("panels").EnumerateArray()];
        Assert.All(panels, panel => Assert.NotEqual("", panel.GetProperty("title").GetString()));
        Assert.Equal(panels.Length, panels.Select(panel => panel.GetProperty("id").GetInt32()).Distinct().Count());
    }

    private static string Examples => Path.Combine(SourceTree.Root, "examples/monitoring");

    [GeneratedRegex("(microcdn|http_server)_[a-z_]+")]
    private static partial Regex Metric();

    // A histogram is asked by its parts.
    [GeneratedRegex("(?<=_seconds)_(bucket|sum|count)$")]
    private static partial Regex Part();

    [GeneratedRegex("^[|] `(microcdn|http_server)_")]
    private static partial Regex Row();

    [GeneratedRegex(@"- alert: (\w+)")]
    private static partial Regex Alert();

    private static IEnumerable<string> Documented() =>
        File.ReadLines(Path.Combine(SourceTree.Root, "docs/metrics.md"))
            .Where(line => Row().IsMatch(line)).Select(line => line.Split('`')[1]).Distinct();

    private Task<string> PageAsync(int port) => CurlAsync($"http://127.0.0.1:{port}/metrics");

    private async Task<string> CurlAsync(string url) =>
        (await ToolRun.OfAsync(_stage.Folder, "curl", "--disable", "-sS", url)).Text;
}
