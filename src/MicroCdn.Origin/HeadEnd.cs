namespace MicroCdn.Origin;

/// <summary>Finds the end of a head while it arrives, and notices early what is none; it looks at each byte
/// once.</summary>
internal struct HeadEnd
{
    private int _seen;
    private int _lineFrom;

    /// <summary>Looks at what has arrived so far, all of it from the head's first byte.</summary>
    /// <param name="input">What the last call had, and more.</param>
    /// <param name="fault">What is wrong, or null.</param>
    /// <returns>The length of the head with its empty line; 0 when it is not complete.</returns>
    public int Find(ReadOnlySpan<byte> input, out string? fault)
    {
        fault = null;
        ReadOnlySpan<byte> start = "HTTP/1."u8;
        int shown = Math.Min(input.Length, start.Length);
        // HTTP/0.9 has no head at all; one of HTTP/2, or of another protocol, would be waited for until time is up.
        if (!input[..shown].SequenceEqual(start[..shown])) return Refuse("it does not begin with HTTP/1.", out fault);
        while (input[_seen..].IndexOf((byte)'\n') is >= 0 and var offset)
        {
            int at = _seen + offset;
            // RFC 9112, section 2.2 allows reading LF alone as a line's end; what was split by one is then another's.
            if (at == 0 || input[at - 1] != '\r') return Refuse("a line ends in LF alone", out fault);
            bool isEmpty = at - 1 == _lineFrom;
            (_seen, _lineFrom) = (at + 1, at + 1);
            if (isEmpty) return at + 1;
        }
        _seen = input.Length;
        return 0;
    }

    private static int Refuse(string what, out string? fault)
    {
        fault = what;
        return 0;
    }
}
