using System.CommandLine;
using MicroCdn.Verbs;

namespace MicroCdn.Logs;

/// <summary>The flag of what a role says of itself.</summary>
internal sealed class LogFlags
{
    private readonly Option<string> _format = new("--log-format")
    {
        Description = "What a line on standard output looks like: 'text' or 'json' (docs/logs.md).",
        HelpName = "FORMAT",
        DefaultValueFactory = _ => "text",
        CustomParser = result => Flags.Read<string>(result, "--log-format", "'text' or 'json'",
            (string text, out string? format) => (format = text) is "text" or "json"),
    };

    /// <summary>A new one, added to a verb.</summary>
    public static LogFlags AddedTo(Command verb)
    {
        LogFlags flags = new();
        verb.Options.Add(flags._format);
        return flags;
    }

    /// <summary>Reads it.</summary>
    public LogStyle Read(ParseResult parsed) => parsed.GetValue(_format) == "json" ? LogStyle.Json : LogStyle.Text;
}
