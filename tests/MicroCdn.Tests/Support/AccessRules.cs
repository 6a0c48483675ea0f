using MicroCdn.Access;

namespace MicroCdn.Tests.Support;

/// <summary>Tables of access, made of what an operator would write.</summary>
internal static class AccessRules
{
    public const string Key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    public static LinkKeys Keys { get; } = Read(Key);

    public static LinkKeys Read(string text)
    {
        Assert.True(LinkKeys.TryParse(text, out LinkKeys? keys, out string wrong), wrong);
        return keys!;
    }

    public static AccessRule Rule(string text)
    {
        Assert.True(RuleText.TryParse(text, out AccessRule? rule, out string wrong), wrong);
        return rule!;
    }

    public static AccessTable Table(params string[] rules) => new([.. rules.Select(Rule)], Keys, null, seed: 7);
}
