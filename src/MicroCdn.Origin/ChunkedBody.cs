namespace MicroCdn.Origin;

/// <summary>Reads what stands between the chunks of a body (RFC 9112, section 7.1), cut anywhere.</summary>
/// <remarks>The data itself is none of its business: it says how much of it follows, and is told how much was
/// taken. Extensions and trailers are passed over within their bounds.</remarks>
internal struct ChunkedBody
{
    private const int MostDigits = 15;

    private Step _step;
    private long _left;
    private int _digits;
    private int _lineBytes;
    private int _trailerBytes;
    private bool _hasTrailer;

    private enum Step
    {
        Size,
        Extension,
        SizeEnd,
        Data,
        DataReturn,
        DataEnd,
        Trailer,
        TrailerEnd,
        Over,
    }

    /// <summary>How many bytes of data follow at once; none while the size of the next chunk is not all here.</summary>
    public readonly long DataLeft => _step == Step.Data ? _left : 0;

    /// <summary>True when the last chunk and the empty line behind it were seen.</summary>
    public readonly bool IsOver => _step == Step.Over;

    /// <summary>What is wrong, or null.</summary>
    public string? Fault { get; private set; }

    /// <summary>Notes that so much of the data was taken.</summary>
    public void Take(long bytes)
    {
        _left -= bytes;
        if (_left == 0) _step = Step.DataReturn;
    }

    /// <summary>Reads until data follows, the body is over, something is wrong, or nothing is left; returns how many
    /// bytes it used.</summary>
    public int Read(ReadOnlySpan<byte> input)
    {
        int at = 0;
        while (at < input.Length && _step is not (Step.Over or Step.Data) && Fault is null) Feed(input[at++]);
        return at;
    }

    private void Feed(byte value)
    {
        switch (_step)
        {
            case Step.Size:
                FeedSize(value);
                break;
            case Step.Extension when value == '\r':
                _step = Step.SizeEnd;
                break;
            case Step.Extension:
                FeedExtension(value);
                break;
            case Step.SizeEnd when value == '\n':
                (_step, _digits, _lineBytes) = (_left > 0 ? Step.Data : Step.Trailer, 0, 0);
                break;
            case Step.DataReturn when value == '\r':
                _step = Step.DataEnd;
                break;
            case Step.DataEnd when value == '\n':
                _step = Step.Size;
                break;
            case Step.Trailer:
                FeedTrailer(value);
                break;
            case Step.TrailerEnd when value == '\n':
                _step = _hasTrailer ? Step.Trailer : Step.Over;
                _hasTrailer = false;
                break;
            default:
                Fault = "a chunk does not end where its size says, or a line ends in LF alone";
                break;
        }
    }

    private void FeedSize(byte value)
    {
        if (char.IsAsciiHexDigit((char)value))
        {
            // A quintillion bytes; more digits would overflow, or count endless zeros.
            if (++_digits > MostDigits) Fault = "a chunk's size has more than 15 digits";
            else _left = (_left * 16) + HexValue(value);
            return;
        }
        bool ends = value is (byte)'\r' or (byte)';' or (byte)' ' or (byte)'\t';
        if (!ends || _digits == 0) Fault = "a chunk's size is not hexadecimal digits";
        else if (value == '\r') _step = Step.SizeEnd;
        else _step = Step.Extension;
    }

    private static int HexValue(byte digit) => digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;

    private void FeedExtension(byte value)
    {
        if (value is (byte)'\n' or 0) Fault = "a chunk's extension holds LF or NUL";
        else if (++_lineBytes > OriginLimits.ChunkLineBytes) Fault = "a chunk's extensions are longer than 1 KiB";
    }

    private void FeedTrailer(byte value)
    {
        if (value == '\r')
        {
            _step = Step.TrailerEnd;
            return;
        }
        _hasTrailer = true;
        if (value == '\n') Fault = "a trailer line ends in LF alone";
        else if (++_trailerBytes > OriginLimits.TrailerBytes) Fault = "the trailers are longer than 16 KiB";
    }
}
