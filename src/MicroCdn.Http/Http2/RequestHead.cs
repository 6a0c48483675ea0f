using System.Buffers;
using System.Text;

namespace MicroCdn.Http.Http2;

/// <summary>Writes the fields of an HTTP/2 request as an HTTP/1.1 head, for the one parser that reads all
/// requests.</summary>
/// <remarks>
/// Whatever HTTP/2 forbids by itself is found here (RFC 9113, section 8): above all what would be read as another line
/// or another word once it is text. What HTTP forbids in every version is left to the parser.
/// </remarks>
internal sealed class RequestHead : IFields
{
    // RFC 9110, section 5.6.2, less the upper case (RFC 9113, section 8.2.1).
    private static readonly SearchValues<byte> Name =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"u8);

    // What would end a word or a line of the request line.
    private static readonly SearchValues<byte> Breaks = SearchValues.Create("\0\t\n\r "u8);

    private static readonly SearchValues<byte> LineBreaks = SearchValues.Create("\0\n\r"u8);

    private readonly byte[] _text = new byte[HttpLimits.HeadBytes];
    private readonly byte[] _cookie = new byte[HttpLimits.HeadBytes];
    private readonly byte[] _pseudo = new byte[HttpLimits.HeadBytes];
    private readonly (int Start, int Length)[] _pseudoPlaces = new (int, int)[4];
    private int _length;
    private int _pseudoLength;
    private int _cookieLength;
    private int _listBytes;
    private bool _isTrailer;
    private bool _hasHost;
    private bool _hasLine;

    private enum Pseudo
    {
        Method,
        Scheme,
        Authority,
        Path,
    }

    /// <summary>True when it is no request (RFC 9113, section 8.1.1).</summary>
    public bool IsMalformed { get; private set; }

    /// <summary>True when it is longer than a head may be.</summary>
    public bool IsTooLong { get; private set; }

    /// <summary>The content-length that was announced, or -1.</summary>
    public long ContentLength { get; private set; }

    /// <summary>The head as HTTP/1.1 has it, once <see cref="End"/> was called.</summary>
    public ReadOnlySpan<byte> Text => _text.AsSpan(0, _length);

    /// <summary>Begins anew.</summary>
    /// <param name="isTrailer">True when the fields stand behind a body.</param>
    public void Begin(bool isTrailer)
    {
        _isTrailer = isTrailer;
        (_length, _pseudoLength, _cookieLength, _listBytes, ContentLength) = (0, 0, 0, 0, -1);
        IsMalformed = IsTooLong = _hasHost = _hasLine = false;
        Array.Fill(_pseudoPlaces, (-1, 0));
    }

    /// <inheritdoc/>
    public void Add(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        const int fieldBytes = 32;                 // as RFC 9113, section 10.5.1 counts
        _listBytes += name.Length + value.Length + fieldBytes;
        IsTooLong |= _listBytes > Http2Limits.BlockBytes;
        if (IsMalformed || IsTooLong) return;
        bool isSound = !name.IsEmpty && !HasEdges(value) && !value.ContainsAny(LineBreaks)
            && (name[0] == ':' ? AddPseudo(name, value) : AddField(name, value));
        IsMalformed = !isSound;
    }

    /// <summary>The block is over.</summary>
    public void End()
    {
        if (_isTrailer || IsMalformed || IsTooLong) return;
        if (!_hasLine) IsMalformed = !BeginLines();
        if (_cookieLength > 0) AppendLine("cookie"u8, _cookie.AsSpan(0, _cookieLength));
        Append("\r\n"u8);
    }

    // RFC 9113, section 8.2.1.
    private static bool HasEdges(ReadOnlySpan<byte> value) =>
        !value.IsEmpty && (value[0] is (byte)' ' or (byte)'\t' || value[^1] is (byte)' ' or (byte)'\t');

    // Section 8.3: known ones, once each, in front of all others.
    private bool AddPseudo(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        Pseudo? pseudo = name switch
        {
            _ when name.SequenceEqual(":method"u8) => Pseudo.Method,
            _ when name.SequenceEqual(":scheme"u8) => Pseudo.Scheme,
            _ when name.SequenceEqual(":authority"u8) => Pseudo.Authority,
            _ when name.SequenceEqual(":path"u8) => Pseudo.Path,
            _ => null,
        };
        if (pseudo is not { } known || _hasLine || _isTrailer || Has(known) || value.ContainsAny(Breaks)) return false;
        IsTooLong |= value.Length > _pseudo.Length - _pseudoLength;
        if (IsTooLong) return true;
        value.CopyTo(_pseudo.AsSpan(_pseudoLength));
        _pseudoPlaces[(int)known] = (_pseudoLength, value.Length);
        _pseudoLength += value.Length;
        return true;
    }

