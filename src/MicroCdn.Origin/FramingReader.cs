using System.Text;

namespace MicroCdn.Origin;

/// <summary>Finds out from the fields of a response where its body ends (RFC 9112, section 6.3).</summary>
/// <remarks>
/// Three outcomes. One sound framing: the body may be stored. One that is not as it should be, where the RFC says how
/// to read it: the body is passed on, never stored, and the connection is closed behind it. One that two programs would
/// read differently: refused.
/// </remarks>
internal struct FramingReader(int status, bool toHead, bool isOld)
{
    private bool _hasLength;
    private bool _isOdd;
    private bool _hasCodings;
    private bool _endsChunked;
    private bool _saysClose;
    private bool _saysKeepAlive;

    public BodyFraming Kind { get; private set; }

    public long Length { get; private set; }

    public bool IsExact { get; private set; }

    public bool KeepsAlive { get; private set; }

    /// <summary>True when a Content-Length counts: it is added to the fields once, at their end.</summary>
    public readonly bool OwnLength => _hasLength && !_hasCodings;

    /// <summary>Looks at one field; the answer is what is wrong with it, or null.</summary>
    public string? Take(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, bool isRepaired, out bool keeps)
    {
        keeps = true;
        if (name.Length == 14 && Ascii.EqualsIgnoreCase(name, "Content-Length"u8))
        {
            keeps = false;
            return isRepaired ? "its Content-Length is folded or has spaces before the colon" : TakeLengths(value);
        }
        if (name.Length == 17 && Ascii.EqualsIgnoreCase(name, "Transfer-Encoding"u8))
        {
            return isRepaired ? "its Transfer-Encoding is folded or has spaces before the colon" : TakeCodings(value);
        }
        if (name.Length == 10 && Ascii.EqualsIgnoreCase(name, "Connection"u8))
        {
            while (Item(ref value, out ReadOnlySpan<byte> word))
            {
                _saysClose |= Ascii.EqualsIgnoreCase(word, "close"u8);
                _saysKeepAlive |= Ascii.EqualsIgnoreCase(word, "keep-alive"u8);
            }
        }
        return null;
    }

    /// <summary>Decides, when all fields were seen.</summary>
    public void Finish()
    {
        bool hasNone = toHead || status is < 200 or 204 or 304;
        Kind = hasNone ? BodyFraming.None : _endsChunked ? BodyFraming.Chunked
            : _hasLength && !_hasCodings ? BodyFraming.Length : BodyFraming.UntilClose;
        // Both at once is how responses are smuggled (rule 3), and HTTP/1.0 knows no codings (section 6.1).
        bool isContradictory = _hasCodings && (_hasLength || isOld);
        bool isMisplaced = _hasCodings && !toHead && status is < 200 or 204;
        IsExact = Kind != BodyFraming.UntilClose && !_isOdd && !isContradictory && !isMisplaced;
        // A server that announces a body where there is none may send it all the same.
        bool mayHaveOne = !toHead && status == 204 && _hasLength && Length > 0;
        KeepsAlive = IsExact && !mayHaveOne && !_saysClose && (!isOld || _saysKeepAlive);
    }

    // Several are one when all say the same (rule 5); the sender is broken all the same.
    private string? TakeLengths(ReadOnlySpan<byte> value)
    {
        bool any = false;
        while (!value.IsEmpty || !any)
        {
            int comma = value.IndexOf((byte)',');
            ReadOnlySpan<byte> digits = (comma < 0 ? value : value[..comma]).Trim(" \t"u8);
            if (digits.IsEmpty || digits.ContainsAnyExceptInRange((byte)'0', (byte)'9'))
            {
                return "its Content-Length is not digits alone";
            }
            if (!TryRead(digits, out long length)) return "its Content-Length is too large";
            if (_hasLength && length != Length) return "it has two lengths that differ";
            _isOdd |= _hasLength || comma >= 0;
            (_hasLength, any, Length) = (true, true, length);
            if (comma < 0) break;
            value = value[(comma + 1)..];
            if (value.IsEmpty) return "its Content-Length is not digits alone";
        }
        return null;
    }

    private static bool TryRead(ReadOnlySpan<byte> digits, out long number)
    {
        number = 0;
        foreach (byte digit in digits)
        {
            if (number > (long.MaxValue - 9) / 10) return false;
            number = (number * 10) + digit - '0';
        }
        return true;
    }

    private string? TakeCodings(ReadOnlySpan<byte> value)
    {
        // An empty one names no coding, so that nothing says where the body ends: rule 4.
        _hasCodings = true;
        while (Item(ref value, out ReadOnlySpan<byte> coding))
        {
            if (coding.IsEmpty) continue;
            if (_endsChunked) return "something is said of its body to be done after chunking it";
            // We never say TE, so that nobody may use these; the body would be passed on still coded.
            bool isCompressed = IsAny(coding, "gzip"u8, "x-gzip"u8, "deflate"u8)
                || IsAny(coding, "compress"u8, "x-compress"u8, "br"u8);
            if (isCompressed) return "its body has a transfer coding that nobody asked for";
            _endsChunked = Ascii.EqualsIgnoreCase(coding, "chunked"u8);
            _isOdd |= !_endsChunked;
        }
        return null;
    }

    private static bool IsAny(
        ReadOnlySpan<byte> word, ReadOnlySpan<byte> one, ReadOnlySpan<byte> two, ReadOnlySpan<byte> three) =>
        Ascii.EqualsIgnoreCase(word, one) || Ascii.EqualsIgnoreCase(word, two) || Ascii.EqualsIgnoreCase(word, three);

    private static bool Item(ref ReadOnlySpan<byte> list, out ReadOnlySpan<byte> item)
    {
        int comma = list.IndexOf((byte)',');
        bool any = !list.IsEmpty;
        item = (comma < 0 ? list : list[..comma]).Trim(" \t"u8);
        list = comma < 0 ? default : list[(comma + 1)..];
        return any;
    }
}
