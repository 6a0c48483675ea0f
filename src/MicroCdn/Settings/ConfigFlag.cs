using System.CommandLine;
using MicroCdn.Verbs;

namespace MicroCdn.Settings;

/// <summary>The flag that names the settings file; a verb that has it takes settings.</summary>
internal static class ConfigFlag
{
    public const string Name = "--config";

    public static Option<string?> Create() => Flags.Path(new Option<string?>(Name)
    {
        Description = "A file of settings in JSON; what the command line gives counts more.",
        HelpName = "FILE",
    });

    /// <summary>The flag of a verb, or null when it takes no settings.</summary>
    public static Option<string?>? Of(Command verb) =>
        verb.Options.FirstOrDefault(option => option.Name == Name) as Option<string?>;

    /// <summary>The verbs that take settings.</summary>
    public static IReadOnlyList<Command> Verbs(RootCommand root) =>
        [.. root.Subcommands.Where(verb => Of(verb) is not null)];
}
