using MicroCdn.Protocol;

namespace MicroCdn.Index.Publishing;

/// <summary>Knows all content servers as keepers of copies, and notices when that changes.</summary>
/// <remarks>One caller at a time.</remarks>
internal sealed class CopyKeepers(
    Fleet fleet, OrderDesk orders, HealTroubles troubles, TimeSpan healAfter, TimeProvider time)
{
    private readonly Dictionary<int, long> _awaySince = [];
    private readonly Dictionary<string, int> _zones = [];

    /// <summary>All of them, by number.</summary>
    public CopyKeeper[] All { get; private set; } = [];

    /// <summary>True when at the last look other servers were gone, or to go, than at the one before.</summary>
    public bool AreOthersGone { get; private set; }

    /// <summary>Looks at all servers.</summary>
    /// <param name="promised">How many bytes a server, by number, was told to fetch and has not fetched yet.</param>
    /// <returns>True when copies may belong elsewhere now, or count otherwise.</returns>
    public bool Look(Func<int, long> promised)
    {
        Server[] servers = fleet.Servers;
        CopyKeeper[] all = new CopyKeeper[servers.Length];
        for (int number = 0; number < all.Length; number++) all[number] = WithoutRoom(servers[number]);
        foreach ((ServerId id, OrderPlace place) in orders.Known)
        {
            if (fleet.Find(id) is not { Contact: { } contact } server || server.Number >= all.Length) continue;
            ref CopyKeeper keeper = ref all[server.Number];
            CopyPlace asPlace = new(server.Number, server.Spot, place.Capacity, place.Free, contact.Zone ?? "");
            bool isExpected = place.GoneAt is not { } at || time.GetElapsedTime(at) < Longer(healAfter);
            keeper = keeper with
            {
                IsPlace = keeper.Worth >= CopyWorth.Expected && isExpected,
                IsHere = place.GoneAt is null,
                Capacity = place.Capacity,
                Free = place.Free - promised(server.Number),
                Weight = Placement.WeightOf(asPlace),
                Zone = NumberOf(asPlace.Zone),
            };
        }
        CopyKeeper[] before = All;
        All = all;
        AreOthersGone = !before.Select(one => one.Worth <= CopyWorth.Leaving)
            .SequenceEqual(all.Select(one => one.Worth <= CopyWorth.Leaving));
        return !before.Select(one => one.Stamp).SequenceEqual(all.Select(one => one.Stamp));
    }

    // Its connection for orders may be cut where it itself is well.
    private static TimeSpan Longer(TimeSpan span) => span > CopyKeeper.Doubt ? span : CopyKeeper.Doubt;

    private CopyKeeper WithoutRoom(Server server)
    {
        ServerState state = server.State;
        long now = time.GetTimestamp();
        // What one is remembered for from before a restart it has not told: it is as if it were away.
        bool isAtHand = CopyKeeper.IsAtHand(state) && !server.IsRemembered;
        if (isAtHand) _awaySince.Remove(server.Number);
        else _awaySince.TryAdd(server.Number, now);
        TimeSpan away = _awaySince.TryGetValue(server.Number, out long since)
            ? time.GetElapsedTime(since, now) : TimeSpan.Zero;
        return new CopyKeeper
        {
            Worth = server.Contact is null ? CopyWorth.None
                : CopyKeeper.WorthOf(
                    isAtHand ? state : Worse(state), server.LeavesItself, server.IsRetired, away, healAfter),
            CanGive = server.Contact is not null && state != ServerState.Dead && !server.IsRemembered,
            IsPaused = troubles.IsPaused(server.Number),
            Spot = server.Spot,
        };
    }

    private static ServerState Worse(ServerState state) => CopyKeeper.IsAtHand(state) ? ServerState.Dead : state;

    private int NumberOf(string zone)
    {
        if (!_zones.TryGetValue(zone, out int number)) _zones.Add(zone, number = _zones.Count);
        return number;
    }
}
