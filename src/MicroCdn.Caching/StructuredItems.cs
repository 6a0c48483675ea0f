namespace MicroCdn.Caching;

/// <summary>Reads keys, values and parameters of structured fields, strictly (RFC 9651, section 4.2).</summary>
internal static class StructuredItems
{
    // RFC 9651, sections 3.3.1 and 3.3.2.
    private const int MostIntegerDigits = 15, MostDecimalDigits = 12, MostFractionDigits = 3;

    /// <summary>A key (RFC 9651, section 4.2.3.3): it begins with a small letter or a star.</summary>
    public static bool Key(scoped ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> key)
    {
        int length = 0;
        if (!rest.IsEmpty && (rest[0] is >= (byte)'a' and <= (byte)'z' || rest[0] == '*'))
        {
            while (length < rest.Length && (char.IsAsciiLetterLower((char)rest[length])
                || char.IsAsciiDigit((char)rest[length]) || rest[length] is (byte)'_' or (byte)'-' or (byte)'.'
                or (byte)'*')) length++;
        }
        key = Take(ref rest, length);
        return length > 0;
    }

    /// <summary>Parameters (RFC 9651, section 4.2.3.2), which are passed over.</summary>
    public static bool Parameters(scoped ref ReadOnlySpan<byte> rest)
    {
        while (!rest.IsEmpty && rest[0] == ';')
        {
            rest = rest[1..].TrimStart((byte)' ');
            if (!Key(ref rest, out _)) return false;
            if (rest.IsEmpty || rest[0] != '=') continue;
            rest = rest[1..];
            if (Item(ref rest, out _, out _) == StructuredKind.None) return false;
        }
        return true;
    }

    /// <summary>An inner list (RFC 9651, section 4.2.1.2), which is passed over.</summary>
    public static bool InnerList(scoped ref ReadOnlySpan<byte> rest)
    {
        rest = rest[1..];
        while (true)
        {
            rest = rest.TrimStart((byte)' ');
            if (rest.IsEmpty) return false;
            if (rest[0] == ')')
            {
                rest = rest[1..];
                return true;
            }
            if (Item(ref rest, out _, out _) == StructuredKind.None || !Parameters(ref rest)) return false;
            if (rest.IsEmpty || rest[0] is not ((byte)' ' or (byte)')')) return false;
        }
    }

    /// <summary>A value that is no list (RFC 9651, section 4.2.3.1).</summary>
    public static StructuredKind Item(scoped ref ReadOnlySpan<byte> rest, out long integer, out ReadOnlySpan<byte> text)
    {
        integer = 0;
        text = default;
        if (rest.IsEmpty) return StructuredKind.None;
        switch (rest[0])
        {
            case (byte)'"': return String(ref rest, out text) ? StructuredKind.String : StructuredKind.None;
            case (byte)'?': return Boolean(ref rest, out integer) ? StructuredKind.Boolean : StructuredKind.None;
            case (byte)':': return Bytes(ref rest) ? StructuredKind.Other : StructuredKind.None;
            case (byte)'%': return DisplayString(ref rest) ? StructuredKind.Other : StructuredKind.None;
            case (byte)'@':
                rest = rest[1..];
                return Number(ref rest, out _) == StructuredKind.Integer ? StructuredKind.Other : StructuredKind.None;
            case (byte)'-' or (>= (byte)'0' and <= (byte)'9'): return Number(ref rest, out integer);
            case (byte)'*' or (>= (byte)'a' and <= (byte)'z') or (>= (byte)'A' and <= (byte)'Z'):
                text = Take(ref rest, TokenLength(rest));
                return StructuredKind.Token;
            default: return StructuredKind.None;
        }
    }

