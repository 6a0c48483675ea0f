using MicroCdn.Protocol;

namespace MicroCdn.Index.Publishing;

/// <summary>What there should be of one file, and what speaks against some servers.</summary>
/// <param name="Digest">The bytes.</param>
/// <param name="Size">How many they are.</param>
/// <param name="Replicas">How many copies there are to be.</param>
/// <param name="IsSpread">Whether they are to be in as many zones as there are.</param>
internal readonly record struct WantedCopies(FileDigest Digest, long Size, int Replicas, bool IsSpread)
{
    /// <summary>By number the servers that may have one; null means all.</summary>
    public bool[]? Allowed { get; init; }

    /// <summary>Servers that failed to take this one a moment ago; null for none.</summary>
    public IReadOnlySet<int>? Avoided { get; init; }

    /// <summary>Servers that say that they have the bytes, and gave others; null for none.</summary>
    public IReadOnlySet<int>? Liars { get; init; }
}

/// <summary>What is to be done about one file; filled in anew for each.</summary>
internal sealed class HealNeed
{
    /// <summary>Servers that are to have a copy and have none, the favourite first.</summary>
    public List<int> Targets { get; } = [];

    /// <summary>Servers that a copy can be fetched from.</summary>
    public List<int> Sources { get; } = [];

    /// <summary>True when one of them is not known to have other bytes.</summary>
    public bool HasGoodSource { get; set; }

    /// <summary>Servers whose copy is not needed any more.</summary>
    public List<int> Surplus { get; } = [];

    /// <summary>How many copies there are to be.</summary>
    public int Wanted { get; set; }

    /// <summary>How many can be had now and count.</summary>
    public int Live { get; set; }

    /// <summary>The same, and those that are expected back.</summary>
    public int Counting { get; set; }

    /// <summary>How many copies too few there are.</summary>
    public int Missing => Math.Max(0, Wanted - Counting);

    /// <summary>True when copies are missing and no server may take one.</summary>
    public bool IsStuck { get; set; }

    /// <summary>True when nothing is to be done.</summary>
    public bool IsHealthy => Targets.Count == 0 && Surplus.Count == 0 && Missing == 0;

    public void Clear()
    {
        Targets.Clear();
        Sources.Clear();
        Surplus.Clear();
        (Wanted, Live, Counting, IsStuck, HasGoodSource) = (0, 0, 0, false, false);
    }
}

/// <summary>Decides what is to be done so that a file has the copies that it should have. Pure; one caller at a
/// time.</summary>
/// <remarks>
/// <para>Think of a librarian with one rule for each shelf: here these books belong. A book that is missing on its
/// shelf is copied there from wherever there is one; and only when every shelf that should have it has it, whatever
/// lies elsewhere is taken away. So nothing is ever the last that is thrown out, and who moves in gets his books by
/// the same rule by which a lost one is replaced.</para>
/// <para>Where copies belong is <see cref="Placement"/>'s word. A server that has been away for a short while still has
/// its shelves: nothing moves because of a restart. One that is full, or failed, is passed over for what it has
/// not.</para>
/// <para>Nothing is allocated: this runs over every file there is.</para>
/// </remarks>
/// <param name="keepers">All servers, by number.</param>
internal sealed class HealRule(CopyKeeper[] keepers)
{
    // While it is not known how much somebody takes who is expected back, nothing moves because he is not here.
    private readonly bool _mayMove = Array.TrueForAll(
        keepers, keeper => keeper.Worth != CopyWorth.Expected || keeper.IsPlace);

    private readonly Placement.Contender[] _field = new Placement.Contender[keepers.Length];

    /// <summary>By number the servers that had no room for some file.</summary>
    public bool[] Full { get; } = new bool[keepers.Length];

    /// <summary>Decides.</summary>
    /// <param name="wanted">What there should be.</param>
    /// <param name="holders">The servers that say that they have the bytes, ascending.</param>
    /// <param name="need">Is told what is to be done.</param>
    public void Decide(in WantedCopies wanted, ReadOnlySpan<ushort> holders, HealNeed need)
    {
        need.Clear();
        need.Wanted = wanted.Replicas;
        Count(wanted, holders, need);
        Span<int> chosen = stackalloc int[Limits.Replicas];
        chosen = chosen[..Math.Min(wanted.Replicas, chosen.Length)];
        Span<Placement.Contender> field = _field.AsSpan(0, Gather(wanted, holders));
        chosen = chosen[..Placement.Choose(wanted.Digest, wanted.IsSpread, field, chosen)];
        int held = 0, waiting = 0;
        foreach (int server in chosen)
        {
            bool holds = holders.BinarySearch((ushort)server) >= 0;
            if (holds && keepers[server].Worth == CopyWorth.Held) held++;
            else if (!holds && Takes(server)) need.Targets.Add(server);
            else if (!holds) waiting++;
        }
        need.IsStuck = need.Missing > need.Targets.Count + waiting;
        if (!_mayMove && need.Targets.Count > need.Missing)
        {
            need.Targets.RemoveRange(need.Missing, need.Targets.Count - need.Missing);
        }
        if (held < wanted.Replicas) return;
        foreach (ushort holder in holders)
        {
            if (holder >= keepers.Length || chosen.Contains(holder)) continue;
            // What a leaving one has is a gift until it is switched off.
            if (keepers[holder] is { Worth: CopyWorth.Held, IsHere: true }) need.Surplus.Add(holder);
        }
    }

    private void Count(in WantedCopies wanted, ReadOnlySpan<ushort> holders, HealNeed need)
    {
        foreach (ushort holder in holders)
        {
            if (holder >= keepers.Length || wanted.Liars?.Contains(holder) == true) continue;
            ref readonly CopyKeeper keeper = ref keepers[holder];
            if (keeper.CanGive) need.Sources.Add(holder);
            if (keeper.Worth == CopyWorth.Held) need.Live++;
            if (keeper.Worth >= CopyWorth.Expected) need.Counting++;
        }
        need.HasGoodSource = need.Sources.Count > 0;
        if (wanted.Liars is null || need.HasGoodSource) return;
        // Perhaps it was who fetched that was wrong: where nobody else has it, it is asked again.
        foreach (ushort holder in holders)
        {
            if (holder < keepers.Length && keepers[holder].CanGive) need.Sources.Add(holder);
        }
    }

    // Who may have a copy: whoever has it needs no room for it.
    private int Gather(in WantedCopies wanted, ReadOnlySpan<ushort> holders)
    {
        int count = 0;
        for (int server = 0; server < keepers.Length; server++)
        {
            ref readonly CopyKeeper keeper = ref keepers[server];
            if (!keeper.IsPlace || (wanted.Allowed is { } allowed && !allowed[server])) continue;
            if (wanted.Liars?.Contains(server) == true) continue;
            bool isFull = keeper.Free < wanted.Size;
            bool isPassedOver = isFull || keeper.IsPaused || wanted.Avoided?.Contains(server) == true;
            if (isPassedOver && holders.BinarySearch((ushort)server) < 0)
            {
                Full[server] |= isFull;
                continue;
            }
            _field[count++] = new Placement.Contender(server, keeper.Spot, keeper.Weight, keeper.Zone);
        }
        return count;
    }

    private bool Takes(int server) => keepers[server] is { Worth: CopyWorth.Held, IsHere: true, IsPaused: false };
}
