using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;

namespace MicroCdn.Http;

/// <summary>Writes the SHA-256 of a representation as fields carry it: entity tag, Repr-Digest and Digest.</summary>
/// <remarks>
/// The entity tag is the digest, so it is the same on every server and a download can change servers in the middle. A
/// compressed form is another representation (RFC 9110, section 8.8.3.3): its tag tells the coding, and the file's
/// digest must not be sent with it.
/// </remarks>
public static class Digests
{
    /// <summary>The length of the tag of uncompressed bytes.</summary>
    public const int EntityTagBytes = 2 + (2 * SHA256.HashSizeInBytes);

    /// <summary>The most that a tag takes.</summary>
    public const int MostEntityTagBytes = EntityTagBytes + 5;

    /// <summary>The length of a Repr-Digest value.</summary>
    public const int ReprDigestBytes = 9 + Base64Bytes + 1;

    /// <summary>The length of a Digest value.</summary>
    public const int LegacyDigestBytes = 8 + Base64Bytes;

    private const int Base64Bytes = 44;

    /// <summary>Writes a strong entity tag (RFC 9110, section 8.8.3): the digest in lower-case hexadecimal, for a
    /// compressed form followed by <c>-zstd</c>, <c>-br</c> or <c>-gzip</c>, in quotes.</summary>
    /// <param name="sha256">The 32 bytes of the uncompressed representation's digest.</param>
    /// <param name="coding">How the representation is coded.</param>
    /// <param name="target">At least <see cref="MostEntityTagBytes"/>.</param>
    /// <returns>The number of bytes written.</returns>
    public static int WriteEntityTag(ReadOnlySpan<byte> sha256, Coding coding, Span<byte> target)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(sha256.Length, SHA256.HashSizeInBytes, nameof(sha256));
        target[0] = (byte)'"';
        Convert.TryToHexStringLower(sha256, target[1..], out int length);
        length++;
        if (coding != Coding.Identity)
        {
            target[length++] = (byte)'-';
            ReadOnlySpan<byte> name = ContentCodings.NameOf(coding);
            name.CopyTo(target[length..]);
            length += name.Length;
        }
        target[length] = (byte)'"';
        return length + 1;
    }

    /// <summary>Writes <c>sha-256=:BASE64:</c> (RFC 9530, section 3).</summary>
    /// <param name="sha256">The 32 bytes of the digest.</param>
    /// <param name="target">At least <see cref="ReprDigestBytes"/>, which is what is written.</param>
    public static void WriteReprDigest(ReadOnlySpan<byte> sha256, Span<byte> target)
    {
        "sha-256=:"u8.CopyTo(target);
        WriteBase64(sha256, target.Slice(9, Base64Bytes));
        target[ReprDigestBytes - 1] = (byte)':';
    }

    /// <summary>Writes <c>SHA-256=BASE64</c> (RFC 3230, section 4.3.2, obsolete): what aria2 checks.</summary>
    /// <param name="sha256">The 32 bytes of the digest.</param>
    /// <param name="target">At least <see cref="LegacyDigestBytes"/>, which is what is written.</param>
    public static void WriteLegacyDigest(ReadOnlySpan<byte> sha256, Span<byte> target)
    {
        "SHA-256="u8.CopyTo(target);
        WriteBase64(sha256, target.Slice(8, Base64Bytes));
    }

    /// <summary>True when a client would like a SHA-256, by its Want-Repr-Digest field (RFC 9530, section 4).</summary>
    /// <remarks>
    /// The field is a dictionary of integers from 0 to 10 (RFC 9651, section 3.2); of a key given twice the last
    /// counts. One that is malformed anywhere counts as absent (RFC 9651, section 4.2), and an absent one as a wish.
    /// </remarks>
    /// <param name="wantReprDigest">The field value; empty when absent.</param>
    public static bool WantsDigest(ReadOnlySpan<byte> wantReprDigest)
    {
        ReadOnlySpan<byte> rest = wantReprDigest.Trim((byte)' ');
        if (rest.IsEmpty) return true;
        bool wanted = false;
        while (true)
        {
            if (!TryReadMember(ref rest, out ReadOnlySpan<byte> key, out int value)) return true;
            if (key.SequenceEqual("sha-256"u8)) wanted = value > 0;
            rest = rest.TrimStart(" \t"u8);
            if (rest.IsEmpty) return wanted;
            if (rest[0] != ',') return true;
            rest = rest[1..].TrimStart(" \t"u8);
        }
    }

    private static void WriteBase64(ReadOnlySpan<byte> sha256, Span<byte> target)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(sha256.Length, SHA256.HashSizeInBytes, nameof(sha256));
        Base64.EncodeToUtf8(sha256, target, out _, out _);
    }

    // key "=" integer. RFC 9530 defines no parameters, and a preference is an integer from 0 to 10.
    private static bool TryReadMember(ref ReadOnlySpan<byte> text, out ReadOnlySpan<byte> key, out int value)
    {
        value = 0;
        int length = text.IndexOfAnyExcept(KeyBytes);
        key = length < 0 ? text : text[..length];
        if (key.IsEmpty || key[0] is not ((>= (byte)'a' and <= (byte)'z') or (byte)'*')) return false;
        text = text[key.Length..];
        if (text.Length < 2 || text[0] != '=') return false;
        text = text[1..];
        int digits = 0;
        while (digits < text.Length && text[digits] is >= (byte)'0' and <= (byte)'9')
        {
            value = Math.Min((value * 10) + (text[digits++] - '0'), 11);
        }
        // An integer of structured fields has at most fifteen digits (RFC 9651, section 3.3.1).
        text = text[digits..];
        return digits is > 0 and <= 15 && value <= 10;
    }

    private static readonly SearchValues<byte> KeyBytes =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789_-.*"u8);
}
