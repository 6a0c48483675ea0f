using System.Text.Json;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>The public tests for HTTP caches, as they are published, against a cache of ours.</summary>
[Trait("Needs", "node")]
public sealed class CacheConformanceTests
{
    // Each with its reason in docs/caching.md, "The public tests".
    private static readonly HashSet<string> Explained = [];

    // Of those that make a cache better, not right.
    private const int LeastOptimal = 83;

    private static string Suite => Path.Combine(SourceTree.Root, "artifacts", "conformance");

    [Fact]
    public async Task What_a_cache_must_do_it_does_and_most_of_what_it_may()
    {
        await using Stage stage = new();
        int port = Stage.FreePort();
        RunningProcess origin = stage.Run("env", $"--chdir={stage.Folder}", "npm_config_protocol=http",
            $"npm_config_port={port}", "npm_config_pidfile=pid", "node", "--import", Path.Combine(Suite, "loopback.mjs"),
            Path.Combine(Suite, "node_modules", "http-cache-tests", "server", "server.mjs"));
        await origin.UntilLineAsync("Listening");
        Cache cache = await Cache.StartAsync(stage, $"http://127.0.0.1:{port}", "--cache-preset", "conformant");
        ToolRun run = await ToolRun.OfAsync(
            stage.Folder, "node", "--no-warnings", Path.Combine(Suite, "run.mjs"), cache.Url);
        List<Outcome> outcomes = [.. run.Succeeded().Text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonSerializer.Deserialize<Outcome>(line, JsonSerializerOptions.Web)!)];
        Assert.Equal(157, outcomes.Count(outcome => outcome.Kind == "required"));
        Assert.Equal(86, outcomes.Count(outcome => outcome.Kind == "optimal"));
        Assert.Empty(outcomes.Where(outcome => outcome is { Kind: "required", Passed: false } && !Explained.Contains(outcome.Id))
            .Select(outcome => $"{outcome.Id}: {outcome.Why}"));
        Assert.True(outcomes.Count(outcome => outcome is { Kind: "optimal", Passed: true }) >= LeastOptimal,
            string.Join('\n', outcomes.Where(outcome => outcome is { Kind: "optimal", Passed: false })));
    }

    private sealed record Outcome(string Id, string Kind, bool Passed, string Why);
}
