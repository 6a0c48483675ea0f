using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>Whoever pastes the commands of docs/operating.md, from its top to its end, gets what they promise.</summary>
/// <remarks>All of them, in a network of its own, where the default ports are free and this machine is 10.0.0.1 too: the
/// index is the one that the page starts, and so is the fourth server.</remarks>
[Trait("Needs", "unshare")]
public sealed class OperatingPageTests
{
    private const string Page = "docs/operating.md";

    // What the page says of other machines, and of folders that are none of ours.
    private static readonly (string There, string Here)[] Places =
    [
        ("/srv/", "srv/"), ("https://chat.example.org/hook", "http://127.0.0.1:9/hook"),
        ("/usr/local/bin/page-me --urgent", "true --urgent"),
    ];

    [Fact]
    public async Task Its_commands_do_what_they_say_in_their_order()
    {
        string[] commands = Document.CommandsOf(Page, [], "sh");
        Assert.Equal(Document.CommandsOf(Page, []).Count(IsCommand), commands.Count(IsCommand));
        await using LossyNetwork network = await LossyNetwork.MakeAsync();
        await using Stage stage = new() { Entry = network.Entry };
        Assert.Equal(0, await stage.Run("ip", "address", "add", "10.0.0.1/32", "dev", "lo").UntilEndAsync());
        await StartAsync(stage, commands.Single(command => command.StartsWith("microcdn index --notify",
            StringComparison.Ordinal)));
        foreach (string command in commands)
        {
            if (command.StartsWith("microcdn index --", StringComparison.Ordinal)) continue;
            if (command.StartsWith("microcdn content ", StringComparison.Ordinal))
            {
                await Shell(stage, $"{command} --tcp-port 7401 --udp-port 7402").UntilLineAsync("registered");
                continue;
            }
            // Nobody listens where the page has its hook, and the command is told; --follow ends when it is asked to.
            int wanted = command.StartsWith("microcdn notify test", StringComparison.Ordinal) ? 7
                : command.Contains("--follow", StringComparison.Ordinal) ? 130 : 0;
            RunningProcess shell = Shell(stage, command);
            int code = await shell.UntilEndAsync(TimeSpan.FromMinutes(1));
            Assert.True(code == wanted, $"'{command}' ended with {code}:\n{shell.Output}");
        }
    }

    private static bool IsCommand(string line) => line.StartsWith("microcdn ", StringComparison.Ordinal);

    private static async Task StartAsync(Stage stage, string index)
    {
        Stage.WriteFile(Path.Combine(stage.Folder, "app-1.2.bin"), Stage.Noise(3_000));
        await stage.MicroCdn("monitor", "--trust", "10.0.0.0/24").UntilLineAsync("listens on");
        await Shell(stage, $"{index} --http-port 8080 --data /srv/index --trust 10.0.0.0/24").UntilLineAsync("listens on");
        RunningProcess[] servers = [.. Enumerable.Range(1, 3).Select(n => stage.MicroCdn("content",
            "--server-id", $"CS{n}", "--files", stage.MakeFolder($"files of {n}"),
            "--data", stage.MakeFolder($"state of {n}"), "--tcp-port", $"7{n}01", "--udp-port", $"7{n}02",
            "--http-port", $"7{n}03"))];
        foreach (RunningProcess server in servers) await server.UntilSaidAsync("is asked for orders");
        // The first token stands in the index's folder, which is not the usual one here.
        Directory.CreateDirectory(Path.Combine(stage.DataFolder, "microcdn", "index"));
        File.Copy(Path.Combine(stage.Folder, "srv/index/admin.token"),
            Path.Combine(stage.DataFolder, "microcdn", "index", "admin.token"));
        RunningProcess put = stage.MicroCdn("put", "app-1.2.bin");
        Assert.True(await put.UntilEndAsync() == 0, put.Output);
    }

    private static RunningProcess Shell(Stage stage, string command)
    {
        foreach ((string there, string here) in Places)
        {
            command = command.Replace(there, here, StringComparison.Ordinal);
        }
        string limit = command.Contains("--follow", StringComparison.Ordinal)
            ? "timeout --preserve-status -s INT 3 " : "";
        return stage.Run("bash", "-c", $"mkdir -p srv/files; shopt -s expand_aliases\n"
            + $"alias microcdn='{limit}{Stage.MicroCdnProgram}'\n{command}");
    }
}
