using System.Text;

namespace MicroCdn.Protocol;

/// <summary>The fields of one HTTP message, in the order and in the very bytes in which they came (RFC 9110,
/// section 5).</summary>
/// <remarks>Names compare without regard to case. A value is bytes, not text: what an origin sends in some old code
/// page leaves as it came. Immutable; <see cref="Builder"/> makes one.</remarks>
public sealed class HeaderFields : IFields
{
    private readonly byte[] _bytes;
    private readonly Place[] _places;

    private HeaderFields(byte[] bytes, Place[] places) => (_bytes, _places) = (bytes, places);

    /// <summary>No field.</summary>
    public static HeaderFields Empty { get; } = new([], []);

    /// <summary>How many lines there are.</summary>
    public int Count => _places.Length;

    /// <summary>All lines as they are sent, each with its CR LF, without the empty line at the end.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>The name in a line.</summary>
    public ReadOnlySpan<byte> NameAt(int line) => _bytes.AsSpan(_places[line].Start, _places[line].NameLength);

    /// <summary>The value in a line, without the spaces around it.</summary>
    public ReadOnlySpan<byte> ValueAt(int line) => _bytes.AsSpan(_places[line].ValueStart, _places[line].ValueLength);

    /// <summary>True when the line has this name.</summary>
    public bool IsNamed(int line, ReadOnlySpan<byte> name) => Ascii.EqualsIgnoreCase(NameAt(line), name);

    /// <summary>The first line of a name at or after a line; -1 when there is none.</summary>
    public int IndexOf(ReadOnlySpan<byte> name, int from = 0)
    {
        for (int line = from; line < _places.Length; line++)
        {
            if (_places[line].NameLength == name.Length && IsNamed(line, name)) return line;
        }
        return -1;
    }

    /// <summary>True when a line has this name.</summary>
    public bool Has(ReadOnlySpan<byte> name) => IndexOf(name) >= 0;

    /// <summary>The value of the first line of a name; empty when there is none.</summary>
    public ReadOnlySpan<byte> First(ReadOnlySpan<byte> name) =>
        IndexOf(name) is >= 0 and var line ? ValueAt(line) : default;

    /// <summary>The values of all lines of a name, joined by a comma and a space (RFC 9110, section 5.3); empty when
    /// there is none. It allocates only where there are several.</summary>
    public ReadOnlySpan<byte> Joined(ReadOnlySpan<byte> name)
    {
        int line = IndexOf(name);
        if (line < 0) return default;
        ReadOnlySpan<byte> all = ValueAt(line);
        while ((line = IndexOf(name, line + 1)) >= 0) all = (byte[])[.. all, .. ", "u8, .. ValueAt(line)];
        return all;
    }

    /// <summary>Reads lines that are known to be sound: each a name, a colon, a value, CR LF.</summary>
    /// <exception cref="InvalidDataException">They are not.</exception>
    public static HeaderFields FromLines(ReadOnlySpan<byte> lines)
    {
        Builder builder = new();
        while (!lines.IsEmpty)
        {
            int end = lines.IndexOf("\r\n"u8), colon = lines.IndexOf((byte)':');
            if (colon <= 0 || end < colon) throw new InvalidDataException("This is no field line.");
            builder.Add(lines[..colon], lines[(colon + 1)..end].Trim(" \t"u8));
            lines = lines[(end + 2)..];
        }
        return builder.Build();
    }

    /// <inheritdoc/>
    public override string ToString() => Encoding.Latin1.GetString(_bytes);

    // Where one line lies in the bytes.
    private readonly record struct Place(int Start, int NameLength, int ValueStart, int ValueLength);

    /// <summary>Puts fields together.</summary>
    public sealed class Builder
    {
        private readonly List<Place> _places = [];
        private byte[] _bytes = [];
        private int _length;

        /// <summary>Adds a line. Neither name nor value may hold CR or LF.</summary>
        public Builder Add(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
        {
            int needed = name.Length + value.Length + 4;
            int most = Math.Max(_length + needed, 2 * _bytes.Length);
            if (_bytes.Length - _length < needed) Array.Resize(ref _bytes, most);
            Span<byte> target = _bytes.AsSpan(_length);
            name.CopyTo(target);
            ": "u8.CopyTo(target[name.Length..]);
            value.CopyTo(target[(name.Length + 2)..]);
            "\r\n"u8.CopyTo(target[(needed - 2)..]);
            _places.Add(new Place(_length, name.Length, _length + name.Length + 2, value.Length));
            _length += needed;
            return this;
        }

        /// <summary>Adds a line of other fields.</summary>
        public Builder Add(HeaderFields fields, int line) => Add(fields.NameAt(line), fields.ValueAt(line));

        /// <summary>All that was added.</summary>
        public HeaderFields Build() => _length == 0 ? Empty : new(_bytes.AsSpan(0, _length).ToArray(), [.. _places]);
    }
}
