namespace MicroCdn.Access;

/// <summary>The path of a request as rules read it: decoded once, with slashes that follow one another made
/// one.</summary>
public static class RequestPath
{
    /// <summary>Reads a path.</summary>
    /// <param name="path">The path as it came.</param>
    /// <param name="decoded">Where it goes; what has no room there is left out.</param>
    /// <param name="length">How many bytes of it are filled.</param>
    /// <param name="isCut">True when something was left out.</param>
    /// <returns>False for a path that two programs could read in two ways: with dot segments, with a slash or a
    /// backslash in disguise, or with percent signs that encode nothing.</returns>
    public static bool TryRead(ReadOnlySpan<byte> path, Span<byte> decoded, out int length, out bool isCut)
    {
        (length, isCut) = (0, false);
        // How many dots the segment has so far; -1 when it has something else too.
        int dots = 0;
        bool wasSlash = false;
        while (!path.IsEmpty)
        {
            byte value = path[0];
            int used = 1;
            if (value == '%')
            {
                if (path.Length < 3 || Hex(path[1]) < 0 || Hex(path[2]) < 0) return false;
                value = (byte)((Hex(path[1]) << 4) | Hex(path[2]));
                if (value is (byte)'/' or 0) return false;
                used = 3;
            }
            // Some servers cut a segment at its semicolon before they look whether it is dots.
            if (value == '\\' || (value is (byte)'/' or (byte)';' && dots is (1 or 2))) return false;
            path = path[used..];
            bool isDouble = wasSlash && value == '/';
            wasSlash = value == '/';
            dots = wasSlash ? 0 : value == '.' && dots >= 0 ? dots + 1 : -1;
            if (isDouble) continue;
            // What is left out is looked at all the same.
            if (length < decoded.Length) decoded[length++] = value;
            else isCut = true;
        }
        return dots is not (1 or 2);
    }

    private static int Hex(byte digit) => digit switch
    {
        >= (byte)'0' and <= (byte)'9' => digit - '0',
        >= (byte)'A' and <= (byte)'F' => digit - 'A' + 10,
        >= (byte)'a' and <= (byte)'f' => digit - 'a' + 10,
        _ => -1,
    };
}
