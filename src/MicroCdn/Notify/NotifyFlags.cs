using System.CommandLine;
using System.CommandLine.Parsing;
using MicroCdn.Gateway.Notify;
using MicroCdn.Index;
using MicroCdn.Verbs;

namespace MicroCdn.Notify;

/// <summary>The flags that say who is told what happens in the fleet.</summary>
internal sealed class NotifyFlags
{
    /// <summary>The flag for URLs.</summary>
    public const string Url = "--notify";

    /// <summary>The flag for commands.</summary>
    public const string Command = "--notify-command";

    private readonly Option<Uri[]> _urls = new(Url)
    {
        Description = "A URL that every event that matters is posted to, as JSON; repeatable.",
        HelpName = "URL",
        Arity = ArgumentArity.OneOrMore,
        DefaultValueFactory = _ => [],
        CustomParser = result => [.. result.Tokens.Select(token =>
        {
            if (WebTarget.TryUrl(token.Value, out Uri? url)) return url!;
            // What was given is not said again: whoever knows a hook may use it.
            result.AddError($"{Url} wants a URL of http or https, such as https://chat.example.org/hook.");
            return null!;
        })],
    };

    private readonly Option<string[]> _commands = new(Command)
    {
        Description = "A command that is run for every event that matters, without a shell; repeatable.",
        HelpName = "COMMAND",
        Arity = ArgumentArity.OneOrMore,
        DefaultValueFactory = _ => [],
        CustomParser = result => [.. result.Tokens.Select(token => Flags.Read<string>(result, token,
            Command, "a program and its arguments", TryCommand)!)],
    };

    /// <summary>Adds the flags to a verb.</summary>
    public static NotifyFlags AddedTo(System.CommandLine.Command verb)
    {
        NotifyFlags flags = new();
        verb.Options.Add(flags._urls);
        verb.Options.Add(flags._commands);
        verb.Validators.Add(result =>
        {
            int count = Count(result, flags._urls) + Count(result, flags._commands);
            if (count <= Notifier.MostTargets) return;
            result.AddError($"at most {Notifier.MostTargets} are told of events, by --notify and --notify-command "
                + $"together, not {count}.");
        });
        return flags;
    }

    /// <summary>Reads the flags.</summary>
    public NotifyChoice Read(ParseResult parsed) => new(parsed.GetValue(_urls)!, parsed.GetValue(_commands)!);

    private static int Count(CommandResult result, Option option) => result.GetResult(option)?.Tokens.Count ?? 0;

    private static bool TryCommand(string text, out string? command) =>
        CommandTarget.Words(command = text).Length > 0 && !text.Any(char.IsControl);
}

/// <summary>Who is told what happens in the fleet.</summary>
/// <param name="Urls">What is posted to.</param>
/// <param name="Commands">What is run.</param>
internal sealed record NotifyChoice(Uri[] Urls, string[] Commands)
{
    /// <summary>What tells them; it tells nobody when nobody is named.</summary>
    public Notifier Build(IndexRole index, IndexOptions options, RoleParts parts)
    {
        string address = $"{options.Advertise}:{options.Port}";
        INotifyTarget[] targets =
        [
            .. Urls.Select(url => new WebTarget(url, parts.Time)),
            .. Commands.Select(command => new CommandTarget(command, address, parts.Time)),
        ];
        return new Notifier(index.Events, targets, address, () => index.Leads, parts.Time, parts.Loggers);
    }
}
