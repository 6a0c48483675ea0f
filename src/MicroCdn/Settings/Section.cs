using System.CommandLine;

namespace MicroCdn.Settings;

/// <summary>A part of the settings: that of a role, or the one of all verbs that ask a network.</summary>
/// <param name="Name">Its key: a role's verb, or <c>client</c>.</param>
/// <param name="Settings">What may stand in it.</param>
internal sealed record Section(string Name, IReadOnlyList<Setting> Settings)
{
    /// <summary>The section of the verbs that run no role.</summary>
    public const string Client = "client";

    // Whom such a verb asks, and who it is; what it does belongs to the command line.
    private static readonly HashSet<string> Shared =
    [
        "--index-host", "--index-port", "--index", "--monitor-host", "--monitor-tcp-port", "--key-file", "--admin",
        "--token-file", "--gateway",
    ];

    /// <summary>Every section, in the order of the help.</summary>
    public static IReadOnlyList<Section> All(RootCommand root) =>
    [
        .. ConfigFlag.Verbs(root).Select(verb => new Section(verb.Name, [.. Setting.Of(verb)])),
        new Section(Client, [.. Inner(root).SelectMany(Setting.Of).Where(setting => Shared.Contains(setting.Flag))
            .DistinctBy(setting => setting.Key)]),
    ];

    /// <summary>Which section counts for a verb; one beside a role, such as <c>index check</c>, has its
    /// role's.</summary>
    public static string NameOf(Command verb) => Role(verb)?.Name ?? Client;

    /// <summary>Those settings of a verb that its section may give.</summary>
    public static IEnumerable<Setting> For(Command verb)
    {
        Command? role = Role(verb);
        return Setting.Of(verb).Where(setting => role is null ? Shared.Contains(setting.Flag)
            : role == verb || role.Options.Any(option => option.Name == setting.Flag));
    }

    private static Command? Role(Command verb) => ConfigFlag.Of(verb) is not null ? verb
        : verb.Parents.OfType<Command>().Select(Role).FirstOrDefault(role => role is not null);

    // Every verb that no role is above of.
    private static IEnumerable<Command> Inner(Command verb) => verb.Subcommands
        .Where(inner => ConfigFlag.Of(inner) is null).SelectMany(inner => Inner(inner).Prepend(inner));
}