    private bool AddField(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (name.ContainsAnyExcept(Name) || IsOfConnection(name, value)) return false;
        if (_isTrailer) return true;
        if (!_hasLine && !BeginLines()) return false;
        if (name.SequenceEqual("host"u8) && Has(Pseudo.Authority))
        {
            // It may repeat what :authority says (section 8.3.1).
            bool isFirst = !_hasHost;
            _hasHost = true;
            return isFirst && Ascii.EqualsIgnoreCase(value, Get(Pseudo.Authority));
        }
        if (name.SequenceEqual("cookie"u8))
        {
            AppendCrumb(value);
            return true;
        }
        if (name.SequenceEqual("content-length"u8)) ContentLength = LengthOf(value);
        AppendLine(name, value);
        return true;
    }

    // A cookie may come in many crumbs (section 8.2.3).
    private void AppendCrumb(ReadOnlySpan<byte> crumb)
    {
        ReadOnlySpan<byte> between = _cookieLength == 0 ? default : "; "u8;
        IsTooLong |= between.Length + crumb.Length > _cookie.Length - _cookieLength;
        if (IsTooLong) return;
        between.CopyTo(_cookie.AsSpan(_cookieLength));
        crumb.CopyTo(_cookie.AsSpan(_cookieLength + between.Length));
        _cookieLength += between.Length + crumb.Length;
    }

    // Section 8.2.2.
    private static bool IsOfConnection(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value) => name.Length switch
    {
        2 => name.SequenceEqual("te"u8) && !value.SequenceEqual("trailers"u8),
        7 => name.SequenceEqual("upgrade"u8),
        10 => name.SequenceEqual("connection"u8) || name.SequenceEqual("keep-alive"u8),
        16 => name.SequenceEqual("proxy-connection"u8),
        17 => name.SequenceEqual("transfer-encoding"u8),
        _ => false,
    };

    // The request line and Host; false when what section 8.3.1 asks for is not there.
    private bool BeginLines()
    {
        _hasLine = true;
        ReadOnlySpan<byte> method = Get(Pseudo.Method), path = Get(Pseudo.Path);
        if (method.IsEmpty) return false;
        if (method.SequenceEqual("CONNECT"u8))
        {
            // It has an authority alone (section 8.5), which the parser refuses as a target.
            if (Has(Pseudo.Path) || Has(Pseudo.Scheme) || !Has(Pseudo.Authority)) return false;
            path = Get(Pseudo.Authority);
        }
        else if (path.IsEmpty || !HasScheme() || (path[0] != '/' && !IsAsterisk(method, path))) return false;
        Append(method);
        Append(" "u8);
        Append(path);
        Append(" HTTP/1.1\r\n"u8);
        if (Has(Pseudo.Authority)) AppendLine("host"u8, Get(Pseudo.Authority));
        return true;
    }

    private bool HasScheme() =>
        Get(Pseudo.Scheme).SequenceEqual("https"u8) || Get(Pseudo.Scheme).SequenceEqual("http"u8);

    private static bool IsAsterisk(ReadOnlySpan<byte> method, ReadOnlySpan<byte> path) =>
        method.SequenceEqual("OPTIONS"u8) && path.SequenceEqual("*"u8);

    // What is no number is refused by the parser.
    private static long LengthOf(ReadOnlySpan<byte> digits) =>
        System.Buffers.Text.Utf8Parser.TryParse(digits, out long length, out int used) && used == digits.Length
            ? length : -1;

    private bool Has(Pseudo pseudo) => _pseudoPlaces[(int)pseudo].Start >= 0;

    private ReadOnlySpan<byte> Get(Pseudo pseudo)
    {
        (int start, int length) = _pseudoPlaces[(int)pseudo];
        return start < 0 ? default : _pseudo.AsSpan(start, length);
    }

    private void AppendLine(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        Append(name);
        Append(": "u8);
        Append(value);
        Append("\r\n"u8);
    }

    private void Append(ReadOnlySpan<byte> text)
    {
        IsTooLong |= text.Length > _text.Length - _length;
        if (IsTooLong) return;
        text.CopyTo(_text.AsSpan(_length));
        _length += text.Length;
    }
}
