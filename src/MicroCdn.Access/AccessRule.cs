using System.Net;

namespace MicroCdn.Access;

/// <summary>What a rule does with a request that it fits.</summary>
public enum RuleAction
{
    /// <summary>It is let through, and no later rule is asked.</summary>
    Allow,

    /// <summary>It is refused.</summary>
    Deny,

    /// <summary>It is refused without a good signature; else the next rule is asked.</summary>
    Signed,

    /// <summary>It is refused when too many came; else the next rule is asked.</summary>
    Rate,
}

/// <summary>One row of the table of access, as it was written.</summary>
/// <param name="Text">The row.</param>
/// <param name="Prefix">With what a path begins, decoded.</param>
/// <param name="Action">What is done.</param>
public sealed record AccessRule(string Text, string Prefix, RuleAction Action)
{
    /// <summary>The longest prefix, in bytes.</summary>
    public const int MostPrefixBytes = 1024;

    /// <summary>The most rules that count: each remembers its clients, in 2 MiB.</summary>
    public const int MostRates = 32;

    /// <summary>The most rules.</summary>
    public const int Most = 1_000;

    /// <summary>Networks of which the client is one; empty for all.</summary>
    public IReadOnlyList<IPNetwork> From { get; init; } = [];

    /// <summary>Countries of which the client's is one, two capital letters each; empty for all.</summary>
    public IReadOnlyList<string> Countries { get; init; } = [];

    /// <summary>Hosts of pages of which one links here; empty for all. <c>*.</c> in front means those below,
    /// <c>none</c> that no page is named.</summary>
    public IReadOnlyList<string> Referrers { get; init; } = [];

    /// <summary>The time between two requests when they come steadily.</summary>
    public TimeSpan Interval { get; init; }

    /// <summary>How many may come at once.</summary>
    public int Burst { get; init; } = 1;

    /// <summary>Whose requests are counted together.</summary>
    public Share Share { get; init; }
}
