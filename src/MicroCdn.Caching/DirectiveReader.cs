namespace MicroCdn.Caching;

/// <summary>Takes the directives off one line of Cache-Control (RFC 9111, section 5.2).</summary>
/// <remarks>What stands within a quoted string is never a directive. An element that is malformed is still named where
/// it has a name, so that a restriction with a mistake in it still restricts.</remarks>
internal ref struct DirectiveReader(ReadOnlySpan<byte> line)
{
    private ReadOnlySpan<byte> _rest = line;

    /// <summary>The name of the directive.</summary>
    public ReadOnlySpan<byte> Name { get; private set; }

    /// <summary>Its argument: a token, or what stands between the quotes, with its backslashes.</summary>
    public ReadOnlySpan<byte> Argument { get; private set; }

    /// <summary>True when there is an argument.</summary>
    public bool HasArgument { get; private set; }

    /// <summary>True when the element is not of the form name, or name=argument.</summary>
    public bool IsMalformed { get; private set; }

    /// <summary>Goes to the next directive; false when there is none.</summary>
    public bool Next()
    {
        while (true)
        {
            _rest = _rest.TrimStart(", \t"u8);
            if (_rest.IsEmpty) return false;
            int length = Tokens.LengthOf(_rest);
            Name = _rest[..length];
            Argument = default;
            HasArgument = IsMalformed = false;
            _rest = _rest[length..];
            if (!_rest.IsEmpty && _rest[0] == '=') ReadArgument();
            ReadOnlySpan<byte> behind = _rest.TrimStart(Tokens.Blanks);
            if (!behind.IsEmpty && behind[0] != ',')
            {
                IsMalformed = true;
                SkipElement();
            }
            else
            {
                _rest = behind;
            }
            if (length > 0) return true;
        }
    }

    private void ReadArgument()
    {
        _rest = _rest[1..];
        HasArgument = true;
        if (!_rest.IsEmpty && _rest[0] == '"')
        {
            int quoted = Tokens.QuotedLength(_rest);
            IsMalformed = quoted == 0;
            Argument = IsMalformed ? default : _rest[1..(quoted - 1)];
            _rest = IsMalformed ? default : _rest[quoted..];
            return;
        }
        int length = Tokens.LengthOf(_rest);
        IsMalformed = length == 0;
        Argument = _rest[..length];
        _rest = _rest[length..];
    }

    // To the comma that ends the element: one between quotes is their own.
    private void SkipElement()
    {
        while (!_rest.IsEmpty && _rest[0] != ',')
        {
            int step = _rest[0] == '"' ? Tokens.QuotedLength(_rest) : 1;
            _rest = step == 0 ? default : _rest[step..];
        }
    }
}
