using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using MicroCdn.Http;
using MicroCdn.Protocol;

namespace MicroCdn.Edge;

/// <summary>Which bytes in which coding: what a compressed form is found by, in memory and on disk.</summary>
internal readonly record struct VariantKey
{
    private readonly UInt128 _high, _low;

    /// <summary>Takes the 32 bytes of the SHA-256 of the uncompressed bytes, and the coding.</summary>
    public VariantKey(ReadOnlySpan<byte> sha256, Coding coding)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(sha256.Length, SHA256.HashSizeInBytes, nameof(sha256));
        _high = BinaryPrimitives.ReadUInt128BigEndian(sha256);
        _low = BinaryPrimitives.ReadUInt128BigEndian(sha256[16..]);
        Coding = coding;
    }

    /// <summary>How the bytes are coded.</summary>
    public Coding Coding { get; }

    /// <summary>True when this is the digest of these bytes.</summary>
    public bool IsOf(ReadOnlySpan<byte> sha256) => this == new VariantKey(sha256, Coding);

    /// <summary>The strong entity tag of the compressed form.</summary>
    public byte[] EntityTag()
    {
        Span<byte> sha256 = stackalloc byte[SHA256.HashSizeInBytes], tag = stackalloc byte[Digests.MostEntityTagBytes];
        BinaryPrimitives.WriteUInt128BigEndian(sha256, _high);
        BinaryPrimitives.WriteUInt128BigEndian(sha256[16..], _low);
        return tag[..Digests.WriteEntityTag(sha256, Coding, tag)].ToArray();
    }

    /// <summary>The name of the file that keeps it, which tells the length too: <c>HEX.LENGTH.zst</c>.</summary>
    public FileName ToName(long length)
    {
        string text = string.Create(CultureInfo.InvariantCulture,
            $"{_high:x32}{_low:x32}.{length}.{Ending(Coding)}");
        return FileName.TryCreate(text, out FileName name) ? name : throw new InvalidOperationException(text);
    }

    /// <summary>Reads such a name; false when it is another one.</summary>
    public static bool TryRead(FileName name, out VariantKey key, out long length)
    {
        (key, length) = (default, 0);
        string[] parts = name.Value.Split('.');
        if (parts.Length != 3 || parts[0].Length != 2 * SHA256.HashSizeInBytes) return false;
        Coding coding = parts[2] switch
        {
            "zst" => Coding.Zstd,
            "br" => Coding.Brotli,
            "gz" => Coding.Gzip,
            _ => Coding.Identity,
        };
        Span<byte> sha256 = stackalloc byte[SHA256.HashSizeInBytes];
        if (coding == Coding.Identity) return false;
        if (Convert.FromHexString(parts[0], sha256, out _, out _) != System.Buffers.OperationStatus.Done) return false;
        if (!long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out length)) return false;
        key = new VariantKey(sha256, coding);
        return key.ToName(length) == name;
    }

    private static string Ending(Coding coding) => coding switch
    {
        Coding.Zstd => "zst",
        Coding.Brotli => "br",
        Coding.Gzip => "gz",
        _ => throw new ArgumentOutOfRangeException(nameof(coding)),
    };
}
