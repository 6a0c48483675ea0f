namespace MicroCdn.ClusterTests.Processes;

/// <summary>What a script sees of <c>get</c> in a pipe: the exit codes of the README, and a sentence for each.</summary>
public sealed class ExitCodeTests
{
    [Fact]
    public async Task Each_end_of_a_download_has_its_code_and_one_sentence()
    {
        await using Stage stage = new();
        await StartAsync(stage);
        int nobody = Stage.FreePort();
        await CheckAsync(stage, 0, "a.txt", "saved downloads/a.txt (2 bytes from CS1)");
        await CheckAsync(stage, 1, "a.txt --out /dev/null", "microcdn: /dev/null cannot be written: ");
        await CheckAsync(stage, 1, "a.txt --out files/a.txt/b", "microcdn: files/a.txt/b cannot be written: ");
        await CheckAsync(stage, 2, "../a.txt", "microcdn: '../a.txt' is no file name");
        await CheckAsync(stage, 2, "a.txt --index-host ''", "microcdn: --index-host wants a host name or address, not ''.");
        await CheckAsync(stage, 3, "b.txt", "microcdn: no live server has a file 'b.txt'");
        await CheckAsync(stage, 3, "b.txt c.txt", "microcdn: no live server has a file 'c.txt'");
        await CheckAsync(stage, 4, $"a.txt --index 127.0.0.1:{nobody}", $"microcdn: 127.0.0.1:{nobody} cannot be reached: ");
        await CheckAsync(stage, 4, $"a.txt --gateway http://127.0.0.1:{nobody}", $"microcdn: the gateway at http://127.0.0.1:{nobody} cannot be reached: ");
        await CheckAsync(stage, 4, $"a.txt --direct-host 127.0.0.1 --direct-port {nobody}", "microcdn: 'a.txt' could not be delivered: ");
        await CheckAsync(stage, 7, "a.txt b.txt", "microcdn: no live server has a file 'b.txt'");
        // The server does not notice: size and time are as before.
        Stage.WriteFile(Path.Combine(stage.Folder, "files/a.txt"), "b\n"u8.ToArray());
        await CheckAsync(stage, 5, "a.txt", "microcdn: no server has the right bytes of 'a.txt': CS1 at ");
    }

    [Fact]
    public async Task Where_nobody_can_read_what_is_said_the_code_is_the_same_and_nothing_breaks()
    {
        await using Stage stage = new();
        await StartAsync(stage);
        Assert.Equal(0, await RunAsync(stage, "get a.txt 2>&-"));
        Assert.Equal(3, await RunAsync(stage, "get b.txt 2>/dev/full"));
        Assert.Equal(3, await RunAsync(stage, "get b.txt 2>&-"));
        Assert.Equal(0, await RunAsync(stage, "get a.txt | true"));
        // What was asked for cannot be given.
        foreach (string verb in (string[])["get a.txt", "ls", "ls --json"])
        {
            (int code, string said) = await SayAsync(stage, $"{verb} >/dev/full");
            Assert.True(code == 1, said);
            Assert.Equal("microcdn: standard output cannot be written: No space left on device", said);
        }
    }

    private static async Task StartAsync(Stage stage)
    {
        await stage.IndexAsync();
        string folder = stage.MakeFiles("files", ("a.txt", "a\n"u8.ToArray()));
        await stage.RegisteredContentAsync("CS1", folder, Stage.FreePort());
    }

    private static async Task CheckAsync(Stage stage, int code, string arguments, string sentence)
    {
        (int ended, string said) = await SayAsync(stage, $"get {arguments} 2>&1 | cat");
        Assert.True(ended == code, $"{arguments}: {ended} and {said}");
        Assert.Contains(sentence, said, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", said, StringComparison.Ordinal);
    }

    private static async Task<int> RunAsync(Stage stage, string command) => (await SayAsync(stage, command)).Code;

    private static async Task<(int Code, string Said)> SayAsync(Stage stage, string command)
    {
        // The flags stand first, so that a test may end in a redirection.
        int space = command.IndexOf(' ', StringComparison.Ordinal);
        string line = $"'{Stage.MicroCdnProgram}' {command[..space]} --index-port {stage.IndexPort}{command[space..]}";
        RunningProcess shell = stage.Run("bash", "-c", $"set -o pipefail; {line}");
        return (await shell.UntilEndAsync(TimeSpan.FromSeconds(60)), shell.Output);
    }
}
