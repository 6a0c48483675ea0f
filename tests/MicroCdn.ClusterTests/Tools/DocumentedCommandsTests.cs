using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>The commands of the documents do what they say, as they stand there, ports and names included.</summary>
/// <remarks>They run in a network of their own, where the default ports are free.</remarks>
[Trait("Needs", "curl")]
public sealed class DocumentedCommandsTests
{
    private static readonly string[] Elsewhere = ["example.org", "10.0.0."];
    private static readonly string[] Tools = ["curl ", "wget ", "aria2c ", "microcdn get ", "microcdn ls", "microcdn servers"];

    [Theory]
    [InlineData("README.md", 3)]
    [InlineData("docs/http.md", 10)]
    [InlineData("docs/client.md", 5)]
    public async Task A_user_who_pastes_a_command_gets_what_it_promises(string document, int atLeast)
    {
        string[] commands = [.. Commands(document)];
        Assert.True(commands.Length >= atLeast, $"only {commands.Length} commands found in {document}");
        await using LossyNetwork network = await LossyNetwork.MakeAsync();
        await using Stage stage = new() { Entry = network.Entry };
        await StartAsync(stage);
        string folder = stage.MakeFolder("user");
        foreach (string command in commands)
        {
            string script = $"shopt -s expand_aliases; alias microcdn='{Stage.MicroCdnProgram}'\ncd '{folder}'\n{command}\n";
            RunningProcess shell = stage.Run("bash", "-c", script);
            int code = await shell.UntilEndAsync(TimeSpan.FromMinutes(1));
            Assert.True(code == 0, $"'{command}' ended with {code}:\n{shell.Output}");
        }
    }

    // As the documents start them: every port is the default one or the one they name.
    private static async Task StartAsync(Stage stage)
    {
        byte[] small = "Hello\n"u8.ToArray(), large = Stage.Noise(3_000_000);
        string files = stage.MakeFiles("one", ("hello.txt", small), ("big.bin", large), ("game/patch-7.bin", large),
            ("a.iso", large), ("b.iso", large), ("big.iso", large));
        await stage.MicroCdn("monitor").UntilLineAsync("listens on");
        await stage.MicroCdn("index", "--http-port", "8080").UntilLineAsync("listens on");
        for (int n = 0; n < 2; n++)
        {
            await stage.MicroCdn("content", "--server-id", $"CS{n + 1}", "--files", files, "--tcp-port", $"{7001 + (n * 100)}",
                "--udp-port", $"{7002 + (n * 100)}", "--http-port", $"{7003 + (n * 100)}").UntilLineAsync("registered");
        }
        await Stage.UntilAsync("the digests are told", TimeSpan.FromSeconds(30), async () =>
        {
            RunningProcess ask = stage.Run("curl", "-sf", "http://localhost:8080/hello.txt.sha256");
            return await ask.UntilEndAsync() == 0;
        });
    }

    // Lines of the fenced blocks that begin with a tool, be it behind a prompt, and ask this machine.
    private static IEnumerable<string> Commands(string document)
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "MicroCdn.slnx"))) folder = Path.GetDirectoryName(folder)!;
        bool inside = false;
        foreach (string line in File.ReadLines(Path.Combine(folder, document)))
        {
            if (line.StartsWith("```", StringComparison.Ordinal)) inside = !inside;
            string command = line.StartsWith("$ ", StringComparison.Ordinal) ? line[2..] : line;
            bool isElsewhere = Array.Exists(Elsewhere, host => command.Contains(host, StringComparison.Ordinal));
            if (inside && !isElsewhere && Array.Exists(Tools, tool => command.StartsWith(tool, StringComparison.Ordinal)))
            {
                yield return command;
            }
        }
    }
}