    private static StructuredKind Number(scoped ref ReadOnlySpan<byte> rest, out long integer)
    {
        integer = 0;
        bool isNegative = !rest.IsEmpty && rest[0] == '-';
        if (isNegative) rest = rest[1..];
        int digits = Digits(rest);
        if (digits is 0 or > MostIntegerDigits) return StructuredKind.None;
        foreach (byte digit in Take(ref rest, digits)) integer = (integer * 10) + (digit - '0');
        if (isNegative) integer = -integer;
        if (rest.IsEmpty || rest[0] != '.') return StructuredKind.Integer;
        int fraction = Digits(rest[1..]);
        if (digits > MostDecimalDigits || fraction is 0 or > MostFractionDigits) return StructuredKind.None;
        rest = rest[(1 + fraction)..];
        integer = 0;
        return StructuredKind.Other;
    }

    private static bool String(scoped ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> text)
    {
        text = default;
        for (int at = 1; at < rest.Length; at++)
        {
            if (rest[at] is < 0x20 or > 0x7E) return false;
            if (rest[at] == '"')
            {
                text = rest[1..at];
                rest = rest[(at + 1)..];
                return true;
            }
            if (rest[at] != '\\') continue;
            if (++at == rest.Length || rest[at] is not ((byte)'"' or (byte)'\\')) return false;
        }
        return false;
    }

    private static bool Boolean(scoped ref ReadOnlySpan<byte> rest, out long value)
    {
        value = rest.Length > 1 && rest[1] == '1' ? 1 : 0;
        bool isSound = rest.Length > 1 && rest[1] is (byte)'0' or (byte)'1';
        rest = rest[Math.Min(2, rest.Length)..];
        return isSound;
    }

    // Bytes are base64 between colons. Missing padding is forgiven, as RFC 9651, section 4.2.7 wants.
    private static bool Bytes(scoped ref ReadOnlySpan<byte> rest)
    {
        int end = rest[1..].IndexOf((byte)':');
        if (end < 0) return false;
        ReadOnlySpan<byte> body = rest.Slice(1, end).TrimEnd((byte)'=');
        rest = rest[(end + 2)..];
        foreach (byte value in body)
        {
            if (!char.IsAsciiLetterOrDigit((char)value) && value is not ((byte)'+' or (byte)'/')) return false;
        }
        return body.Length % 4 != 1;
    }

    // %"..." with %xx, in small letters, for what is not plain; the bytes are UTF-8 (RFC 9651, section 4.2.10).
    private static bool DisplayString(scoped ref ReadOnlySpan<byte> rest)
    {
        if (rest.Length < 2 || rest[1] != '"') return false;
        byte[] decoded = new byte[rest.Length];
        int length = 0;
        for (int at = 2; at < rest.Length; at++)
        {
            byte value = rest[at];
            if (value is < 0x20 or > 0x7E) return false;
            if (value == '"')
            {
                rest = rest[(at + 1)..];
                return System.Text.Unicode.Utf8.IsValid(decoded.AsSpan(0, length));
            }
            if (value == '%')
            {
                if (at + 2 >= rest.Length || Hex(rest[at + 1]) < 0 || Hex(rest[at + 2]) < 0) return false;
                value = (byte)((Hex(rest[at + 1]) << 4) | Hex(rest[at + 2]));
                at += 2;
            }
            decoded[length++] = value;
        }
        return false;
    }

    private static int Hex(byte digit) => digit switch
    {
        >= (byte)'0' and <= (byte)'9' => digit - '0',
        >= (byte)'a' and <= (byte)'f' => digit - 'a' + 10,
        _ => -1,
    };

    private static int Digits(ReadOnlySpan<byte> text)
    {
        int length = text.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        return length < 0 ? text.Length : length;
    }

    private static int TokenLength(ReadOnlySpan<byte> text)
    {
        int length = 1;
        while (length < text.Length && (text[length] is (byte)':' or (byte)'/'
            || Tokens.LengthOf(text.Slice(length, 1)) == 1)) length++;
        return length;
    }

    private static ReadOnlySpan<byte> Take(scoped ref ReadOnlySpan<byte> rest, int length)
    {
        ReadOnlySpan<byte> taken = rest[..length];
        rest = rest[length..];
        return taken;
    }
}
