using System.Buffers;
using System.Runtime.InteropServices;

namespace MicroCdn.Protocol;

/// <summary>The SHA-256 of a file's bytes: the same on every server that has the same bytes.</summary>
public readonly record struct FileDigest
{
    /// <summary>Its length in bytes.</summary>
    public const int Length = 32;

    private readonly long _first;
    private readonly long _second;
    private readonly long _third;
    private readonly long _fourth;

    /// <summary>Takes the 32 bytes of a digest.</summary>
    public FileDigest(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<long> parts = MemoryMarshal.Cast<byte, long>(bytes[..Length]);
        (_first, _second, _third, _fourth) = (parts[0], parts[1], parts[2], parts[3]);
    }

    /// <summary>No digest: all zeros, which no known bytes have.</summary>
    public static FileDigest None => default;

    /// <summary>True when it is unknown.</summary>
    public bool IsNone => this == default;

    /// <summary>Writes the 32 bytes.</summary>
    public void CopyTo(Span<byte> bytes)
    {
        Span<long> parts = MemoryMarshal.Cast<byte, long>(bytes[..Length]);
        (parts[0], parts[1], parts[2], parts[3]) = (_first, _second, _third, _fourth);
    }

    /// <summary>Reads 64 hex digits in either case; 64 zeros are no digest.</summary>
    public static bool TryParse(ReadOnlySpan<byte> hex, out FileDigest digest)
    {
        digest = default;
        if (hex.Length != 2 * Length) return false;
        Span<byte> bytes = stackalloc byte[Length];
        if (Convert.FromHexString(hex, bytes, out _, out int written) != OperationStatus.Done || written != Length)
        {
            return false;
        }
        digest = new FileDigest(bytes);
        return !digest.IsNone;
    }

    /// <summary>Appends 64 lower-case hex digits.</summary>
    public void WriteHex(IBufferWriter<byte> output)
    {
        Span<byte> bytes = stackalloc byte[Length];
        CopyTo(bytes);
        Convert.TryToHexStringLower(bytes, output.GetSpan(2 * Length), out int written);
        output.Advance(written);
    }

    /// <summary>64 lower-case hex digits.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Length];
        CopyTo(bytes);
        return Convert.ToHexStringLower(bytes);
    }
}
