using System.IO.Hashing;

namespace MicroCdn.Records;

/// <summary>The check that a row is stored with: SQLite notices a broken page, and not a bit that fell over in
/// it.</summary>
internal static class RowCheck
{
    /// <summary>The check of a row; kind and key seed the value's, so that no row passes in place of another.</summary>
    public static long Of(int kind, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) =>
        (long)XxHash3.HashToUInt64(value, (long)XxHash3.HashToUInt64(key, kind));
}
