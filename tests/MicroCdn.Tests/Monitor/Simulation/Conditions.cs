using System.Globalization;

namespace MicroCdn.Tests.Monitor.Simulation;

/// <summary>What the simulated network does to what travels on it.</summary>
internal sealed record Conditions
{
    /// <summary>The share of datagrams lost, each by itself.</summary>
    public double Loss { get; init; }

    /// <summary>The share of datagrams that arrive twice.</summary>
    public double Doubled { get; init; }

    /// <summary>The share that is overtaken by later ones.</summary>
    public double Delayed { get; init; }

    /// <summary>The shortest way of a datagram.</summary>
    public TimeSpan Delay { get; init; } = TimeSpan.FromMilliseconds(0.3);

    /// <summary>How much longer it may take, evenly spread.</summary>
    public TimeSpan Jitter { get; init; } = TimeSpan.FromMilliseconds(1);

    /// <summary>Mean length of the times in which a line loses everything; zero for none. They fill 30 % of all
    /// time.</summary>
    public TimeSpan Burst { get; init; }

    public static double BurstShare => 0.3;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"loss {Loss:P0}, doubled {Doubled:P0}, overtaken {Delayed:P0}, way {Delay.TotalMilliseconds:F1} to "
        + $"{(Delay + Jitter).TotalMilliseconds:F1} ms, bursts of {Burst.TotalMilliseconds:F0} ms");
}
