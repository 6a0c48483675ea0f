namespace MicroCdn.Caching;

/// <summary>What a copy is a copy of: the target URI of a GET (RFC 9111, section 2), with its query, as the origin is
/// asked for it.</summary>
/// <remarks>Its text is <c>scheme://host:port/path?query</c>: scheme and host in lower case, the port always there, the
/// path still percent-encoded. Two keys are equal when their texts are: a hash alone never decides.</remarks>
/// <param name="Text">The whole.</param>
public readonly record struct CacheKey(string Text)
{
    /// <summary>The longest text in bytes: a target of 8 KiB behind a host name.</summary>
    public const int MostBytes = 8 * 1024 + 512;

    /// <summary>Its name in tables that must not grow with its length.</summary>
    public UInt128 Hash => Store.CopyId.Of(Text.AsSpan());

    /// <inheritdoc/>
    public override string ToString() => Text;
}
