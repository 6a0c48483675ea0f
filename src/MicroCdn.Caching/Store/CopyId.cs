using System.Globalization;
using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace MicroCdn.Caching.Store;

/// <summary>Where the copies of a key are found: a hash of its text, whose first three digits are the shelf.</summary>
/// <remarks>It finds, and never decides: whoever is found has its key's text compared.</remarks>
internal static class CopyId
{
    private const int HashDigits = 29;

    public static UInt128 Of(CacheKey key) => key.Hash;

    /// <summary>The same of a text that nobody has made a key of yet.</summary>
    public static UInt128 Of(ReadOnlySpan<char> text) => XxHash128.HashToUInt128(MemoryMarshal.AsBytes(text));

    public static int ShelfOf(UInt128 id) => (int)(id >> 116);

    /// <summary>The name of a copy's file on its shelf: the other digits of the hash, and its number.</summary>
    public static string NameOf(UInt128 id, long sequence) =>
        string.Create(CultureInfo.InvariantCulture, $"{id & (UInt128.MaxValue >> 12):x29}-{sequence:x}");

    /// <summary>Reads such a name; false for one that is somebody else's.</summary>
    public static bool TryRead(int shelf, string name, out UInt128 id, out long sequence)
    {
        (id, sequence) = (0, 0);
        if (name.Length is < HashDigits + 2 or > HashDigits + 17 || name[HashDigits] != '-') return false;
        bool isOne = UInt128.TryParse(name.AsSpan(0, HashDigits), NumberStyles.AllowHexSpecifier,
            CultureInfo.InvariantCulture, out id)
            && long.TryParse(name.AsSpan(HashDigits + 1), NumberStyles.AllowHexSpecifier,
                CultureInfo.InvariantCulture, out sequence);
        id |= (UInt128)(uint)shelf << 116;
        return isOne && sequence > 0 && name == NameOf(id, sequence);
    }
}
