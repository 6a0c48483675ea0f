using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace MicroCdn.Settings;

/// <summary>The help of a verb: what it is used for stands before all that it can.</summary>
internal sealed class ExamplesFirst(HelpAction rest) : SynchronousCommandLineAction
{
    /// <inheritdoc/>
    // Who asks for help has not made up a whole command line yet.
    public override bool ClearsParseErrors => true;

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        IReadOnlyList<string> examples = Examples.Of(parseResult.CommandResult.Command);
        if (examples.Count > 0)
        {
            TextWriter output = parseResult.InvocationConfiguration.Output;
            output.WriteLine("Examples:");
            foreach (string example in examples) output.WriteLine($"  {example}");
            output.WriteLine();
        }
        return rest.Invoke(parseResult);
    }
}
