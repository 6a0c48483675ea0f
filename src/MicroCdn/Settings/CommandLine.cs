using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using MicroCdn.Verbs;

namespace MicroCdn.Settings;

/// <summary>Reads a command line together with what environment and files say.</summary>
/// <remarks>What these say is put behind the verb as if it had been typed, unless something stronger gives
/// it.</remarks>
internal static class CommandLine
{
    // No response files: '@name' is a file's name like any other.
    private static readonly ParserConfiguration Plain = new() { ResponseFileTokenReplacer = null };

    /// <summary>Every verb.</summary>
    public static RootCommand CreateRoot()
    {
        RootCommand root = new("MicroCDN turns a handful of your own servers into a delivery network for files.")
        {
            UpVerb.Create(),
            IndexVerb.Create(),
            MonitorVerb.Create(),
            ContentVerb.Create(),
            GetVerb.Create(),
            LsVerb.Create(),
            ServersVerb.Create(),
            PutVerb.Create(),
            RmVerb.Create(),
            MvVerb.Create(),
            StatVerb.Create(),
            SyncVerb.Create(),
            StatusVerb.Create(),
            ExplainVerb.Create(),
            DoctorVerb.Create(),
            HealthVerb.Create(),
            NotifyVerb.Create(),
            TopVerb.Create(),
            LogsVerb.Create(),
            PolicyVerb.Create(),
            ServerVerb.Create(),
            PurgeVerb.Create(),
            TokenVerb.Create(),
            KeyVerb.Create(),
            SignVerb.Create(),
            ConfigVerb.Create(),
        };
        foreach (Command verb in ReleaseVerbs.Create()) root.Add(verb);
        foreach (Command verb in DrainVerb.CreateBoth()) root.Add(verb);
        foreach (Command verb in HelpVerbs.Create()) root.Add(verb);
        if (root.Options.OfType<HelpOption>().FirstOrDefault() is { } help)
        {
            help.Action = new ExamplesFirst((HelpAction)help.Action!);
        }
        return root;
    }

    /// <summary>Reads a command line.</summary>
    /// <param name="root">The verbs.</param>
    /// <param name="words">The words of the command line.</param>
    /// <param name="places">Where else settings are looked for.</param>
    /// <exception cref="SettingsException">A source of settings cannot be used.</exception>
    public static Reading Read(RootCommand root, string[] words, SettingsPlaces places)
    {
        ParseResult typed = root.Parse(words, Plain);
        GivenSetting[] given = Given(root, typed, places);
        Command verb = typed.CommandResult.Command;
        int behind = Array.FindIndex(words, word => word == verb.Name || verb.Aliases.Contains(word)) + 1;
        ParseResult parsed = given.Length == 0 ? typed
            : root.Parse([.. words[..behind], .. given.SelectMany(setting => setting.Words), .. words[behind..]],
                Plain);
        string? wrong = parsed.Errors.Count == 0 ? Unknown.TakenForWord(parsed, words)
            : Unknown.Of(root, parsed) ?? Unknown.TakenForWord(parsed, words) ?? Sentence(parsed, given);
        return Reading.Keep(new Reading(root, words, places, parsed, given, wrong));
    }

    private static GivenSetting[] Given(RootCommand root, ParseResult typed, SettingsPlaces places)
    {
        Command verb = typed.CommandResult.Command;
        // What repairs settings, or has none, is not stopped by bad ones.
        if (typed.Action is null or ExamplesFirst || !Section.For(verb).Any()) return [];
        if (Section.NameOf(verb) == Section.Client) places = places.WithoutNear;
        string? named = null;
        if (ConfigFlag.Of(verb) is { } config && typed.GetResult(config) is { Implicit: false } result)
        {
            // A --config that is wrong itself will be told of like any flag.
            if (result.Errors.Any()) return [];
            named = result.GetValueOrDefault<string>();
        }
        HashSet<Option> stronger = [.. verb.Options.Where(option => typed.GetResult(option) is { Implicit: false })];
        List<GivenSetting> all = [];
        foreach (SettingsSource source in places.Read(named, Section.All(root)))
        {
            GivenSetting[] given = [.. source.For(verb, option => IsWanted(verb, option, stronger))];
            all.AddRange(given);
            stronger.UnionWith(given.Select(setting => setting.Option));
        }
        return [.. all];
    }

    // --index stands instead of --index-host and --index-port where it can be said to; a stronger one of these ends it,
    // as the one of two that exclude one another does.
    private static bool IsWanted(Command verb, Option option, HashSet<Option> stronger) => !stronger.Contains(option)
        && !stronger.Any(one => (option.Name, one.Name) is ("--query-keep", "--query-drop")
            or ("--query-drop", "--query-keep")
            || (option.Name == "--index" && verb.Name != "monitor" && one.Name is "--index-host" or "--index-port"));

    private static string Sentence(ParseResult parsed, GivenSetting[] given) =>
        parsed.Errors.Select(error => Sentence(error, given)).FirstOrDefault(text => text is not null)
            ?? parsed.Errors[0].Message;

    /// <summary>The sentence about a value that was not typed, with the place where it stands; null for another
    /// error.</summary>
    public static string? Sentence(ParseError error, IReadOnlyList<GivenSetting> given)
    {
        SymbolResult? about = error.SymbolResult;
        while (about is not (null or OptionResult)) about = about.Parent;
        Option? option = (about as OptionResult)?.Option;
        return given.FirstOrDefault(setting => setting.Option == option) is { } source
            ? $"{source.Source}: {source.Place}: {error.Message}" : null;
    }
}
