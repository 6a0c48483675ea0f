using System.CommandLine;
using System.CommandLine.Parsing;
using MicroCdn.Protocol;

namespace MicroCdn.Settings;

/// <summary>Says of a verb or a flag that there is none, and which one may be meant.</summary>
internal static class Unknown
{
    /// <summary>One sentence when a word of the command line is neither verb nor flag where it stands; else
    /// null.</summary>
    public static string? Of(RootCommand root, ParseResult parsed)
    {
        Command verb = parsed.CommandResult.Command;
        if (parsed.UnmatchedTokens is not [var first, ..]) return null;
        string flag = parsed.UnmatchedTokens.FirstOrDefault(IsFlag, "");
        if (verb.Subcommands.Count > 0 && !IsFlag(first))
        {
            string above = verb == root ? "" : $"{PathOf(verb)} ";
            string near = NearWord.Of(first, NamesOf(verb)) is { } name ? $"; did you mean '{above}{name}'?" : ".";
            return $"there is no verb '{above}{Table.Word(first)}'{near}";
        }
        return flag.Length == 0 ? null : Flag(verb, flag);
    }

    /// <summary>The same for a mistyped flag that was taken for one of the words of a verb; null when there is none,
    /// or when it stands behind <c>--</c>.</summary>
    public static string? TakenForWord(ParseResult parsed, string[] words)
    {
        if (words.Contains("--")) return null;
        string? flag = parsed.CommandResult.Children.OfType<ArgumentResult>().SelectMany(one => one.Tokens)
            .Select(token => token.Value).FirstOrDefault(IsFlag);
        return flag is null ? null : $"{Flag(parsed.CommandResult.Command, flag)} (A word that begins so stands behind "
            + "'--'.)";
    }

    private static string Flag(Command verb, string flag)
    {
        string name = flag.Split('=')[0];
        string near = NearWord.Of(name, verb.Options.Select(option => option.Name)) is { } word
            ? $"; did you mean '{word}'?" : ".";
        return $"'{PathOf(verb)}' has no flag '{Table.Word(name)}'{near}";
    }

    private static bool IsFlag(string word) => word.Length > 1 && word[0] == '-';

    private static IEnumerable<string> NamesOf(Command verb) =>
        verb.Subcommands.SelectMany(inner => inner.Aliases.Prepend(inner.Name));

    /// <summary>The words that name a verb, such as <c>server retire</c>.</summary>
    public static string PathOf(Command verb) => string.Join(' ', verb.Parents.OfType<Command>()
        .Where(parent => parent is not RootCommand).Select(parent => parent.Name).Append(
            verb is RootCommand ? "microcdn" : verb.Name));
}
