using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Unicode;
using MicroCdn.Protocol;

namespace MicroCdn.Access;

/// <summary>Reads a rule: a path prefix, conditions, and what is done. <c>/img/ referrer=example.org,none
/// allow</c>.</summary>
public static class RuleText
{
    private const int MostRequests = 1_000_000;

    private static readonly string[] Words =
        ["from=", "country=", "referrer=", "allow", "deny", "signed", "rate=", "burst=", "per="];

    /// <summary>Reads a rule.</summary>
    /// <param name="text">The words, with spaces between them.</param>
    /// <param name="rule">The rule.</param>
    /// <param name="wrong">One sentence without its end: what is wrong, and what may be meant.</param>
    public static bool TryParse(string text, out AccessRule? rule, out string wrong)
    {
        rule = null;
        string[] words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length < 2 || words[0][0] != '/')
        {
            wrong = "a rule is a path that begins with '/', and what is done, such as '/private/ signed'";
            return false;
        }
        byte[] raw = Encoding.UTF8.GetBytes(words[0]), prefix = new byte[raw.Length];
        // As requests are read, or it would never fit one.
        bool isPath = RequestPath.TryRead(raw, prefix, out int length, out _) && words[0].AsSpan().IndexOfAny("?#") < 0
            && !words[0].Contains("//", StringComparison.Ordinal) && Utf8.IsValid(prefix.AsSpan(0, length));
        AccessRule read = new(string.Join(' ', words), Encoding.UTF8.GetString(prefix, 0, length), default);
        if (!isPath || length > AccessRule.MostPrefixBytes)
        {
            wrong = isPath ? $"a path has at most {AccessRule.MostPrefixBytes} bytes"
                : $"no request has a path that begins with '{Short(words[0])}': one has no '..', no '//', and no query";
            return false;
        }
        RuleAction? action = null;
        HashSet<string> seen = [];
        foreach (string word in words[1..])
        {
            if (Read(word, ref read, ref action, seen) is not { } fault) continue;
            wrong = fault;
            return false;
        }
        wrong = action is null ? "it does not say what is done: allow, deny, signed, or rate=20/s"
            : action != RuleAction.Rate && (seen.Contains("burst") || seen.Contains("per"))
                ? "burst= and per= belong to rate=" : "";
        if (wrong.Length == 0) rule = read with { Action = action!.Value };
        return rule is not null;
    }

    private static string? Read(string word, ref AccessRule rule, ref RuleAction? action, HashSet<string> seen)
    {
        string[] parts = word.Split('=', 2);
        string key = parts[0], value = parts.Length > 1 ? parts[1] : "";
        if (!seen.Add(key)) return $"'{key}' stands there twice";
        RuleAction? named = (key, parts.Length) switch
        {
            ("allow", 1) => RuleAction.Allow,
            ("deny", 1) => RuleAction.Deny,
            ("signed", 1) => RuleAction.Signed,
            ("rate", 2) => RuleAction.Rate,
            _ => null,
        };
        if (named is not null && action is not null) return "it says twice what is done";
        action ??= named;
        return named is not (null or RuleAction.Rate) ? null : (key, parts.Length) switch
        {
            ("from", 2) => ReadNetworks(value, ref rule),
            ("country", 2) => ReadCountries(value, ref rule),
            ("referrer", 2) => ReadReferrers(value, ref rule),
            ("rate", 2) => ReadRate(value, ref rule),
            ("burst", 2) => ReadBurst(value, ref rule),
            ("per", 2) => ReadShare(value, ref rule),
            _ => $"there is no '{Short(word)}'" + Meant(parts.Length > 1 ? $"{key}=" : key),
        };
    }

    private static string Meant(string word) =>
        NearWord.Of(word, Words) is { } near ? $"; did you mean '{near}'?" : "";

    private static string? ReadNetworks(string value, ref AccessRule rule)
    {
        List<IPNetwork> networks = [];
        foreach (string one in value.Split(','))
        {
            if (!TryNetwork(one, out IPNetwork network))
                return $"from= wants networks such as 10.0.0.0/8, not '{Short(one)}'";
            networks.Add(network);
        }
        rule = rule with { From = networks };
        return null;
    }

    private static string? ReadCountries(string value, ref AccessRule rule)
    {
        string[] countries = value.Split(',');
        foreach (string one in countries)
        {
            if (one.Length != 2 || !one.All(char.IsAsciiLetterUpper))
                return $"country= wants two capital letters each, such as DE,FR, not '{Short(one)}'";
        }
        rule = rule with { Countries = countries };
        return null;
    }

    private static string? ReadReferrers(string value, ref AccessRule rule)
    {
        string[] hosts = [.. value.Split(',').Select(host => host.ToLowerInvariant())];
        foreach (string host in hosts)
        {
            string name = host.StartsWith("*.", StringComparison.Ordinal) ? host[2..] : host;
            if (Uri.CheckHostName(name) == UriHostNameType.Unknown)
                return $"referrer= wants hosts such as example.org or *.example.org, or none, not '{Short(host)}'";
        }
        rule = rule with { Referrers = hosts };
        return null;
    }

    private static string? ReadRate(string value, ref AccessRule rule)
    {
        string[] parts = value.Split('/');
        TimeSpan unit = parts is [_, var name] ? name switch
        {
            "s" => TimeSpan.FromSeconds(1), "m" => TimeSpan.FromMinutes(1), "h" => TimeSpan.FromHours(1), _ => default,
        } : default;
        if (unit == default || !TryCount(parts[0], out int count))
            return $"rate= wants requests in a time, such as 20/s, 100/m or 1000/h, not '{Short(value)}'";
        rule = rule with { Interval = unit / count };
        return null;
    }

    private static string? ReadBurst(string value, ref AccessRule rule)
    {
        if (!TryCount(value, out int burst))
            return $"burst= wants a number from 1 to {MostRequests}, not '{Short(value)}'";
        rule = rule with { Burst = burst };
        return null;
    }

    private static string? ReadShare(string value, ref AccessRule rule)
    {
        Share? share = value switch
        {
            "client" => Share.Client, "network" => Share.Network, "all" => Share.All, _ => null,
        };
        if (share is null) return $"per= wants client, network or all, not '{Short(value)}'";
        rule = rule with { Share = share.Value };
        return null;
    }

    private static bool TryCount(string text, out int count) => int.TryParse(text, NumberStyles.None,
        CultureInfo.InvariantCulture, out count) && count is > 0 and <= MostRequests;

    private static bool TryNetwork(string text, out IPNetwork network) => IPNetwork.TryParse(text, out network)
        || (IPAddress.TryParse(text, out IPAddress? address)
            && IPNetwork.TryParse($"{address}/{address.GetAddressBytes().Length * 8}", out network));

    private static string Short(string text) => text.Length <= 40 ? text : $"{text[..40]}...";
}
