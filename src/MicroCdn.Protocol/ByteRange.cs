namespace MicroCdn.Protocol;

/// <summary>Some bytes of a representation that follow one another.</summary>
/// <param name="Offset">Where the first one stands.</param>
/// <param name="Length">How many they are.</param>
public readonly record struct ByteRange(long Offset, long Length)
{
    /// <summary>The offset behind the last byte.</summary>
    public long End => Offset + Length;
}
