using System.CommandLine;

namespace MicroCdn.Settings;

/// <summary>Every setting of every verb that takes some, as docs/settings.md shows them.</summary>
internal static class SettingsTable
{
    /// <summary>The rows in the order of their flags; verbs that mean the same by a flag share one.</summary>
    public static IEnumerable<SettingRow> Rows(RootCommand root) => ConfigFlag.Verbs(root)
        .SelectMany(verb => Setting.Of(verb).Select(setting => (Verb: verb.Name, Setting: setting)))
        .GroupBy(one => (one.Setting.Flag, one.Setting.Default, one.Setting.Option.Description))
        .OrderBy(group => group.Key.Flag, StringComparer.Ordinal)
        .Select(group => new SettingRow(group.First().Setting, [.. group.Select(one => one.Verb)]));
}

/// <summary>A setting, and the verbs that have it.</summary>
internal sealed record SettingRow(Setting Setting, string[] Verbs)
{
    /// <summary>The row of a table in Markdown: flag, key, verbs, default, meaning.</summary>
    public override string ToString() =>
        $"| `{$"{Setting.Flag} {Setting.ValueName}".TrimEnd()}` | `{Setting.Key}` | {string.Join(", ", Verbs)} "
        + $"| {Setting.Default} | {Setting.Option.Description?.Replace("|", "\\|", StringComparison.Ordinal)} |";
}
