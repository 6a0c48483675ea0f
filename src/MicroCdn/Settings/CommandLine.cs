using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using MicroCdn.Verbs;

namespace MicroCdn.Settings;

/// <summary>Reads a command line together with the settings file that it names.</summary>
/// <remarks>What the file says is put behind the verb as if it had been typed, unless the flag was typed.</remarks>
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
            NotifyVerb.Create(),
            TopVerb.Create(),
            LogsVerb.Create(),
            PolicyVerb.Create(),
            ServerVerb.Create(),
            PurgeVerb.Create(),
            TokenVerb.Create(),
            KeyVerb.Create(),
        };
        foreach (Command verb in ReleaseVerbs.Create()) root.Add(verb);
        foreach (Command verb in DrainVerb.CreateBoth()) root.Add(verb);
        if (root.Options.OfType<HelpOption>().FirstOrDefault() is { } help)
        {
            help.Action = new ExamplesFirst((HelpAction)help.Action!);
        }
        return root;
    }

    /// <summary>Reads a command line.</summary>
    /// <param name="root">The verbs.</param>
    /// <param name="words">The words of the command line.</param>
    /// <param name="wrong">One sentence when something is wrong, else null.</param>
    /// <exception cref="SettingsException">The settings file cannot be used.</exception>
    public static ParseResult Read(RootCommand root, string[] words, out string? wrong)
    {
        ParseResult typed = root.Parse(words, Plain);
        GivenSetting[] given = Given(root, typed);
        Command verb = typed.CommandResult.Command;
        int behind = Array.FindIndex(words, word => word == verb.Name || verb.Aliases.Contains(word)) + 1;
        ParseResult parsed = given.Length == 0 ? typed
            : root.Parse([.. words[..behind], .. given.SelectMany(setting => setting.Words), .. words[behind..]],
                Plain);
        wrong = parsed.Errors.Count == 0 ? Unknown.TakenForWord(parsed, words)
            : Unknown.Of(root, parsed) ?? Unknown.TakenForWord(parsed, words) ?? Sentence(parsed, given);
        return parsed;
    }

    private static GivenSetting[] Given(RootCommand root, ParseResult typed)
    {
        Command verb = typed.CommandResult.Command;
        if (typed.Action is ExamplesFirst || ConfigFlag.Of(verb) is not { } config) return [];
        // A --config that is wrong itself will be told of like any flag.
        if (typed.GetResult(config) is not { Implicit: false } result || result.Errors.Any()) return [];
        string path = result.GetValueOrDefault<string>();
        return [.. SettingsFile.Load(path, ConfigFlag.Verbs(root))
            .For(verb, option => typed.GetResult(option) is not { Implicit: false })];
    }

    private static string Sentence(ParseResult parsed, GivenSetting[] given)
    {
        ParseError error = parsed.Errors[0];
        SymbolResult? about = error.SymbolResult;
        while (about is not (null or OptionResult)) about = about.Parent;
        GivenSetting? source = Array.Find(given, setting => setting.Option == (about as OptionResult)?.Option);
        return source is null ? error.Message : $"{source.Place}: {error.Message}";
    }
}
