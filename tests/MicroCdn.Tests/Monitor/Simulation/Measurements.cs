using MicroCdn.Monitor;
using MicroCdn.Protocol;

namespace MicroCdn.Tests.Monitor.Simulation;

/// <summary>Figures from simulated fleets: how fast what happened is told, and how often what did not.</summary>
internal static class Measurements
{
    private const int Fleet = 20;
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Lasting = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Recovery = TimeSpan.FromSeconds(11);

    /// <summary>Lets one server after another fail, and measures from that moment.</summary>
    /// <param name="seed">Decides everything.</param>
    /// <param name="fault">Crash, Hang, or CutUp for a server that is cut off both ways.</param>
    /// <param name="loss">The share of datagrams lost.</param>
    /// <param name="profile">How patient the monitor is.</param>
    /// <param name="faults">How many failures.</param>
    public static Detection Detect(int seed, HappeningKind fault, double loss, DetectionProfile profile, int faults)
    {
        List<double> suspect = [], dead = [];
        TimeSpan began = default;
        int victim = 0;
        bool isSuspect = false, isDead = false;
        World? world = null;
        world = new World(seed, Fleet, 1, new Conditions { Loss = loss }, profile)
        {
            AssertsTruth = false,
            Told = (_, server, state) => Note(server, state),
        };
        TimeSpan at = Settling;
        for (int number = 0; number < faults; number++)
        {
            world.RunUntil(at);
            (victim, isSuspect, isDead) = (world.Chance.Next(Fleet), false, false);
            began = at + (Limits.Beat * world.Chance.NextDouble());
            world.At(began, fault, victim);
            if (fault == HappeningKind.CutUp) world.At(began, HappeningKind.CutDown, victim);
            world.At(at + Lasting, fault == HappeningKind.Crash ? HappeningKind.Start
                : fault == HappeningKind.Hang ? HappeningKind.Wake : HappeningKind.Heal, victim);
            // Longer than the window of the speed limit, so that it never holds one back here.
            at += Recovery;
        }
        world.RunUntil(at);
        return new Detection(Sorted(suspect), Sorted(dead), faults);

        void Note(Watched server, ServerState state)
        {
            if (server.Address.GetAddressBytes()[3] != victim || world!.Now < began) return;
            // A suspicion of chance that was there before stands: it counts from the fault on.
            if (!isSuspect && state is ServerState.Suspect or ServerState.Dead)
            {
                suspect.Add((world.Now - began).TotalSeconds);
                isSuspect = true;
            }
            if (!isDead && state == ServerState.Dead)
            {
                dead.Add((world.Now - began).TotalSeconds);
                isDead = true;
            }
        }
    }

    /// <summary>Lets a fleet live in peace for a while.</summary>
    public static Peace Watch(int seed, int servers, TimeSpan span, Conditions conditions, DetectionProfile profile)
    {
        World world = new(seed, servers, 1, conditions, profile) { AssertsTruth = false };
        world.RunUntil(span);
        return new Peace(servers * span.TotalHours, world.Monitors[0].Suspicions, world.Monitors[0].Deaths);
    }

    /// <summary>How often in an hour a server is suspect by chance, and how likely a suspicion ends in death, when each
    /// datagram is lost by itself.</summary>
    /// <remarks>
    /// Suspect: three beats in a row are lost behind one that was heard, or behind an answer to a PING. Dead: no beat
    /// of the 430 ms arrives, which are four or five; none of the PINGs is answered, each wanting two ways; and none
    /// of the connections, which want four.
    /// </remarks>
    public static (double Suspicions, double Deadly) Formula(double loss, DetectionProfile profile)
    {
        double heard = (1 - loss) * 3600 / Limits.Beat.TotalSeconds;
        double suspicions = heard * Math.Pow(loss, 3);
        int pings = (int)(profile.Suspicion / profile.Ping);
        double ping = 1 - Math.Pow(1 - loss, 2), probe = 1 - Math.Pow(1 - loss, 4);
        double five = (profile.Suspicion / Limits.Beat) - 4;
        double beats = ((1 - five) * Math.Pow(loss, 4)) + (five * Math.Pow(loss, 5));
        return (suspicions, beats * Math.Pow(ping, pings) * Math.Pow(probe, pings / 8));
    }

    private static double[] Sorted(List<double> values) => [.. values.Order()];
}

/// <summary>Times in seconds from a fault to the word of it, sorted.</summary>
internal sealed record Detection(double[] Suspect, double[] Dead, int Faults)
{
    /// <summary>The smallest of which this share is not larger.</summary>
    public static double Percentile(double[] sorted, double share) =>
        sorted.Length == 0 ? double.NaN : sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * share))];
}

/// <summary>What was said of servers that were well.</summary>
internal sealed record Peace(double ServerHours, long Suspicions, long Deaths)
{
    /// <summary>Both together.</summary>
    public static Peace operator +(Peace one, Peace other) => new(one.ServerHours + other.ServerHours,
        one.Suspicions + other.Suspicions, one.Deaths + other.Deaths);
}
