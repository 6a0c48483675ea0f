using System.Buffers;

namespace MicroCdn.Http;

/// <summary>Finds the bytes of one request's body among what arrives: by its length, or chunk by chunk (RFC 9112,
/// section 7.1).</summary>
/// <remarks>As strict as <see cref="RequestParser"/>, for the same reason: whoever sees another end of a body takes its
/// rest for a request. Sizes are digits alone, lines end in CR LF, extensions and trailers are bounded and
/// dropped.</remarks>
internal sealed class BodyFraming
{
    // More would be no length that anything has.
    private const int MostDigits = 15;

    // What a body may say beside its bytes: nobody needs it, and it costs its sender nothing else.
    private const int MostExtra = 8 * 1024;

    private static readonly SearchValues<byte> NotInExtra = SearchValues.Create(
        [.. Enumerable.Range(0, 0x20).Where(b => b is not '\t').Select(b => (byte)b), 0x7F]);

    private State _state;
    private long _left;
    private int _digits;
    private int _extra;

    /// <summary>A body of a length, or of -1 for chunks.</summary>
    public BodyFraming(long length) => (_state, _left) = length switch
    {
        < 0 => (State.Size, 0),
        0 => (State.Over, 0),
        _ => (State.Bytes, length),
    };

    private enum State
    {
        /// <summary>So many bytes, and no more.</summary>
        Bytes,

        /// <summary>The digits of a chunk's size.</summary>
        Size,

        /// <summary>What may stand behind the size.</summary>
        Extension,

        /// <summary>The LF behind the size.</summary>
        SizeEnd,

        /// <summary>A chunk's bytes.</summary>
        Chunk,

        /// <summary>The CR behind them.</summary>
        ChunkEnd,

        /// <summary>The LF behind that.</summary>
        ChunkEndLine,

        /// <summary>The beginning of a trailer line, or the CR of the empty one.</summary>
        Trailers,

        /// <summary>The rest of a trailer line.</summary>
        TrailerLine,

        /// <summary>Its LF.</summary>
        TrailerEnd,

        /// <summary>The last LF.</summary>
        LastEnd,

        /// <summary>Nothing more belongs to the body.</summary>
        Over,

        /// <summary>This is no body.</summary>
        Broken,
    }

    /// <summary>True once the body came to its end.</summary>
    public bool IsOver => _state == State.Over;

    /// <summary>True once something came that no body has.</summary>
    public bool IsBroken => _state == State.Broken;

    /// <summary>Takes some of the input.</summary>
    /// <param name="input">What arrived.</param>
    /// <param name="most">The most bytes of the body to take.</param>
    /// <param name="bytes">The bytes of the body, which may be none.</param>
    /// <returns>How much of the input was taken.</returns>
    public int Take(ReadOnlySpan<byte> input, int most, out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        int at = 0;
        while (at < input.Length && _state < State.Over)
        {
            if (_state is State.Bytes or State.Chunk)
            {
                bytes = input.Slice(at, (int)Math.Min(_left, Math.Min(most, input.Length - at)));
                _left -= bytes.Length;
                if (_left == 0) _state = _state == State.Bytes ? State.Over : State.ChunkEnd;
                return at + bytes.Length;
            }
            if (_state is State.Extension or State.TrailerLine) at += SkipLine(input[at..]);
            else _state = Next(input[at++]);
        }
        return at;
    }

    private State Next(byte one) => _state switch
    {
        State.Size => NextOfSize(one),
        State.SizeEnd when one == '\n' => _left > 0 ? State.Chunk : State.Trailers,
        State.ChunkEnd when one == '\r' => State.ChunkEndLine,
        State.ChunkEndLine when one == '\n' => BeginSize(),
        State.Trailers when one == '\r' => State.LastEnd,
        // A line of a name, which does not begin with a space: that would fold the one before.
        State.Trailers when one > ' ' && one != ':' && !NotInExtra.Contains(one) => State.TrailerLine,
        State.TrailerEnd when one == '\n' => State.Trailers,
        State.LastEnd when one == '\n' => State.Over,
        _ => State.Broken,
    };

    private State BeginSize()
    {
        (_left, _digits) = (0, 0);
        return State.Size;
    }

    private State NextOfSize(byte one)
    {
        if (char.IsAsciiHexDigit((char)one))
        {
            _left = (_left << 4) | (long)Convert.FromHexString([(char)'0', (char)one])[0];
            return ++_digits > MostDigits ? State.Broken : State.Size;
        }
        return _digits == 0 ? State.Broken
            : one == '\r' ? State.SizeEnd
            : one == ';' ? State.Extension
            : State.Broken;
    }

    // Up to the CR that ends the line, or the end of what came.
    private int SkipLine(ReadOnlySpan<byte> input)
    {
        int end = input.IndexOfAny(NotInExtra);
        int length = end < 0 ? input.Length : end;
        // The same however it is cut into pieces.
        int taken = end < 0 ? length : length + 1;
        _extra += taken;
        if (_extra > MostExtra || (end >= 0 && input[end] != '\r')) _state = State.Broken;
        else if (end >= 0) _state = _state == State.Extension ? State.SizeEnd : State.TrailerEnd;
        return taken;
    }
}
