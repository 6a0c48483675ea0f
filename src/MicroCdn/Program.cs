using System.CommandLine;
using MicroCdn.Settings;

namespace MicroCdn;

/// <summary>The executable: reads the command line and hands over to one verb.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        RootCommand root = CommandLine.CreateRoot();
        Reading read;
        try
        {
            read = CommandLine.Read(root, args.Length == 0 ? ["--help"] : args, SettingsPlaces.Real);
        }
        catch (SettingsException exception)
        {
            Messages.Say(exception.Message);
            return ExitCode.Usage;
        }
        if (read.Wrong is null)
        {
            using StringWriter help = new();
            int code = await read.Parsed.InvokeAsync(new InvocationConfiguration
            {
                ProcessTerminationTimeout = null, Output = help,
            });
            string text = help.ToString().TrimEnd();
            return text.Length == 0 ? code : Messages.Print(() => Array.ForEach(text.Split('\n'), Messages.Line));
        }
        // One sentence, not the whole help: what is wrong should not scroll away.
        Command verb = read.Parsed.CommandResult.Command;
        Messages.Say(read.Wrong);
        Messages.Write($"Try 'microcdn {(verb == root ? "" : Unknown.PathOf(verb) + " ")}--help'.");
        return ExitCode.Usage;
    }
}
