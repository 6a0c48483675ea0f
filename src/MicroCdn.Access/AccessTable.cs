using System.Net;
using System.Text;

namespace MicroCdn.Access;

/// <summary>What is known of a request when it is judged.</summary>
public readonly ref struct Visit
{
    /// <summary>The path, decoded once, with its slash; as much of it as was decoded.</summary>
    public ReadOnlySpan<byte> Path { get; init; }

    /// <summary>True when the path ends before what it was decoded to: it is longer than may be signed.</summary>
    public bool IsCut { get; init; }

    /// <summary>What follows the question mark, as it came.</summary>
    public ReadOnlySpan<byte> Query { get; init; }

    /// <summary>Who asks.</summary>
    public IPAddress Client { get; init; }

    /// <summary>The page that led here, as it came; empty when none is named.</summary>
    public ReadOnlySpan<byte> Referrer { get; init; }

    /// <summary>The time, in seconds since 1970.</summary>
    public long Now { get; init; }

    /// <summary>A time that only grows, in ticks of 100 ns.</summary>
    public long Ticks { get; init; }
}

/// <summary>What the table says of a request.</summary>
/// <param name="Rule">The number of the rule that decided, from 0; -1 when none did, and it is let through.</param>
/// <param name="Action">What that rule does.</param>
/// <param name="Fault">What is wrong with a link that had to be signed.</param>
/// <param name="Wait">How many ticks later it may come again, of one that came too often.</param>
public readonly record struct Verdict(int Rule, RuleAction Action, LinkFault Fault = LinkFault.None, long Wait = 0)
{
    /// <summary>No rule decided.</summary>
    public static readonly Verdict Through = new(-1, RuleAction.Allow);

    /// <summary>True when the request is let through.</summary>
    public bool IsAdmitted => Action == RuleAction.Allow;
}

/// <summary>The one ordered table that says who may have what: the first rule that decides ends it.</summary>
/// <remarks>Nothing is allocated while it is read, and no state is kept but that of rates.</remarks>
public sealed class AccessTable
{
    private readonly Row[] _rows;
    private readonly LinkKeys? _keys;
    private readonly Func<IPAddress, string?>? _countryOf;

    /// <summary>Makes a table.</summary>
    /// <param name="rules">The rules in their order.</param>
    /// <param name="keys">The keys of links; null when no rule wants any.</param>
    /// <param name="countryOf">The country of an address, two capital letters, or null; null when no rule asks.</param>
    /// <param name="seed">Something that strangers do not know.</param>
    public AccessTable(
        IReadOnlyList<AccessRule> rules, LinkKeys? keys, Func<IPAddress, string?>? countryOf, ulong seed)
    {
        Rules = rules;
        (_keys, _countryOf) = (keys, countryOf);
        _rows = [.. rules.Select(rule => new Row(rule, seed))];
        TellsPaths = rules.Any(rule => rule.Prefix != "/");
    }

    /// <summary>Lets everybody have everything.</summary>
    public static AccessTable Open { get; } = new([], null, null, 0);

    /// <summary>The rules in their order.</summary>
    public IReadOnlyList<AccessRule> Rules { get; }

    /// <summary>True when paths make a difference.</summary>
    public bool TellsPaths { get; }

    /// <summary>Judges a request, and counts it where rates are.</summary>
    /// <param name="visit">The request.</param>
    /// <param name="counts">False to ask only.</param>
    public Verdict Judge(in Visit visit, bool counts = true)
    {
        UInt128 address = AddressBits.Of(visit.Client);
        for (int at = 0; at < _rows.Length; at++)
        {
            Row row = _rows[at];
            if (!Fits(row, visit, address)) continue;
            switch (row.Action)
            {
                case RuleAction.Allow or RuleAction.Deny:
                    return new Verdict(at, row.Action);
                case RuleAction.Signed:
                    LinkFault fault = visit.IsCut || _keys is null ? LinkFault.Missing
                        : SignedLink.Check(_keys, visit.Path, visit.Query, visit.Client, visit.Now);
                    if (fault != LinkFault.None) return new Verdict(at, row.Action, fault);
                    break;
                default:
                    long wait = row.Rate!.Take(address, visit.Ticks, counts);
                    if (wait > 0) return new Verdict(at, row.Action, LinkFault.None, wait);
                    break;
            }
        }
        return Verdict.Through;
    }

    /// <summary>Whether a rule is one for this request, whatever it does with it.</summary>
    /// <param name="rule">Its number, from 0.</param>
    /// <param name="visit">The request.</param>
    public bool Fits(int rule, in Visit visit) => Fits(_rows[rule], visit, AddressBits.Of(visit.Client));

    private bool Fits(Row row, in Visit visit, UInt128 address)
    {
        if (!visit.Path.StartsWith(row.Prefix)) return false;
        if (row.From is { } networks && !networks.Contains(address)) return false;
        if (row.Countries is { } countries
            && (_countryOf?.Invoke(visit.Client) is not { } country || !countries.Contains(country))) return false;
        return row.Referrers is not { } referrers || referrers.Has(visit.Referrer);
    }

    private sealed class Row(AccessRule rule, ulong seed)
    {
        public byte[] Prefix { get; } = Encoding.UTF8.GetBytes(rule.Prefix);

        public RuleAction Action => rule.Action;

        public NetworkSet? From { get; } = rule.From.Count == 0 ? null : new NetworkSet(rule.From);

        public HashSet<string>? Countries { get; } = rule.Countries.Count == 0 ? null : [.. rule.Countries];

        public Referrers? Referrers { get; } = rule.Referrers.Count == 0 ? null : new Referrers(rule.Referrers);

        public RateLimit? Rate { get; } = rule.Action != RuleAction.Rate ? null
            : new RateLimit(rule.Interval, rule.Burst, rule.Share, seed);
    }
}
