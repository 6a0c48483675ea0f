namespace MicroCdn.Edge.PullThrough;

/// <summary>Tells a path that an origin might read as one above where its rule begins.</summary>
/// <remarks>An origin that was given for <c>/public</c> is not asked for <c>/public/../private</c>. How it decodes
/// is not known, so every way counts: percent-encoding, <c>%2F</c> and a backslash as separators, and what follows
/// <c>;</c> as no part of a name. Browsers send no such path (RFC 3986, section 5.2.4).</remarks>
internal static class ClimbingPath
{
    /// <summary>True when one of its segments is two dots.</summary>
    public static bool Is(ReadOnlySpan<byte> path)
    {
        const int NoDots = 3;
        int dots = 0;
        for (int at = 0; at < path.Length; at++)
        {
            switch (Decoded(path, ref at))
            {
                case (byte)'/' or (byte)'\\' when dots == 2:
                case (byte)';' when dots == 2:
                    return true;
                case (byte)'/' or (byte)'\\':
                    dots = 0;
                    break;
                case (byte)'.':
                    dots = Math.Min(dots + 1, NoDots);
                    break;
                default:
                    dots = NoDots;
                    break;
            }
        }
        return dots == 2;
    }

    private static byte Decoded(ReadOnlySpan<byte> path, ref int at)
    {
        if (path[at] != '%' || at + 2 >= path.Length || !char.IsAsciiHexDigit((char)path[at + 1])
            || !char.IsAsciiHexDigit((char)path[at + 2])) return path[at];
        at += 2;
        return (byte)((Digit(path[at - 1]) << 4) | Digit(path[at]));
    }

    private static int Digit(byte letter) => letter <= '9' ? letter - '0' : (letter | 0x20) - 'a' + 10;
}
