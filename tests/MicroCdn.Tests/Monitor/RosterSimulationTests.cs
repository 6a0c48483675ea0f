using CsCheck;
using MicroCdn.Monitor;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Monitor;

/// <summary>Hours of a fleet under seeds: lost datagrams, killed servers, and a monitor that is stopped now and
/// then.</summary>
public sealed class RosterSimulationTests
{
    private const int Servers = 5;
    private static readonly byte[][] Beats =
        [.. Enumerable.Range(0, Servers).Select(n => $"HEARTBEAT CS{n} h{n} 7001 0 1".Utf8())];

    [Fact]
    public void The_living_are_never_called_dead_and_the_dead_always_are()
    {
        Gen.Select(Gen.Int, Gen.Int[0, 20]).Sample((seed, pausePercent) =>
        {
            Random random = new(seed);
            FakeTimeProvider time = new();
            Roster roster = new(time, TimeSpan.FromSeconds(8), TimeSpan.FromSeconds(1));
            // Awake seconds since each was last heard; a killed one says no more.
            int[] silent = new int[Servers];
            bool[] killed = new bool[Servers];
            for (int second = 0; second < 600; second++)
            {
                bool pause = random.Next(100) < pausePercent;
                time.Advance(TimeSpan.FromSeconds(pause ? 1 + random.Next(1, 300) : 1));
                for (int number = 0; number < Servers; number++)
                {
                    silent[number]++;
                    if (random.Next(200) == 0) killed[number] = !killed[number];
                    // Never more than two beats lost in a row, as issue 2's eight seconds assume.
                    if (killed[number] || (second + number) % 3 != 0
                        || (silent[number] < 6 && random.Next(5) == 0)) continue;
                    Hear(roster, time, number);
                    silent[number] = 0;
                }
                roster.Sweep(time.GetTimestamp(), 0);
                foreach (Member member in roster.Members)
                {
                    int number = member.Id.Value[2] - '0';
                    // Exactly those are dead who were silent for eight seconds of our own waking time.
                    if (member.IsAlive != silent[number] < 8) return false;
                }
            }
            return true;
        }, iter: 60);
    }

    private static void Hear(Roster roster, FakeTimeProvider time, int number)
    {
        Assert.True(Heartbeat.TryParse(Beats[number], out Heartbeat beat));
        roster.Record(beat, time.GetTimestamp(), out _);
    }
}
