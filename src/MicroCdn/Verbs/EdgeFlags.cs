using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net;
using MicroCdn.Edge;
using MicroCdn.Gateway;
using MicroCdn.Settings;

namespace MicroCdn.Verbs;

/// <summary>The flags that say how files are served over HTTP.</summary>
internal sealed class EdgeFlags
{
    // A response's head must stay below 4 KiB, and these go into it.
    private const int MostValueLetters = 512;

    private readonly Option<bool> _listings = new("--listings")
    {
        Description = "Show a list of its files for a folder without index.html.",
    };

    private readonly Option<PrefixRule[]> _cacheControl = new("--cache-control")
    {
        Description = "Cache-Control for paths that begin with a prefix; repeatable, the longest prefix counts.",
        HelpName = "PREFIX=VALUE",
        Arity = ArgumentArity.OneOrMore,
        DefaultValueFactory = _ => [],
        CustomParser = Rules,
    };

    private readonly Option<string[]> _origins = CorsFlag.Create();

    private readonly Option<IPNetwork[]> _proxies = Flags.Networks(
        "--proxy", "A network of proxies that may open any number of connections, and whose X-Forwarded-For is "
            + "believed, by rules and by the access log; repeatable.");

    /// <summary>The flags, added to a verb.</summary>
    public static EdgeFlags AddedTo(Command verb)
    {
        EdgeFlags flags = new();
        verb.Options.Add(flags._listings);
        verb.Options.Add(flags._cacheControl);
        verb.Options.Add(flags._origins);
        verb.Options.Add(flags._proxies);
        return flags;
    }

    /// <summary>Has a role take these settings anew when they change.</summary>
    /// <param name="role">The role.</param>
    /// <param name="options">All that it was told at the start.</param>
    /// <param name="parts">Where that is asked for.</param>
    public void ReadAgain(EdgeRole role, EdgeOptions options, RoleParts parts) => parts.Reloads.Add(new Reload(
        [_listings.Name, _cacheControl.Name, _origins.Name, _proxies.Name], parsed =>
        {
            EdgeOptions again = Read(parsed, options);
            return () => role.Apply(again);
        }));

    /// <summary>The same for a gateway in one process with its servers.</summary>
    public void ReadAgain(GatewayRole role, GatewayOptions options, RoleParts parts) => parts.Reloads.Add(new Reload(
        [_origins.Name, _proxies.Name], parsed =>
        {
            GatewayOptions again = options with
            {
                CorsOrigins = parsed.GetValue(_origins)!, Proxies = parsed.GetValue(_proxies)!,
            };
            return () => role.Apply(again);
        }));

    /// <summary>Reads the flags.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="options">All else; null for what is usual.</param>
    public EdgeOptions Read(ParseResult parsed, EdgeOptions? options = null) => (options ?? new EdgeOptions()) with
    {
        Listings = parsed.GetValue(_listings),
        CacheControl = parsed.GetValue(_cacheControl)!,
        CorsOrigins = parsed.GetValue(_origins)!,
        Proxies = parsed.GetValue(_proxies)!,
    };

    private static PrefixRule[] Rules(ArgumentResult result)
    {
        List<PrefixRule> rules = [];
        foreach (Token token in result.Tokens)
        {
            PrefixRule? rule = Flags.Read<PrefixRule>(result, token, "--cache-control",
                "PREFIX=VALUE with a prefix that begins with '/' and a value of at most 512 plain letters, "
                + "such as /releases/=max-age=3600", TryRule);
            if (rule is null) break;
            if (rules.Exists(other => other.Prefix == rule.Prefix))
            {
                result.AddError($"--cache-control has the prefix '{Table.Word(rule.Prefix)}' twice.");
                break;
            }
            rules.Add(rule);
        }
        return [.. rules];
    }

    private static bool TryRule(string text, out PrefixRule? rule)
    {
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        (string prefix, string value) = equals < 0 ? ("", "") : (text[..equals], text[(equals + 1)..].Trim(' '));
        // A line end would begin a field of its own (response splitting).
        bool valid = prefix.StartsWith('/') && !prefix.Any(char.IsControl)
            && value.Length is > 0 and <= MostValueLetters && value.All(c => c is >= ' ' and <= '~');
        rule = valid ? new PrefixRule(prefix, value) : null;
        return valid;
    }

    // Compared letter by letter with what browsers send: scheme, host and port, nothing more (RFC 6454, section 6.2).
}
