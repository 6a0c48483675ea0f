using System.CommandLine;
using MicroCdn.Verbs;

namespace MicroCdn;

/// <summary>The executable: reads the command line and hands over to one verb.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        RootCommand root = new("MicroCDN turns a handful of your own servers into a delivery network for files.")
        {
            UpVerb.Create(),
            IndexVerb.Create(),
            MonitorVerb.Create(),
            ContentVerb.Create(),
            GetVerb.Create(),
            LsVerb.Create(),
            ServersVerb.Create(),
        };
        ParseResult parsed = root.Parse(args.Length == 0 ? ["--help"] : args);
        if (parsed.Errors.Count > 0)
        {
            // One sentence, not the whole help: what is wrong should not scroll away.
            Command verb = parsed.CommandResult.Command;
            string wrong = verb == root && parsed.UnmatchedTokens is [var token, ..]
                ? $"there is no verb '{token}'." : parsed.Errors[0].Message;
            Console.Error.WriteLine($"microcdn: {wrong}");
            Console.Error.WriteLine($"Try 'microcdn {(verb == root ? "" : verb.Name + " ")}--help'.");
            return ExitCode.Usage;
        }
        return await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
    }
}
