using MicroCdn.Protocol;

namespace MicroCdn.Index.Publishing;

/// <summary>What a copy on one server is worth.</summary>
internal enum CopyWorth
{
    /// <summary>Nothing: the server is away for too long.</summary>
    None,

    /// <summary>It may be copied from, and does not count: the server is drained or retired.</summary>
    Leaving,

    /// <summary>It counts though it cannot be had now: the server has been away for a short while.</summary>
    Expected,

    /// <summary>It counts.</summary>
    Held,
}

/// <summary>A content server as a keeper of copies, at one moment.</summary>
internal readonly record struct CopyKeeper
{
    /// <summary>The shortest time that a server which is only suspect is waited for: most are well again after
    /// it.</summary>
    public static readonly TimeSpan Doubt = TimeSpan.FromSeconds(60);

    /// <summary>What its copies are worth.</summary>
    public CopyWorth Worth { get; init; }

    /// <summary>True when others may fetch from it.</summary>
    public bool CanGive { get; init; }

    /// <summary>True when copies belong on it: it keeps published files, and is here or expected back.</summary>
    public bool IsPlace { get; init; }

    /// <summary>True when it can be given orders now.</summary>
    public bool IsHere { get; init; }

    /// <summary>True while it gets no new copies because the last ones failed.</summary>
    public bool IsPaused { get; init; }

    /// <summary>How many bytes of published files it keeps at most.</summary>
    public long Capacity { get; init; }

    /// <summary>How many more bytes it takes now, less what it was told to fetch.</summary>
    public long Free { get; init; }

    /// <summary>Its id as <see cref="Rendezvous"/> has it.</summary>
    public ulong Spot { get; init; }

    /// <summary>How much it takes against others.</summary>
    public int Weight { get; init; }

    /// <summary>A number for its zone.</summary>
    public int Zone { get; init; }

    /// <summary>What of it decides where copies belong; as long as that stays, so do they.</summary>
    public (CopyWorth, bool, bool, bool, int, int) Stamp => (Worth, IsPlace, IsHere, IsPaused, Weight, Zone);

    /// <summary>What copies on a server are worth.</summary>
    /// <param name="state">What is believed of it.</param>
    /// <param name="leavesItself">It said itself that it ends: as it does when it is only started anew.</param>
    /// <param name="isRetired">An operator retired it.</param>
    /// <param name="away">How long its copies have not been at hand; nothing while they are.</param>
    /// <param name="healAfter">How long one that is away is waited for.</param>
    public static CopyWorth WorthOf(
        ServerState state, bool leavesItself, bool isRetired, TimeSpan away, TimeSpan healAfter)
    {
        if (isRetired) return CopyWorth.Leaving;
        if (IsAtHand(state)) return CopyWorth.Held;
        if (state == ServerState.Draining && !leavesItself) return CopyWorth.Leaving;
        TimeSpan patience = state == ServerState.Suspect && healAfter < Doubt ? Doubt : healAfter;
        return away < patience ? CopyWorth.Expected : CopyWorth.None;
    }

    /// <summary>True for a server whose copies can be had now.</summary>
    public static bool IsAtHand(ServerState state) => state < ServerState.Suspect;
}
