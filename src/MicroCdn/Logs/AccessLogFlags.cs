using System.CommandLine;
using MicroCdn.Http.Exchanges;
using MicroCdn.Verbs;

namespace MicroCdn.Logs;

/// <summary>The flags of the access log.</summary>
internal sealed class AccessLogFlags
{
    private readonly Option<string?> _file = Flags.Path(new Option<string?>("--access-log")
    {
        Description = "The file to which a line is added for each HTTP request; opened anew at SIGHUP (docs/logs.md).",
        HelpName = "FILE",
    });

    private readonly Option<string> _form = new("--access-log-format")
    {
        Description = "What a line of it looks like: 'combined' or 'json'.",
        HelpName = "FORMAT",
        DefaultValueFactory = _ => "combined",
        CustomParser = result => Flags.Read<string>(result, "--access-log-format", "'combined' or 'json'",
            (string text, out string? form) => (form = text) is "combined" or "json"),
    };

    /// <summary>New ones, added to a verb.</summary>
    public static AccessLogFlags AddedTo(Command verb)
    {
        AccessLogFlags flags = new();
        verb.Options.Add(flags._file);
        verb.Options.Add(flags._form);
        return flags;
    }

    /// <summary>Reads the flags; null for no log.</summary>
    public AccessLogChoice? Read(ParseResult parsed) => parsed.GetValue(_file) is not { } path ? null
        : new AccessLogChoice(path, parsed.GetValue(_form) == "json" ? LogForm.Json : LogForm.Combined);
}
