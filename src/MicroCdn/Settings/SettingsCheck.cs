using System.CommandLine;
using System.CommandLine.Parsing;
using MicroCdn.Keys;
using MicroCdn.Verbs;

namespace MicroCdn.Settings;

/// <summary>What is wrong with the settings of a role before it is started.</summary>
internal static class SettingsCheck
{
    // What is written is not there yet.
    private static readonly HashSet<string> Written = ["--access-log"];

    /// <summary>The readings of roles that some source says something for, or that are asked about.</summary>
    /// <param name="root">The verbs.</param>
    /// <param name="named">The file that counts; null for the usual ones.</param>
    /// <param name="places">Where else is looked.</param>
    /// <param name="asked">The roles that are to be looked at wholly; none for those that have a section.</param>
    /// <exception cref="SettingsException">A source cannot be used.</exception>
    public static IReadOnlyList<RoleCheck> Of(
        RootCommand root, string? named, SettingsPlaces places, IReadOnlyCollection<string> asked)
    {
        IReadOnlyList<SettingsSource> sources = places.Read(named, Section.All(root));
        return [.. ConfigFlag.Verbs(root).Where(role => asked.Count == 0 || asked.Contains(role.Name)).Select(role =>
        {
            bool isWhole = asked.Count > 0 || sources.Any(source => source.Has(role.Name));
            Reading reading = CommandLine.Read(root, WordsOf(role.Name, named), places);
            return new RoleCheck(role.Name, isWhole, reading, [.. Faults(reading, isWhole)]);
        })];
    }

    /// <summary>The words that start a role with a file.</summary>
    public static string[] WordsOf(string role, string? named) =>
        named is null ? [role] : [role, $"{ConfigFlag.FlagName}={named}"];

    private static IEnumerable<string> Faults(Reading reading, bool isWhole)
    {
        // What belongs to no value, such as a flag that is missing, is a fault of a role that is to be started here.
        foreach (ParseError error in reading.Parsed.Errors)
        {
            if (CommandLine.Sentence(error, reading.Given) is { } about) yield return about;
            else if (isWhole) yield return $"{reading.Parsed.CommandResult.Command.Name}: {error.Message}";
        }
        foreach (GivenSetting given in reading.Given.Where(given => new Setting(given.Option).NamesPath
            && !Written.Contains(given.Option.Name)))
        {
            bool isFolder = given.Option.HelpName == "DIR";
            // Folders of state are made; those that are served are not.
            if (isFolder && given.Option.Name != "--files") continue;
            foreach (Token path in reading.Parsed.GetResult(given.Option)?.Tokens ?? [])
            {
                string? trouble = Trouble(path.Value, isFolder) ?? (given.Option.Name == AccessFlags.KeyName
                    ? TroubleOfKeys(path.Value) : null);
                if (trouble is not null)
                {
                    yield return $"{given.Source}: {given.Place}: '{Table.Word(path.Value)}' {trouble}.";
                }
            }
        }
    }

    private static string? TroubleOfKeys(string path)
    {
        try
        {
            AccessFlags.ReadKeys(path);
            return null;
        }
        catch (UnusableKeyFileException exception)
        {
            return $"cannot be used: {exception.Message}";
        }
    }

    private static string? Trouble(string path, bool isFolder)
    {
        if (isFolder) return Directory.Exists(path) ? null : "is no folder";
        try
        {
            if (Directory.Exists(path)) return "is a folder, not a file";
            using FileStream file = File.OpenRead(path);
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return $"cannot be read: {exception.Message.TrimEnd('.')}";
        }
    }
}

/// <summary>How the settings of a role were found.</summary>
/// <param name="Role">The role's verb.</param>
/// <param name="IsWhole">Whether it may be started with them alone.</param>
/// <param name="Reading">What was read.</param>
/// <param name="Faults">A sentence for each thing that is wrong.</param>
internal sealed record RoleCheck(string Role, bool IsWhole, Reading Reading, IReadOnlyList<string> Faults);
