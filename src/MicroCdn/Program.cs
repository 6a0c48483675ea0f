using System.CommandLine;
using MicroCdn.Settings;

namespace MicroCdn;

/// <summary>The executable: reads the command line and hands over to one verb.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        RootCommand root = CommandLine.CreateRoot();
        ParseResult parsed;
        string? wrong;
        try
        {
            parsed = CommandLine.Read(root, args.Length == 0 ? ["--help"] : args, out wrong);
        }
        catch (SettingsException exception)
        {
            Messages.Say(exception.Message);
            return ExitCode.Usage;
        }
        if (wrong is null)
        {
            using StringWriter help = new();
            int code = await parsed.InvokeAsync(new InvocationConfiguration
            {
                ProcessTerminationTimeout = null, Output = help,
            });
            string text = help.ToString().TrimEnd();
            return text.Length == 0 ? code : Messages.Print(() => Array.ForEach(text.Split('\n'), Messages.Line));
        }
        // One sentence, not the whole help: what is wrong should not scroll away.
        Command verb = parsed.CommandResult.Command;
        Messages.Say(wrong);
        Messages.Write($"Try 'microcdn {(verb == root ? "" : Unknown.PathOf(verb) + " ")}--help'.");
        return ExitCode.Usage;
    }
}
