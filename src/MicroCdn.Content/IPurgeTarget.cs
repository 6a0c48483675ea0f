using MicroCdn.Protocol;

namespace MicroCdn.Content;

/// <summary>What purges are applied to: whoever keeps copies beside this content server.</summary>
public interface IPurgeTarget
{
    /// <summary>How far this server is.</summary>
    PurgeProgress Progress { get; }

    /// <summary>Applies purges, in their order, and waits for the disk. One that was applied before may come
    /// again.</summary>
    /// <returns>False when they are forgotten at the end of this process.</returns>
    bool Apply(IReadOnlyList<Purge> purges);

    /// <summary>Hears that what was purged while this server was away is applied, or that nobody can tell: what is
    /// asked for need wait no longer.</summary>
    void CatchUp();
}
