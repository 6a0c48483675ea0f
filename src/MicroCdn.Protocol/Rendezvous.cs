namespace MicroCdn.Protocol;

/// <summary>Which of several servers a key belongs to, such that all who know the servers say the same without asking
/// one another.</summary>
/// <remarks>
/// <para>Rendezvous hashing (Thaler and Ravishankar, "Using name-based mappings to increase hit rates", 1998): key and
/// server together make a number, and the server with the smallest one has the key. When a server leaves, its own keys
/// move and no others; when one comes, it takes its share from all of them alike. The numbers are drawn from an
/// exponential distribution whose rate is the weight, so that each server is first as often as its weight says
/// (Schindelhauer and Schomaker, "Weighted distributed hash tables", 2005).</para>
/// <para>The hash is the same in every process and after every start. Whoever chooses names to make one server busy can
/// do so, which is why those who use it go by the load too.</para>
/// </remarks>
public static class Rendezvous
{
    /// <summary>The hash of a key, or of a server's name (FNV-1a, its bits mixed as SplitMix64 does).</summary>
    public static ulong SpotOf(ReadOnlySpan<byte> name)
    {
        ulong hash = 0xCBF2_9CE4_8422_2325;
        foreach (byte value in name) hash = (hash ^ value) * 0x100_0000_01B3;
        return Mixed(hash);
    }

    /// <summary>How far a key is from a server: the nearest has it, the next is asked when that one cannot.</summary>
    /// <param name="key">The key.</param>
    /// <param name="server">The server.</param>
    /// <param name="weight">How much it can take against others, 1 or more.</param>
    public static double Distance(ulong key, ulong server, int weight = 1)
    {
        // 53 bits and a half: above 0 and below 1, as a logarithm needs it.
        double chance = ((Mixed(key ^ Mixed(server)) >> 11) + 0.5) / (1UL << 53);
        return -Math.Log(chance) / weight;
    }

    private static ulong Mixed(ulong bits)
    {
        bits += 0x9E37_79B9_7F4A_7C15;
        bits = (bits ^ (bits >> 30)) * 0xBF58_476D_1CE4_E5B9;
        bits = (bits ^ (bits >> 27)) * 0x94D0_49BB_1331_11EB;
        return bits ^ (bits >> 31);
    }
}
