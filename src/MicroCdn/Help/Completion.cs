using System.CommandLine;
using System.Text;
using MicroCdn.Settings;

namespace MicroCdn.Help;

/// <summary>What a shell offers when Tab is pressed: verbs and flags, as scripts for bash, zsh and fish.</summary>
internal static class Completion
{
    /// <summary>The shells.</summary>
    public static IReadOnlyList<string> Shells { get; } = ["bash", "zsh", "fish"];

    /// <summary>The script of a shell.</summary>
    public static string Of(string shell, RootCommand root) => shell switch
    {
        "bash" => Bash(root),
        // zsh takes the functions of bash.
        "zsh" => "#compdef microcdn\nautoload -U +X bashcompinit && bashcompinit\n" + Bash(root),
        _ => Fish(root),
    };

    private static string Bash(RootCommand root)
    {
        StringBuilder text = new();
        text.Append("""
            # Completion of microcdn; made by 'microcdn completion bash'.
            _microcdn() {
              local word=${COMP_WORDS[COMP_CWORD]} path="" at
              for ((at = 1; at < COMP_CWORD; at++)); do
                case "${COMP_WORDS[at]}" in
                  -*) ;;
                  *) case "$path ${COMP_WORDS[at]}" in

            """);
        text.Append($"        {Cases(root)}) path=\"$path ${{COMP_WORDS[at]}}\" ;;\n      esac ;;\n    esac\n  done\n");
        text.Append("  local words=\"\"\n  case \"$path\" in\n");
        foreach (Command verb in Manual.All(root))
        {
            text.Append($"    \"{PathOf(root, verb)}\") words=\"{string.Join(' ', Words(verb))}\" ;;\n");
        }
        text.Append("""
              esac
              COMPREPLY=($(compgen -W "$words" -- "$word"))
              # What is no verb and no flag may be a file.
              [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$word"))
            }
            complete -o filenames -F _microcdn microcdn

            """);
        return text.ToString();
    }

    private static string Fish(RootCommand root)
    {
        StringBuilder text = new("# Completion of microcdn; made by 'microcdn completion fish'.\n");
        foreach (Command verb in Manual.All(root))
        {
            string[] path = PathOf(root, verb).Split(' ', StringSplitOptions.RemoveEmptyEntries);
            string seen = path.Length == 0 ? "__fish_use_subcommand"
                : string.Join("; and ", path.Select(word => $"__fish_seen_subcommand_from {word}"));
            foreach (Command inner in verb.Subcommands)
            {
                text.Append($"complete -c microcdn -f -n '{seen}' -a {inner.Name} -d {Quoted(inner.Description)}\n");
            }
            foreach (Option option in verb.Options.Where(one => !one.Hidden
                && one.Name.StartsWith("--", StringComparison.Ordinal)))
            {
                text.Append($"complete -c microcdn -n '{seen}' -l {option.Name[2..]} -d {Quoted(option.Description)}"
                    + (option.ValueType == typeof(bool) ? "\n" : " -r\n"));
            }
        }
        return text.ToString();
    }

    private static IEnumerable<string> Words(Command verb) => verb.Subcommands.Select(inner => inner.Name)
        .Concat(verb.Options.Where(option => !option.Hidden).Select(option => option.Name));

    private static string Cases(RootCommand root) => string.Join('|',
        Manual.All(root).Where(verb => verb != root).Select(verb => $"\"{PathOf(root, verb)}\""));

    // With a space before each word, as the script puts them together.
    private static string PathOf(RootCommand root, Command verb) => verb == root ? "" : $" {Unknown.PathOf(verb)}";

    private static string Quoted(string? text)
    {
        string plain = (text ?? "").Replace("\\", "\\\\", StringComparison.Ordinal);
        return $"'{plain.Replace("'", "\\'", StringComparison.Ordinal)}'";
    }
}
