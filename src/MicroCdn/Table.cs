using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using MicroCdn.Protocol;

namespace MicroCdn;

/// <summary>How lists are written for people and for scripts.</summary>
internal static class Table
{
    /// <summary>Names as they are read, not as \u escapes; the output is no web page.</summary>
    public static JsonWriterOptions Json { get; } =
        new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A size for people, in binary units.</summary>
    public static string Size(long bytes)
    {
        string[] units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        double value = bytes;
        int unit = 0;
        for (; value >= 1024 && unit < units.Length - 1; unit++) value /= 1024;
        string format = unit == 0 ? "0" : "0.0";
        return $"{value.ToString(format, CultureInfo.InvariantCulture)} {units[unit]}";
    }

    /// <summary>A word that somebody wrote, short enough for a sentence.</summary>
    public static string Word(string text) => text.Length <= 80 ? text : $"{text[..60]}...";

    /// <summary>A time of which somebody said how many seconds after 1970 it is; null for one that is none.</summary>
    public static string? Time(long unixSeconds) => unixSeconds is < 0 or > Limits.UnixSeconds ? null
        : DateTimeOffset.FromUnixTimeSeconds(unixSeconds).ToString(
            "yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>Text from others without what a terminal would obey.</summary>
    public static string Plain(string text) => !text.AsSpan().ContainsAny(Controls) ? text
        : string.Concat(text.Select(c => char.IsControl(c) ? '?' : c));

    private static readonly SearchValues<char> Controls =
        SearchValues.Create([.. Enumerable.Range(0, 256).Select(c => (char)c).Where(char.IsControl)]);
}
