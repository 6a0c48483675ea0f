using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>Whoever pastes the commands of the pages about publishing gets what they promise.</summary>
/// <remarks>They run one after the other, in a network of their own, where the default ports are free. What asks another
/// machine, or another index, is left out.</remarks>
[Trait("Needs", "curl")]
public sealed class PublishingPagesTests
{
    // What other tests show: several machines, servers that end, and the token of somebody else.
    private static readonly string[] Elsewhere = ["10.0.0.", "ssh ", "microcdn index", "microcdn content", "token rm "];

    [Theory]
    [InlineData("docs/publishing.md", 20)]
    public async Task Its_commands_do_what_they_say(string document, int atLeast)
    {
        string[] commands = Document.CommandsOf(document, Elsewhere, "sh");
        Assert.True(commands.Length >= atLeast, $"only {commands.Length} commands found in {document}");
        await using LossyNetwork network = await LossyNetwork.MakeAsync();
        await using Stage stage = new() { Entry = network.Entry };
        await StartAsync(stage);
        string folder = stage.MakeFolder("user");
        RunningProcess shell = stage.Run("bash", "-c", Script(folder, commands));
        int code = await shell.UntilEndAsync(TimeSpan.FromMinutes(2));
        Assert.True(code == 0, shell.Output);
    }

    private static async Task StartAsync(Stage stage)
    {
        await stage.MicroCdn("index", "--http-port", "8080").UntilLineAsync("listens on");
        RunningProcess[] servers = [.. Enumerable.Range(1, 3).Select(n => stage.MicroCdn("content",
            "--server-id", $"CS{n}", "--files", stage.MakeFolder($"files of {n}"),
            "--data", stage.MakeFolder($"state of {n}"), "--tcp-port", $"7{n}01", "--udp-port", $"7{n}02",
            "--http-port", $"7{n}03"))];
        // Each says so after five seconds: all of them at once.
        foreach (RunningProcess server in servers) await server.UntilSaidAsync("is asked for orders");
    }

    // A command that is there to be refused says so behind it, and ends with 1; what curl is told it prints.
    private static string Script(string folder, string[] commands) => string.Join('\n',
    [
        "shopt -s expand_aliases", $"alias microcdn='{Stage.MicroCdnProgram}'", $"cd '{folder}'", "export HOME=$PWD",
        "mkdir -p site .local; ln -s \"$XDG_DATA_HOME\" .local/share", "head -c 3000000 /dev/urandom > app-1.2.bin",
        "echo hello > site/index.html; echo old > site/old.html",
        .. commands.Select(command =>
        {
            int wanted = command.Contains("# refuse", StringComparison.Ordinal)
                && command.StartsWith("microcdn", StringComparison.Ordinal) ? 1 : 0;
            return $"{command}\ncode=$?; [ $code = {wanted} ] || {{ cat <<'COMMAND'\n{command}\nCOMMAND\n"
                + "echo \"ended with $code\"; exit 9; }";
        }),
    ]);
}
