using System.Diagnostics;
using System.Text.RegularExpressions;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>The commands of docs/caching.md print what stands below them, in the order of the page.</summary>
/// <remarks>They run in a network of their own, where the ports of the page are free.</remarks>
[Trait("Needs", "curl")]
public sealed partial class CachingPageTests
{
    // A copy is put away, or refreshed, behind the answer to whoever asked for it: a command that comes too early is
    // given once more.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Whoever_reads_on_with_a_terminal_sees_what_the_page_shows()
    {
        await using LossyNetwork network = await LossyNetwork.MakeAsync();
        await using Stage stage = new() { Entry = network.Entry };
        Directory.CreateSymbolicLink(Path.Combine(stage.Folder, "examples"), Path.Combine(SourceTree.Root, "examples"));
        // Without a terminal curl would say how far it is.
        await File.WriteAllTextAsync(Path.Combine(stage.Folder, ".curlrc"), "no-progress-meter\n");
        string prelude = $"export CURL_HOME=. PATH='{AppContext.BaseDirectory}':$PATH\n";
        int shown = 0;
        foreach ((string command, string[] output) in Commands())
        {
            if (command.Contains("() {", StringComparison.Ordinal)) prelude += command + "\n";
            else if (command.EndsWith('&')) await StartAsync(stage, prelude, command);
            else await RunAsync(stage, prelude, command, output);
            shown += output.Length > 0 ? 1 : 0;
        }
        Assert.True(shown >= 40, $"only {shown} commands with what they print");
    }

    private static async Task StartAsync(Stage stage, string prelude, string command)
    {
        RunningProcess process = stage.Run("bash", "-c", $"{prelude}exec {command.TrimEnd('&', ' ')}");
        Match port = Port().Match(command);
        await Stage.UntilAsync($"'{command}' answers; {process.Output}", Patience, async () =>
        {
            string url = $"http://localhost:{port.Value}/asked/nothing";
            return await stage.Run("curl", "-s", "-o", "/dev/null", url).UntilEndAsync() == 0;
        });
    }

    private static async Task RunAsync(Stage stage, string prelude, string command, string[] expected)
    {
        long began = Stopwatch.GetTimestamp();
        await Stage.UntilAsync(command, Patience * 2, async () =>
        {
            RunningProcess shell = stage.Run("bash", "-c", prelude + command);
            await shell.UntilEndAsync(TimeSpan.FromMinutes(1));
            string[] printed = [.. shell.Output.Split('\n').Select(line => line.TrimEnd()).Where(line => line.Length > 0)];
            bool isShown = expected.Length == 0 || printed.Select(Blurred).SequenceEqual(expected.Select(Blurred));
            if (!isShown && Stopwatch.GetElapsedTime(began) > Patience)
            {
                Assert.Equal([command, .. expected], [command, .. printed]);
            }
            return isShown;
        });
    }

    // How old a copy is depends on how fast the reader types, and the date on the day.
    private static string Blurred(string line) => Moving().Replace(line, "$1...");

    // What stands in the fenced blocks: a command behind a prompt, and behind it what it prints; or a command alone.
    private static IEnumerable<(string Command, string[] Output)> Commands()
    {
        string page = File.ReadAllText(Path.Combine(SourceTree.Root, "docs/caching.md"));
        foreach (Match block in Block().Matches(page))
        {
            string[] lines = [.. block.Groups[1].Value.Split('\n').Where(line => line.Length > 0)];
            bool isDialogue = Array.Exists(lines, line => line.StartsWith("$ ", StringComparison.Ordinal));
            for (int at = 0; at < lines.Length; at++)
            {
                int end = at + 1;
                while (isDialogue && end < lines.Length && !lines[end].StartsWith("$ ", StringComparison.Ordinal)) end++;
                yield return (isDialogue ? lines[at][2..] : lines[at], lines[(at + 1)..end]);
                at = end - 1;
            }
        }
    }

    [GeneratedRegex("^```\n(.*?)^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Block();

    [GeneratedRegex(@"\d{4}(?=\D|$)", RegexOptions.RightToLeft)]
    private static partial Regex Port();

    [GeneratedRegex(@"(?<=^(?:Age|Date|Last-Modified|Server|User-Agent):)().*|(ttl=-?)\d+")]
    private static partial Regex Moving();
}
