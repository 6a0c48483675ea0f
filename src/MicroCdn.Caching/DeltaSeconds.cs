using MicroCdn.Protocol;

namespace MicroCdn.Caching;

/// <summary>Reads numbers of seconds (RFC 9111, section 1.2.2).</summary>
public static class DeltaSeconds
{
    /// <summary>What every larger number counts as: 68 years (RFC 9111, section 1.2.2).</summary>
    public const long Most = 1L << 31;

    /// <summary>Reads digits alone; false where there is anything else, or nothing.</summary>
    public static bool TryRead(ReadOnlySpan<byte> digits, out long seconds)
    {
        seconds = 0;
        if (digits.IsEmpty) return false;
        foreach (byte digit in digits)
        {
            if (digit is < (byte)'0' or > (byte)'9') return false;
            seconds = Math.Min(Most, (seconds * 10) + (digit - '0'));
        }
        return true;
    }

    /// <summary>Reads the Age field (RFC 9111, section 5.1): of several values the first counts, and one that is no
    /// number counts as absent.</summary>
    /// <returns>Seconds; 0 where there is none.</returns>
    public static long Age(HeaderFields fields)
    {
        ReadOnlySpan<byte> first = fields.First("Age"u8);
        int comma = first.IndexOf((byte)',');
        return TryRead((comma < 0 ? first : first[..comma]).Trim(" \t"u8), out long seconds) ? seconds : 0;
    }
}
