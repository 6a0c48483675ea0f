using System.CommandLine;
using System.Text.Json;
using MicroCdn.ClusterTests.Processes;
using MicroCdn.Settings;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>The examples of the help do what they are there for, and every verb keeps its answer apart from what it
/// says beside.</summary>
/// <remarks>They run one after the other in a network of their own, where the default ports are free.</remarks>
public sealed class ExamplesTests
{
    // In an order in which each finds what it is about. What is missing runs until it is ended, asks another machine, or
    // needs what only its user has: up, index, monitor, content, index migrate, token rm, key join.
    private static readonly string[] Order =
    [
        "get", "ls", "servers", "put", "stat", "explain", "mv", "sync", "activate", "releases", "rollback", "unstage",
        "rm", "policy set", "policy list", "policy rm", "status", "top", "logs", "notify list", "notify test", "drain",
        "resume", "server retire", "server resume", "purge", "token add", "token list", "index check", "index backup",
        "key new", "key token", "doctor",
    ];

    [Fact]
    public async Task Each_does_what_it_says_with_data_on_standard_output_and_nothing_that_a_terminal_obeys()
    {
        await using LossyNetwork network = await LossyNetwork.MakeAsync();
        await using Stage stage = new() { Entry = network.Entry };
        await StartAsync(stage);
        RootCommand root = CommandLine.CreateRoot();
        foreach (string path in Order)
        {
            Command verb = path.Split(' ').Aggregate((Command)root, (at, name) =>
                at.Subcommands.Single(inner => inner.Name == name));
            // The last one for scripts: what changes something can be done once.
            string[] examples = [.. Examples.Of(verb)];
            if (!examples[^1].Contains("--json", StringComparison.Ordinal)) examples[^1] += " --json";
            foreach (string example in examples)
            {
                (string data, string said) = await RunAsync(stage, example, 0);
                Assert.True(data.Length > 0, $"{example} printed nothing, and said: {said}");
                if (!example.Contains("--json", StringComparison.Ordinal)) continue;
                // A document, or one in each line.
                if (data[0] is '[' || data.StartsWith("{\n", StringComparison.Ordinal)) JsonDocument.Parse(data).Dispose();
                else foreach (string line in data.TrimEnd().Split('\n')) JsonDocument.Parse(line).Dispose();
            }
            (string none, string wrong) = await RunAsync(stage, $"microcdn {path} --no-such-flag", 2);
            Assert.Equal("", none);
            Assert.StartsWith("microcdn: ", wrong, StringComparison.Ordinal);
        }
    }

    private static async Task StartAsync(Stage stage)
    {
        string[] folders = [.. Enumerable.Range(1, 3).Select(n => stage.MakeFiles($"files {n}",
            ("hello.txt", [1]), ("big.bin", Stage.Noise(300_000))))];
        Stage.WriteFile(Path.Combine(stage.Folder, "app-1.2.bin"), Stage.Noise(3_000));
        Stage.WriteFile(Path.Combine(stage.Folder, "site/index.html"), [1, 2]);
        RunningProcess up = stage.MicroCdn(["up", .. folders.SelectMany(folder => (string[])["--files", folder]),
            "--notify-command", "true"]);
        foreach (int n in (int[])[1, 2, 3]) await up.UntilSaidAsync($"CS{n} registered");
        await Stage.UntilAsync("three servers are published to", TimeSpan.FromSeconds(45), async () =>
        {
            RunningProcess put = stage.MicroCdn("put", "site/index.html", "first", "--replicas", "3");
            return await put.UntilEndAsync() == 0;
        });
        // Three copies would leave no place for those of a server that retires.
        await RunAsync(stage, "microcdn rm first", 0);
    }

    private static async Task<(string Data, string Said)> RunAsync(Stage stage, string line, int code)
    {
        string typed = $"'{Stage.MicroCdnProgram}'{line["microcdn".Length..]}";
        RunningProcess shell = stage.Run("bash", "-c", $"{typed} > data 2> said");
        int ended = await shell.UntilEndAsync(TimeSpan.FromSeconds(60));
        string data = await File.ReadAllTextAsync(Path.Combine(stage.Folder, "data"));
        string said = await File.ReadAllTextAsync(Path.Combine(stage.Folder, "said"));
        Assert.True(ended == code, $"{line} ended with {ended}:\n{data}\n{said}");
        Assert.DoesNotContain('\e', data + said);
        return (data, said);
    }
}
