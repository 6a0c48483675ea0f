using System.CommandLine;
using System.CommandLine.Parsing;
using System.Security.Cryptography;
using MicroCdn.Access;
using MicroCdn.Http;
using MicroCdn.Keys;
using MicroCdn.Settings;

namespace MicroCdn.Verbs;

/// <summary>The flags that say who may have what over HTTP.</summary>
internal sealed class AccessFlags
{
    /// <summary>The name under which systemd hands over the keys of links (LoadCredential=).</summary>
    public const string CredentialName = "microcdn.links";

    private const string NoKey = "signed links need --link-key FILE; 'microcdn key links' makes one";

    /// <summary>The flag of the file with these keys.</summary>
    public const string KeyName = "--link-key";

    private readonly Option<AccessRule[]> _rules = new("--rule")
    {
        Description = "Who may have what: a path prefix, conditions, and what is done, such as '/private/ signed'; "
            + "repeatable, the first that decides counts (docs/access.md).",
        HelpName = "RULE",
        Arity = ArgumentArity.OneOrMore,
        DefaultValueFactory = _ => [],
        CustomParser = Rules,
    };

    private readonly Option<string?> _keys = KeyFlag();

    /// <summary>The file with the keys of signed links.</summary>
    public static Option<string?> KeyFlag() => Flags.Path(new Option<string?>(KeyName)
    {
        Description = "The file with the key of signed links, and perhaps the one before it; by default the systemd "
            + $"credential {CredentialName}, where there is one.",
        HelpName = "FILE",
    });

    /// <summary>The flags, added to a verb.</summary>
    public static AccessFlags AddedTo(Command verb)
    {
        AccessFlags flags = new();
        verb.Options.Add(flags._rules);
        verb.Options.Add(flags._keys);
        verb.Validators.Add(result =>
        {
            // By the words: of a flag of which one is wrong no value can be had.
            bool signs = result.GetResult(flags._rules)?.Tokens.Any(token => RuleText.TryParse(
                token.Value, out AccessRule? rule, out _) && rule!.Action == RuleAction.Signed) == true;
            if (signs && result.GetResult(flags._keys) is null && SecretFile.Credential(CredentialName) is null)
                result.AddError(NoKey);
        });
        return flags;
    }

    private bool SignsLinks(ParseResult parsed) =>
        parsed.GetValue(_rules)!.Any(rule => rule.Action == RuleAction.Signed);

    /// <summary>The gate of a role's ports; its rules and keys are read again when they change.</summary>
    /// <exception cref="UnusableKeyFileException">There is no key for links, or it cannot be used.</exception>
    public Gate Open(ParseResult parsed, RoleParts parts)
    {
        Gate gate = new(parts.Time);
        (string text, gate.Table) = TableOf(parsed);
        parts.Reloads.Add(new Reload([_rules.Name, _keys.Name], again =>
        {
            (string newer, AccessTable table) = TableOf(again);
            // The same table goes on with what it counted.
            return () =>
            {
                if (newer != text) (text, gate.Table) = (newer, table);
            };
        }, FileOf));
        return gate;
    }

    // With a text that is another one for every other table.
    private (string Text, AccessTable Table) TableOf(ParseResult parsed)
    {
        AccessRule[] rules = parsed.GetValue(_rules)!;
        if (rules.Length == 0) return ("", AccessTable.Open);
        LinkKeys? keys = SignsLinks(parsed) ? ReadKeys(parsed.GetValue(_keys)) : null;
        ulong seed = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong)));
        return (string.Join('\n', rules.Select(rule => rule.Text).Append(keys?.Id)),
            new AccessTable(rules, keys, null, seed));
    }

    private string? FileOf(ParseResult parsed) =>
        SignsLinks(parsed) ? parsed.GetValue(_keys) ?? SecretFile.Credential(CredentialName) : null;

    /// <summary>Reads the keys of links.</summary>
    /// <exception cref="UnusableKeyFileException">There is no such file, or it cannot be used.</exception>
    public static LinkKeys ReadKeys(string? named)
    {
        string path = named ?? SecretFile.Credential(CredentialName)
            ?? throw new UnusableKeyFileException(NoKey);
        Secrecy.Keep();
        string text = SecretFile.Read(path, named is null, 2 * LinkKeys.MostLetters + 1024);
        return LinkKeys.TryParse(text, out LinkKeys? keys, out string wrong) ? keys!
            : throw new UnusableKeyFileException($"the key file '{path}' cannot be used: {wrong}");
    }

    private static AccessRule[] Rules(ArgumentResult result)
    {
        List<AccessRule> rules = [];
        foreach (Token token in result.Tokens)
        {
            if (!RuleText.TryParse(token.Value, out AccessRule? rule, out string wrong))
            {
                result.AddError($"--rule '{Table.Word(token.Value)}': {wrong}{(wrong.EndsWith('?') ? "" : ".")}");
                return [];
            }
            if (rule!.Countries.Count > 0)
            {
                result.AddError($"--rule '{Table.Word(token.Value)}': country= is not there yet.");
                return [];
            }
            rules.Add(rule);
        }
        if (rules.Count(rule => rule.Action == RuleAction.Rate) > AccessRule.MostRates)
            result.AddError($"--rule may have rate= at most {AccessRule.MostRates} times.");
        if (rules.Count > AccessRule.Most) result.AddError($"--rule may be given at most {AccessRule.Most} times.");
        return [.. rules];
    }
}
