using System.CommandLine;
using MicroCdn.Settings;

namespace MicroCdn.Help;

/// <summary>The manual pages, made of what the verbs say of themselves (man-pages(7), in roff).</summary>
internal static class Manual
{
    /// <summary>The page of the program, or of one verb.</summary>
    /// <param name="root">The verbs.</param>
    /// <param name="verb">The verb; the root for the program.</param>
    /// <param name="version">The program's version.</param>
    public static IEnumerable<string> Page(RootCommand root, Command verb, string version)
    {
        string path = verb == root ? "" : Unknown.PathOf(verb);
        string name = path.Length == 0 ? "microcdn" : $"microcdn {path}";
        yield return $".TH \"{Plain(name.Replace(' ', '-').ToUpperInvariant())}\" 1 \"\" \"microcdn {version}\" "
            + "\"MicroCDN\"";
        yield return ".SH NAME";
        yield return $"{Plain(name.Replace(' ', '-'))} \\- {Plain(verb.Description ?? "")}";
        yield return ".SH SYNOPSIS";
        yield return $".B {Plain(name)}";
        yield return Plain(string.Join(' ', [.. verb.Subcommands.Count > 0 ? (string[])["VERB"] : [],
            .. verb.Arguments.Select(one => (one.HelpName ?? one.Name).ToUpperInvariant()), "[flags]"]));
        foreach (string line in Examples.Of(verb).Select((text, at) => (text, at)).SelectMany(one =>
            (string[])[.. one.at == 0 ? (string[])[".SH EXAMPLES"] : [], ".PP", ".nf", Plain(one.text), ".fi"]))
        {
            yield return line;
        }
        if (verb.Subcommands.Count > 0) yield return ".SH VERBS";
        foreach (Command inner in verb.Subcommands)
        {
            yield return ".TP";
            yield return $".B {Plain(inner.Name)}";
            yield return Plain(inner.Description ?? "");
        }
        if (verb.Options.Count > 0) yield return ".SH FLAGS";
        foreach (Option option in verb.Options.Where(one => !one.Hidden).OrderBy(one => one.Name))
        {
            yield return ".TP";
            yield return $".B {Plain(string.Join(", ", option.Aliases.Prepend(option.Name)))} "
                + (option.HelpName is { } value && option.ValueType != typeof(bool) ? Plain(value) : "");
            string usual = new Setting(option).Default;
            yield return Plain(option.Description ?? "") + (usual is "none" or "off" or "required" ? ""
                : $" The default is {Plain(usual)}.");
        }
        yield return ".SH SEE ALSO";
        yield return verb == root ? "microcdn VERB \\-\\-help, and the documents beside the program."
            : ".BR microcdn (1)";
    }

    /// <summary>Every verb that has a page of its own, the program first.</summary>
    public static IEnumerable<Command> All(Command verb) => verb.Subcommands.SelectMany(All).Prepend(verb);

    // A backslash begins a command, and so does a dot or an apostrophe where a line begins.
    private static string Plain(string text)
    {
        string plain = text.Replace("\\", "\\e", StringComparison.Ordinal)
            .Replace("-", "\\-", StringComparison.Ordinal);
        return plain.StartsWith('.') || plain.StartsWith('\'') ? $"\\&{plain}" : plain;
    }
}
