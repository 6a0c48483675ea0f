using System.CommandLine;
using MicroCdn.Help;
using MicroCdn.Settings;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn completion</c> and <c>microcdn manual</c>: what a package brings beside the program.</summary>
internal static class HelpVerbs
{
    public static IEnumerable<Command> Create() => [CreateCompletion(), CreateManual()];

    private static Command CreateCompletion()
    {
        Argument<string> shell = new("shell") { Description = "bash, zsh or fish.", HelpName = "SHELL" };
        shell.AcceptOnlyFromAmong([.. Completion.Shells]);
        Command verb = new("completion", "Print a script by which a shell completes verbs and flags.") { shell };
        verb.SetAction(parsed => Messages.Print(() =>
        {
            using PlainLines output = new();
            string script = Completion.Of(parsed.GetValue(shell)!, CommandLine.CreateRoot());
            foreach (string line in script.TrimEnd('\n').Split('\n')) output.WriteLine(line);
        }));
        return verb;
    }

    private static Command CreateManual()
    {
        Option<string> folder = Flags.Path(new Option<string>("--out")
        {
            Description = "The folder that gets a page for each verb.", HelpName = "DIR", Required = true,
        });
        Command verb = new("manual", "Write the manual pages, for man.") { folder };
        verb.SetAction(parsed => Write(parsed.GetValue(folder)!));
        return verb;
    }

    private static int Write(string folder)
    {
        RootCommand root = CommandLine.CreateRoot();
        try
        {
            Directory.CreateDirectory(folder);
            int pages = 0;
            foreach (Command one in Manual.All(root))
            {
                string name = one == root ? "microcdn" : $"microcdn-{Unknown.PathOf(one).Replace(' ', '-')}";
                File.WriteAllLines(Path.Combine(folder, $"{name}.1"), Manual.Page(root, one, ProgramVersion.Text));
                pages++;
            }
            return Messages.Print($"wrote {pages} pages to {folder}; 'man {folder}/microcdn.1' shows the first");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Messages.Say($"the pages cannot be written to '{folder}': {exception.Message}");
            return ExitCode.Failed;
        }
    }
}
