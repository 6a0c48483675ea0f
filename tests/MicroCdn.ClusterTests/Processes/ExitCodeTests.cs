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

    [Fact]
    public async Task Other_verbs_keep_to_the_same_codes_and_say_what_is_wrong()
    {
        await using Stage stage = new();
        await StartAsync(stage);
        int nobody = Stage.FreePort();
        foreach ((int code, string command, string sentence) in ((int, string, string)[])
        [
            (0, "ls", "a.txt"), (0, "status", "published"), (0, "releases --json", "[]"),
            (1, "put missing", "microcdn: 'missing' cannot be read: "),
            (1, "put /dev/null x", "microcdn: '/dev/null' cannot be read: it is a device"),
            (1, "sync missing x", "microcdn: 'missing' is no folder."),
            (1, "ls --help >/dev/full", "microcdn: standard output cannot be written: No space left on device"),
            (2, "ls --jsno", "microcdn: 'ls' has no flag '--jsno'; did you mean '--json'?"),
            (2, "put", "'FILE'"), (2, "get", "'FILE'"), (2, "mv a.txt a.txt", "are the same"),
            (2, $"get {new string('a', 2000)}", "aaa...' is no file name"),
            (3, "stat a.txt", "microcdn: nothing is published as 'a.txt'."),
            (3, "rm a.txt", "microcdn: nothing is published as 'a.txt'."),
            (3, "mv a.txt b", "microcdn: nothing is published as 'a.txt'."),
            (3, "activate r", "Nothing is staged in a release of this name"),
            (3, "token rm 0123456789ab", "No token of this id"),
            (3, "server retire CS9", "No server of this id"),
            (4, $"stat a --index 127.0.0.1:{nobody}", "cannot be asked: "),
            (4, $"servers --index 127.0.0.1:{nobody} --monitor-tcp-port {nobody}", "microcdn: the monitor cannot be asked: "),
            (7, $"servers --monitor-tcp-port {nobody}", "CS1"),
        ])
        {
            string index = $" --index-port {stage.IndexPort}";
            string line = command.Contains(" --index ", StringComparison.Ordinal) ? command
                : command.EndsWith(">/dev/full", StringComparison.Ordinal) ? command.Replace(" >", $"{index} >", StringComparison.Ordinal)
                : command + index;
            RunningProcess shell = stage.Run("bash", "-c", $"'{Stage.MicroCdnProgram}' {line}");
            (int ended, string said) = (await shell.UntilEndAsync(TimeSpan.FromSeconds(60)), shell.Output);
            Assert.True(ended == code && said.Contains(sentence, StringComparison.Ordinal),
                $"{command}: {ended} and {said}");
            Assert.DoesNotContain("   at ", said, StringComparison.Ordinal);
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
