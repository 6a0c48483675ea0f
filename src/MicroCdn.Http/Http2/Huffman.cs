namespace MicroCdn.Http.Http2;

/// <summary>Decodes the Huffman code of header strings (RFC 7541, section 5.2 and appendix B).</summary>
/// <remarks>The code is canonical: the lengths alone give it. Up to eight bits are found in a table, which is nearly
/// all that comes; longer codes are found by the first code of each length.</remarks>
internal static class Huffman
{
    /// <summary>The most that decoding may lengthen a string: 8 bits out of 5.</summary>
    public const double MostGrowth = 1.6;

    private const int EndOfString = 256, Shortest = 5, Quick = 8, Longest = 30;

    // The length of each symbol's code in bits, end of string last.
    private static ReadOnlySpan<byte> Lengths =>
    [
        13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28,
        28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7,
        8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19,
        13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13,
        28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21,
        22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23,
        22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
        19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25,
        25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
    ];

    // Symbols in the order of their codes; where those of a length begin; and the first code behind each length.
    private static readonly ushort[] Symbols = new ushort[EndOfString + 1];
    private static readonly int[] Places = new int[Longest + 1];
    private static readonly uint[] Firsts = new uint[Longest + 1];
    private static readonly uint[] Ends = new uint[Longest + 1];

    // By the next eight bits: the symbol and the length of its code, or 0 when that is longer.
    private static readonly (byte Symbol, byte Length)[] ByBits = new (byte, byte)[1 << Quick];

    static Huffman()
    {
        uint code = 0;
        int place = 0;
        for (int length = Shortest; length <= Longest; length++)
        {
            (Firsts[length], Places[length]) = (code, place);
            for (int symbol = 0; symbol <= EndOfString; symbol++)
            {
                if (Lengths[symbol] != length) continue;
                if (length <= Quick)
                {
                    int free = Quick - length;
                    Array.Fill(ByBits, ((byte)symbol, (byte)length), (int)code << free, 1 << free);
                }
                Symbols[place++] = (ushort)symbol;
                code++;
            }
            Ends[length] = code;
            code <<= 1;
        }
    }

    /// <summary>Decodes a string; the target must have room for <see cref="MostGrowth"/>.</summary>
    /// <returns>The length decoded, or -1 when it is no such code (section 5.2).</returns>
    public static int Decode(ReadOnlySpan<byte> coded, Span<byte> target)
    {
        ulong bits = 0;
        int held = 0, at = 0, written = 0;
        while (true)
        {
            while (held <= 56 && at < coded.Length)
            {
                bits |= (ulong)coded[at++] << (56 - held);
                held += 8;
            }
            if (held == 0) return written;
            (byte symbol, byte length) = ByBits[bits >> (64 - Quick)];
            if (length == 0 || length > held)
            {
                if (!TryLong(bits, held, out int found, out length))
                {
                    // What is left must be the beginning of the end, and less than a byte of it.
                    return held < 8 && bits >> (64 - held) == (1UL << held) - 1 ? written : -1;
                }
                if (found == EndOfString) return -1;
                symbol = (byte)found;
            }
            target[written++] = symbol;
            bits <<= length;
            held -= length;
        }
    }

    private static bool TryLong(ulong bits, int held, out int symbol, out byte codeLength)
    {
        for (int length = Quick + 1; length <= Math.Min(held, Longest); length++)
        {
            uint code = (uint)(bits >> (64 - length));
            if (code < Firsts[length] || code >= Ends[length]) continue;
            (symbol, codeLength) = (Symbols[Places[length] + (int)(code - Firsts[length])], (byte)length);
            return true;
        }
        (symbol, codeLength) = (0, 0);
        return false;
    }
}
