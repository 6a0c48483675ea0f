namespace MicroCdn.Testing;

/// <summary>What happens to whatever travels from one host to another; each direction is a link of its own.</summary>
public sealed class Link
{
    private readonly Random _datagramChance;
    private int _connections;

    internal Link(string from, string to, int seed)
    {
        (From, To, Seed) = (from, to, Seeds.Mix(seed, $"{from}>{to}"));
        _datagramChance = new Random(Seed);
    }

    /// <summary>The host that sends.</summary>
    public string From { get; }

    /// <summary>The host that receives.</summary>
    public string To { get; }

    /// <summary>True while dialing along this link is refused.</summary>
    public bool Refuses { get; set; }

    /// <summary>While true, bytes on this link do not arrive; <see cref="FakeNetwork.Heal"/> lets them go on.</summary>
    public bool Stalls { get; set; }

    /// <summary>After so many bytes towards the receiver the connection is cut; it happens once.</summary>
    public long? CutsAfter { get; set; }

    /// <summary>The chance that a datagram is lost, 0 to 1.</summary>
    public double Loss { get; set; }

    /// <summary>The chance that a datagram that is not lost arrives twice.</summary>
    public double Doubling { get; set; }

    internal int Seed { get; }

    // A chance of its own for each connection, so that one conversation's fragments do not depend on the others.
    internal Random NextConnectionChance() => new(Seeds.Mix(Seed, $"connection {_connections++}"));

    // Drawn for each datagram, whatever the rates: changing a rate does not change the later draws.
    internal int Copies()
    {
        (double lost, double doubled) = (_datagramChance.NextDouble(), _datagramChance.NextDouble());
        return lost < Loss ? 0 : doubled < Doubling ? 2 : 1;
    }
}

/// <summary>Makes seeds out of seeds, the same on every run and machine.</summary>
internal static class Seeds
{
    // FNV-1a; string.GetHashCode changes from process to process.
    public static int Mix(int seed, string text)
    {
        uint hash = 2166136261 ^ (uint)seed;
        foreach (char letter in text) hash = (hash ^ letter) * 16777619;
        return (int)hash;
    }
}
