using MicroCdn.Protocol;

namespace MicroCdn.Index.Publishing;

/// <summary>The answer to STATUS: one line for all, one for each server, and one for each name that nobody can
/// give.</summary>
internal static class StatusLines
{
    public static IEnumerable<string> Of(HealState state, Fleet fleet, Liars liars)
    {
        HealTally tally = state.Tally;
        yield return $"STATUS names={tally.Names} copies={tally.Wanted} there={tally.Wanted - state.Missing} "
            + $"making={state.Making} missing={state.Missing} stuck={tally.Stuck} lost={tally.Lost} "
            + $"left={state.BytesLeft} speed={state.Speed}"
            + (state.SecondsLeft < 0 ? "\n" : $" seconds={state.SecondsLeft}\n");
        Server[] servers = fleet.Servers;
        for (int number = 0; number < Math.Min(state.Keepers.Length, tally.Copies.Length); number++)
        {
            if (servers[number].Contact is not null) yield return Of(state, servers[number], liars);
        }
        foreach (string name in tally.LostNames) yield return $"LOST {PercentText.WordOf(name)}\n";
    }

    private static string Of(HealState state, Server server, Liars liars)
    {
        HealTally tally = state.Tally;
        CopyKeeper keeper = state.Keepers[server.Number];
        string line = $"SERVER {server.Id} state={server.State.Text()} copies={tally.Copies[server.Number]}";
        if (keeper.Weight > 0) line += $" capacity={keeper.Capacity} free={Math.Max(0, keeper.Free)}";
        if (server.IsRetired) line += " retired=1";
        // Whether it may go is known by a look that began after it was to go.
        if (keeper.Worth == CopyWorth.Leaving && tally.IsLeaving[server.Number])
        {
            line += $" left={tally.Left[server.Number] + state.Hidden}";
        }
        if (tally.Full[server.Number]) line += " full=1";
        int wrong = liars.CountOf(server.Number);
        return wrong > 0 ? $"{line} wrong={wrong}\n" : $"{line}\n";
    }
}
