namespace MicroCdn.Monitor;

/// <summary>Compares ids as the bytes they are on the wire, so that a datagram finds its server without
/// allocating.</summary>
internal sealed class WordComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
{
    public static readonly WordComparer Instance = new();

    public bool Equals(byte[]? one, byte[]? other) => one.AsSpan().SequenceEqual(other);

    public int GetHashCode(byte[] word) => GetHashCode((ReadOnlySpan<byte>)word);

    public bool Equals(ReadOnlySpan<byte> one, byte[] other) => one.SequenceEqual(other);

    public int GetHashCode(ReadOnlySpan<byte> word)
    {
        HashCode hash = default;
        hash.AddBytes(word);
        return hash.ToHashCode();
    }

    public byte[] Create(ReadOnlySpan<byte> word) => word.ToArray();
}
