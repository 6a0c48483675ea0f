using System.Diagnostics;
using System.Globalization;

namespace MicroCdn.Bench;

/// <summary>What was used in one round: by the server, by this program, and by others on the two cores.</summary>
/// <param name="Time">How long the round was.</param>
/// <param name="Server">Processor time of the server.</param>
/// <param name="Load">Processor time of this program.</param>
/// <param name="Others">Share of the two cores that others took, stolen time of a virtual machine included.</param>
internal readonly record struct Usage(TimeSpan Time, TimeSpan Server, TimeSpan Load, double Others)
{
    /// <summary>Share of its core that the server used.</summary>
    public double ServerBusy => Server / Time;

    /// <summary>Share of its core that this program used.</summary>
    public double LoadBusy => Load / Time;

    /// <summary>The sentence below a table that says how quiet the machine was.</summary>
    public static string Quiet(IEnumerable<Usage> rounds)
    {
        Spread others = Spread.Of(rounds.Select(round => round.Others));
        return $"Others on the machine took {others.Show("P0")} of the two cores meanwhile.";
    }
}

/// <summary>Reads the clocks before a round and again after it.</summary>
internal sealed class Meter
{
    private readonly ServerProcess _server;
    private readonly long _begin;
    private readonly TimeSpan _serverTime, _loadTime, _allTime;

    // Programs that make load have ended when a round ends, and count here then; servers go on.
    private static TimeSpan LoadTime => Libc.ProcessorTime(Environment.ProcessId) + Libc.EndedChildrenTime();

    /// <summary>Begins a round.</summary>
    public Meter(ServerProcess server)
    {
        _server = server;
        _allTime = AllTime();
        _loadTime = LoadTime;
        _serverTime = server.ProcessorTime;
        _begin = Stopwatch.GetTimestamp();
    }

    /// <summary>Ends the round.</summary>
    public Usage Stop()
    {
        TimeSpan time = Stopwatch.GetElapsedTime(_begin);
        TimeSpan server = _server.ProcessorTime - _serverTime;
        TimeSpan load = LoadTime - _loadTime;
        double others = (AllTime() - _allTime - server - load) / (2 * time);
        return new Usage(time, server, load, Math.Max(0, others));
    }

    /// <summary>Time the two cores were not idle, in the kernel's ticks of 10 ms.</summary>
    private static TimeSpan AllTime()
    {
        const int ticksInSecond = 100;    // USER_HZ, the same on every Linux that .NET runs on
        long ticks = 0;
        foreach (string line in File.ReadLines("/proc/stat"))
        {
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words[0] != $"cpu{Machine.ServerCore}" && words[0] != $"cpu{Machine.LoadCore}") continue;
            // user nice system idle iowait irq softirq steal; the guest times after them are in user already
            foreach (int column in (int[])[1, 2, 3, 6, 7, 8])
                ticks += long.Parse(words[column], CultureInfo.InvariantCulture);
        }
        return TimeSpan.FromSeconds((double)ticks / ticksInSecond);
    }
}
