using System.Globalization;
using System.Text;

namespace MicroCdn.ClusterTests.Processes;

/// <summary>A verb on a terminal of its own (by util-linux's <c>script</c>): what is written to it is kept, and keys can
/// be pressed.</summary>
internal sealed class Terminal
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static int _last;

    private readonly string _folder, _name = $"terminal-{Interlocked.Increment(ref _last)}";
    private readonly RunningProcess _shell;

    /// <summary>Runs a verb.</summary>
    /// <param name="stage">Where.</param>
    /// <param name="verb">The verb with its flags, as a shell reads them.</param>
    /// <param name="environment">What else is in its environment, such as <c>NO_COLOR=1</c>.</param>
    /// <param name="columns">How wide the terminal is.</param>
    public Terminal(Stage stage, string verb, string environment = "", int columns = 80)
    {
        _folder = stage.Folder;
        // A shell that is there before and after tells how the terminal is set, and outlives Ctrl-C.
        File.WriteAllText(PathOf("sh"), $"""
            stty cols {columns} rows 24; stty -a > {_name}.before; trap : INT QUIT HUP
            env -u NO_COLOR TERM=xterm {environment} sh -c 'echo $$ > {_name}.id; exec {Stage.MicroCdnProgram} {verb}'
            code=$?; stty -a > {_name}.after; echo $code > {_name}.code

            """);
        // Whoever runs the tests in the background may have signals ignored, and what it starts would ignore them too.
        _shell = stage.Run("bash", "-c", $"mkfifo {_name}.keys; exec env --default-signal=INT,QUIT,HUP "
            + $"script -qec 'sh {_name}.sh' /dev/null <> {_name}.keys > {_name}.screen");
    }

    /// <summary>All that was written to it.</summary>
    public string Screen => File.Exists(PathOf("screen")) ? ReadShared(PathOf("screen")) : "";

    /// <summary>Waits until something was written to it.</summary>
    public async Task UntilAsync(string part)
    {
        if (await Measured.HoldsAsync(Patience, () => Screen.Contains(part, StringComparison.Ordinal))) return;
        Assert.Fail($"no '{part}' is on the screen, but\n{Screen}");
    }

    /// <summary>Presses keys; <c>\x03</c> is Ctrl-C.</summary>
    public void Press(string keys)
    {
        using FileStream stream = new(PathOf("keys"), FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        stream.Write(Encoding.UTF8.GetBytes(keys));
    }

    /// <summary>Closes it under the verb, which hears of no hang-up.</summary>
    public void Close() => _shell.Kill();

    /// <summary>The number of the verb's process.</summary>
    public int Id => int.Parse(File.ReadAllText(PathOf("id")), CultureInfo.InvariantCulture);

    /// <summary>Waits until the verb is over; returns its exit code.</summary>
    public async Task<int> UntilEndAsync()
    {
        await _shell.UntilEndAsync(Patience);
        return int.Parse(File.ReadAllText(PathOf("code")), CultureInfo.InvariantCulture);
    }

    /// <summary>How the terminal was set before, and how it is after.</summary>
    public (string Before, string After) Settings =>
        (File.ReadAllText(PathOf("before")), File.ReadAllText(PathOf("after")));

    private string PathOf(string kind) => Path.Combine(_folder, $"{_name}.{kind}");

    private static string ReadShared(string path)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using StreamReader reader = new(stream);
        return reader.ReadToEnd();
    }
}
