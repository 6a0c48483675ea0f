namespace MicroCdn.Caching;

/// <summary>Reads a dictionary in a structured field, strictly (RFC 9651, section 4.2.2).</summary>
/// <remarks>Every type is checked; only what cache directives use is given out. Parameters are checked and passed over,
/// as RFC 9213, section 2.1 asks.</remarks>
internal ref struct StructuredDictionary(ReadOnlySpan<byte> field)
{
    private ReadOnlySpan<byte> _rest = field.Trim((byte)' ');
    private bool _isFirst = true;

    /// <summary>The key of the member.</summary>
    public ReadOnlySpan<byte> Key { get; private set; }

    /// <summary>What kind of value it has; without one it is true (RFC 9651, section 3.2).</summary>
    public StructuredKind Kind { get; private set; }

    /// <summary>Its value, of an integer.</summary>
    public long Integer { get; private set; }

    /// <summary>Its value, of a Boolean.</summary>
    public bool Boolean { get; private set; }

    /// <summary>Its value, of a string or a token; a string with its backslashes.</summary>
    public ReadOnlySpan<byte> Text { get; private set; }

    /// <summary>True when reading ended before the end of the field: then nothing that was read counts.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>True when a field is a dictionary from its first byte to its last; an empty one is.</summary>
    public static bool IsValid(ReadOnlySpan<byte> field)
    {
        StructuredDictionary members = new(field);
        while (members.Next())
        {
        }
        return !members.IsBroken;
    }

    /// <summary>Goes to the next member; false at the end, or where the field is broken.</summary>
    public bool Next()
    {
        if (IsBroken || _rest.IsEmpty) return false;
        if (_isFirst || ReadComma())
        {
            _isFirst = false;
            if (ReadMember()) return true;
        }
        IsBroken = true;
        return false;
    }

    private bool ReadComma()
    {
        _rest = _rest.TrimStart(Tokens.Blanks);
        if (_rest.IsEmpty || _rest[0] != ',') return false;
        _rest = _rest[1..].TrimStart(Tokens.Blanks);
        return !_rest.IsEmpty;
    }

    private bool ReadMember()
    {
        Kind = StructuredKind.Boolean;
        Boolean = true;
        Integer = 0;
        Text = default;
        ReadOnlySpan<byte> rest = _rest;
        if (!StructuredItems.Key(ref rest, out ReadOnlySpan<byte> key)) return false;
        Key = key;
        bool isSound = (rest.IsEmpty || rest[0] != '=' || ReadValue(ref rest)) && StructuredItems.Parameters(ref rest);
        _rest = rest;
        return isSound;
    }

    private bool ReadValue(scoped ref ReadOnlySpan<byte> rest)
    {
        rest = rest[1..];
        if (!rest.IsEmpty && rest[0] == '(')
        {
            Kind = StructuredKind.Other;
            return StructuredItems.InnerList(ref rest);
        }
        Kind = StructuredItems.Item(ref rest, out long integer, out ReadOnlySpan<byte> text);
        Integer = integer;
        Boolean = integer == 1;
        Text = text;
        return Kind != StructuredKind.None;
    }
}

/// <summary>The kinds of values of a structured field (RFC 9651, section 3.3), as far as they matter here.</summary>
internal enum StructuredKind
{
    /// <summary>None: it is malformed.</summary>
    None,

    /// <summary>An integer.</summary>
    Integer,

    /// <summary><c>?1</c>, <c>?0</c>, or a member without value.</summary>
    Boolean,

    /// <summary>A string.</summary>
    String,

    /// <summary>A token.</summary>
    Token,

    /// <summary>A decimal, bytes, a date, a display string, or a list.</summary>
    Other,
}
