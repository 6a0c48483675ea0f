using System.Net;
using System.Text;
using MicroCdn.Access;
using MicroCdn.Http;
using MicroCdn.Protocol;

namespace MicroCdn.Fuzz;

/// <summary>Rules, signed links, and paths as rules read them.</summary>
internal static class AccessTargets
{
    private static readonly LinkKeys Keys = LinkKeys.TryParse(new string('k', 64), out LinkKeys? keys, out _) ? keys!
        : throw new BrokenException("a key that is none");

    private static readonly string Signed = SignedLink.Sign(Keys, "/a", false, 2_000_000_000);

    public static Target[] All { get; } =
    [
        new("rules", Rules, "/a%20b/ from=10.0.0.0/8,2001:db8::/32 country=DE,FR referrer=example.org,none allow",
            "/ rate=20/s burst=5 per=network", "/private/ signed", "/ deny"),
        new("links", Links, Signed, "expires=1&token=HS256-" + new string('A', 43) + "&token_path=%2F&token_net=::/0"),
        new("rulepaths", RulePaths, "/a%20b/%C3%BC", "/a//b/../c", "/%2e%2e%2f", "/...", "/a%5c"),
    ];

    // A rule that is read is read again from its own words, and judges anything.
    private static void Rules(byte[] input)
    {
        if (!RuleText.TryParse(Encoding.UTF8.GetString(input), out AccessRule? rule, out string wrong))
        {
            BrokenException.Unless(wrong.Length is > 0 and < 400, "a refusal without a short sentence");
            return;
        }
        BrokenException.Unless(RuleText.TryParse(rule!.Text, out AccessRule? again, out _)
            && again!.Prefix == rule.Prefix && again.Action == rule.Action, "a rule that reads itself in another way");
        AccessTable table = new([rule], Keys, _ => null, 1);
        table.Judge(new Visit { Path = "/a"u8, Client = IPAddress.Loopback, Query = input, Referrer = input });
    }

    // Nobody can sign without the key: what is good has the signature that was made, in whichever order.
    private static void Links(byte[] input)
    {
        bool isGood = SignedLink.Check(Keys, "/a"u8, input, IPAddress.Loopback, 1_700_000_000) == LinkFault.None;
        BrokenException.Unless(
            !isGood || Encoding.UTF8.GetString(input).Contains(Signed[^43..], StringComparison.Ordinal),
            "a link that nobody signed");
    }

    // Where a file's path is a path for rules, both read the same name.
    private static void RulePaths(byte[] input)
    {
        byte[] decoded = new byte[Limits.NameBytes + 1], name = new byte[Limits.NameBytes];
        bool isRead = RequestPath.TryRead(input, decoded, out int length, out bool isCut);
        BrokenException.Unless(length <= decoded.Length, "more than there is room for");
        if (!PathNames.TryRead(input, name, out int named, out bool isFolder)) return;
        BrokenException.Unless(isRead && !isCut, "a file that rules do not see");
        string expected = $"/{Encoding.UTF8.GetString(name, 0, named)}{(isFolder && named > 0 ? "/" : "")}";
        BrokenException.Unless(
            Encoding.UTF8.GetString(decoded, 0, length) == expected, "a file that rules see as another");
    }
}
