using System.CommandLine;
using MicroCdn.Verbs;

namespace MicroCdn.Settings;

/// <summary>The flag that names the settings file; a verb that has it is a role, and all its flags are
/// settings.</summary>
internal sealed class ConfigFlag : Option<string?>
{
    /// <summary>The flag, here and where settings are looked at (<c>microcdn config</c>).</summary>
    public const string FlagName = "--config";

    private ConfigFlag() : base(FlagName)
    {
        Description = "A file of settings in JSON, in place of microcdn.json; what the command line and the "
            + "environment give counts more.";
        HelpName = "FILE";
    }

    public static Option<string?> Create() => Flags.Path(new ConfigFlag());

    /// <summary>The flag of a verb, or null when it is no role.</summary>
    public static Option<string?>? Of(Command verb) => verb.Options.OfType<ConfigFlag>().FirstOrDefault();

    /// <summary>The verbs that are roles.</summary>
    public static IReadOnlyList<Command> Verbs(RootCommand root) =>
        [.. root.Subcommands.Where(verb => Of(verb) is not null)];
}
