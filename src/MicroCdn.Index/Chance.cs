namespace MicroCdn.Index;

/// <summary>Random numbers for many threads out of one seed: no lock, no allocation.</summary>
/// <remarks>SplitMix64 (Steele, Lea and Flood, 2014): the state only counts, the mixing makes it random. Threads that
/// step at the same moment may get the same number: that is as good a draw as any, and an atomic step would cost more
/// than the rest. Good enough to spread clients, not for secrets.</remarks>
internal sealed class Chance(long seed)
{
    private ulong _state = (ulong)seed;

    /// <summary>The next 64 random bits.</summary>
    public ulong Next()
    {
        ulong bits = _state + 0x9E37_79B9_7F4A_7C15;
        _state = bits;
        bits = (bits ^ (bits >> 30)) * 0xBF58_476D_1CE4_E5B9;
        bits = (bits ^ (bits >> 27)) * 0x94D0_49BB_1331_11EB;
        return bits ^ (bits >> 31);
    }
}
