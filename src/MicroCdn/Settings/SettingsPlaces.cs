using System.Collections;

namespace MicroCdn.Settings;

/// <summary>Where settings are looked for besides the command line.</summary>
/// <param name="Environment">The variables of the process.</param>
/// <param name="Near">The file that is read where <c>--config</c> names none, if it is there.</param>
/// <param name="OfMachine">The file that is read besides, if it is there.</param>
internal sealed record SettingsPlaces(IDictionary Environment, string Near, string OfMachine)
{
    /// <summary>Those of this process.</summary>
    public static SettingsPlaces Real { get; } = new(System.Environment.GetEnvironmentVariables(),
        "microcdn.json", "/etc/microcdn/microcdn.json");

    /// <summary>None: what the command line says is all.</summary>
    public static SettingsPlaces None { get; } = new(new Dictionary<string, string>(), "", "");

    /// <summary>The files that count, the strongest first.</summary>
    /// <param name="named">The file that <c>--config</c> names, which then takes the place of the near one.</param>
    public IReadOnlyList<string> Files(string? named)
    {
        List<string> files = [];
        if (named is not null) files.Add(named);
        else if (IsThere(Near)) files.Add(Near);
        bool counts = IsThere(OfMachine) && !files.Exists(file => Path.GetFullPath(file) == OfMachine);
        return counts ? [.. files, OfMachine] : files;
    }

    /// <summary>Whether there is such a file, or something there that may not be looked at: to pass that over would be
    /// to start with less than what was said.</summary>
    public static bool IsThere(string path)
    {
        if (path.Length == 0) return false;
        try
        {
            return !File.GetAttributes(path).HasFlag(FileAttributes.Directory);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return false;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }

    /// <summary>What each source gives, the strongest first.</summary>
    /// <param name="named">As above.</param>
    /// <param name="sections">What may be given.</param>
    /// <exception cref="SettingsException">One of them cannot be used.</exception>
    public IReadOnlyList<SettingsSource> Read(string? named, IReadOnlyList<Section> sections) =>
    [
        SettingsEnvironment.Read(Environment, sections),
        .. Files(named).Select(file => SettingsSource.Load(file, sections)),
    ];

    /// <summary>The same without the near file, for verbs that are used in any folder: whoever put one there could have
    /// a token sent to himself.</summary>
    public SettingsPlaces WithoutNear => this with { Near = "" };
}
