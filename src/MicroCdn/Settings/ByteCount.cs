using System.Globalization;

namespace MicroCdn.Settings;

/// <summary>A number of bytes as people write it: <c>512MiB</c>, <c>10GiB</c>.</summary>
/// <param name="Bytes">The number, 0 or more.</param>
internal readonly record struct ByteCount(long Bytes)
{
    private static readonly string[] Units = ["", "KiB", "MiB", "GiB", "TiB"];

    /// <summary>Reads a whole number with KiB, MiB, GiB or TiB behind it, or none for bytes.</summary>
    public static bool TryParse(string text, out ByteCount count)
    {
        int letters = text.AsSpan().IndexOfAnyExceptInRange('0', '9');
        int unit = Array.IndexOf(Units, letters < 0 ? "" : text[letters..]);
        bool valid = long.TryParse(letters < 0 ? text : text[..letters], NumberStyles.None,
            CultureInfo.InvariantCulture, out long number) && unit >= 0 && number <= long.MaxValue >> (10 * unit);
        count = valid ? new ByteCount(number << (10 * unit)) : default;
        return valid;
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        int unit = 0;
        while (unit + 1 < Units.Length && Bytes > 0 && Bytes % (1L << (10 * (unit + 1))) == 0) unit++;
        return (Bytes >> (10 * unit)).ToString(CultureInfo.InvariantCulture) + Units[unit];
    }
}
