namespace MicroCdn.Protocol;

/// <summary>Fields that can be looked up by name, wherever their bytes lie.</summary>
/// <remarks>Decisions about a request take any of these, so that a view on the bytes that came is as good as a copy of
/// them.</remarks>
public interface IFields
{
    /// <summary>True when a line has this name, be it empty.</summary>
    bool Has(ReadOnlySpan<byte> name);

    /// <summary>The values of all lines of a name, joined by a comma and a space (RFC 9110, section 5.3); empty when
    /// there is none.</summary>
    ReadOnlySpan<byte> Joined(ReadOnlySpan<byte> name);
}
