using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace MicroCdn;

/// <summary>How lists are written for people and for scripts.</summary>
internal static class Table
{
    /// <summary>Names as they are read, not as \u escapes; the output is no web page.</summary>
    public static JsonWriterOptions Json { get; } =
        new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Standard output with a buffer: a million rows are not a million writes.</summary>
    public static StreamWriter Output() => new(Console.OpenStandardOutput(), new UTF8Encoding(false), 64 * 1024);

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

    /// <summary>Text from others without what a terminal would obey.</summary>
    public static string Plain(string text) => string.Concat(text.Select(c => char.IsControl(c) ? '?' : c));
}
