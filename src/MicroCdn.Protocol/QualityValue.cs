namespace MicroCdn.Protocol;

/// <summary>Reads how much a client likes one of several choices (RFC 9110, section 12.4.2).</summary>
public static class QualityValue
{
    /// <summary>The highest quality, in thousandths: what nothing said means.</summary>
    public const int Full = 1000;

    /// <summary>Reads <c>q=0.5</c>; false when it is malformed.</summary>
    /// <param name="weight">The parameter without the semicolon before it.</param>
    /// <param name="quality">0 to <see cref="Full"/>.</param>
    public static bool TryRead(ReadOnlySpan<byte> weight, out int quality)
    {
        quality = Full;
        if (weight.Length is < 3 or > 7 || (weight[0] | 0x20) != 'q' || weight[1] != '=') return false;
        if (weight[2] is not ((byte)'0' or (byte)'1') || (weight.Length > 3 && weight[3] != '.')) return false;
        int scale = Full;
        quality = (weight[2] - '0') * Full;
        for (int at = 4; at < weight.Length; at++)
        {
            if (weight[at] is < (byte)'0' or > (byte)'9') return false;
            scale /= 10;
            quality += (weight[at] - '0') * scale;
        }
        return quality <= Full;
    }
}
