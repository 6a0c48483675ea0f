using MicroCdn.Caching;
using MicroCdn.Caching.Store;
using MicroCdn.Protocol;

namespace MicroCdn.Edge.PullThrough;

/// <summary>Which copy a request gets, and how that is called.</summary>
/// <param name="Outcome">How it went.</param>
/// <param name="Copy">The copy to answer with, or to validate; null when there is none.</param>
/// <param name="Rules">What the copy allows.</param>
internal readonly record struct Selection(Outcome Outcome, Copy? Copy, CopyRules? Rules)
{
    /// <summary>Selects among the copies of a key.</summary>
    public static Selection Of<TFields>(
        in RequestRules request, in TFields fields, CopySet copies, CachePolicy policy, long now)
        where TFields : IFields, allows ref struct
    {
        ReadOnlySpan<Copy> all = copies.Copies;
        CopyRules only = null!;
        Span<CopyRules> rules = all.Length <= 1 ? new Span<CopyRules>(ref only) : new CopyRules[all.Length];
        int count = 0;
        foreach (Copy copy in all)
        {
            if (copy.PurgeState != PurgeState.Gone) rules[count++] = RulesOf(copy, policy);
        }
        Reuse reuse = Reuse.Decide(request, fields, rules[..count], now);
        if (reuse.Copy is not { } chosen) return new Selection(reuse.Outcome, null, null);
        foreach (Copy copy in all)
        {
            if (RulesOf(copy, policy) != chosen) continue;
            return new Selection(Softened(reuse.Outcome, copy, chosen), copy, chosen);
        }
        // It changed in this very moment: asking once more costs less than looking twice.
        return new Selection(Outcome.UriMiss, null, null);
    }

    /// <summary>What a copy allows, worked out once for each of its heads.</summary>
    public static CopyRules RulesOf(Copy copy, CachePolicy policy)
    {
        CopyState state = copy.State;
        if (state.Rules is CopyRules known) return known;
        CopyRules made = CopyRules.Of(state.Head, policy);
        state.Rules = made;
        return made;
    }

    // After a soft purge a fresh copy counts as stale.
    private static Outcome Softened(Outcome outcome, Copy copy, CopyRules rules)
    {
        if (outcome != Outcome.Hit || copy.PurgeState != PurgeState.Soft) return outcome;
        return rules.Directives.StaleWhileRevalidate > 0 && !rules.NeverStale ? Outcome.HitStale : Outcome.Stale;
    }
}
