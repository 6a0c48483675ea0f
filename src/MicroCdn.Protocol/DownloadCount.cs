using System.Buffers;
using System.Globalization;
using System.Text;

namespace MicroCdn.Protocol;

/// <summary>A DOWNLOADS line: how much of a file a content server sent on one day.</summary>
/// <param name="Server">Whose it is.</param>
/// <param name="Day">The day, UTC.</param>
/// <param name="Name">The file.</param>
/// <param name="Count">How often its bytes were sent whole; the ranges of one download count once.</param>
/// <param name="Bytes">Bytes that were sent of it.</param>
public sealed record DownloadCount(ServerId Server, DateOnly Day, string Name, long Count, long Bytes)
{
    /// <summary>Most lines of one telling to an index that does not say how many it takes.</summary>
    public const int UsualLines = 16;

    /// <summary>Most lines of one telling: some milliseconds of an event loop.</summary>
    public const int MostLines = 2_000;

    private const string DayForm = "yyyy-MM-dd";

    /// <summary>Reads a day as it stands on the wire; false for what is none.</summary>
    public static bool TryParseDay(string text, out DateOnly day) =>
        DateOnly.TryParseExact(text, DayForm, CultureInfo.InvariantCulture, DateTimeStyles.None, out day);

    /// <summary>A day as it stands on the wire.</summary>
    public static string DayText(DateOnly day) => day.ToString(DayForm, CultureInfo.InvariantCulture);

    /// <summary>Reads what follows the verb; false for what is none.</summary>
    public static bool TryParse(Words words, out DownloadCount? count)
    {
        count = null;
        if (!words.Next(out ReadOnlySpan<byte> word) || !ServerId.TryCreate(word, out ServerId server)) return false;
        if (!words.Next(out word) || word.Length != DayForm.Length) return false;
        if (!TryParseDay(Encoding.UTF8.GetString(word), out DateOnly day)) return false;
        if (!words.Next(out word) || word.Length > 3 * Limits.NameBytes) return false;
        Span<byte> decoded = stackalloc byte[3 * Limits.NameBytes];
        decoded = decoded[..PercentText.Decode(word, decoded)];
        if (!FileName.IsValid(decoded)) return false;
        long times = -1, bytes = -1;
        bool valid = true;
        while (valid && words.NextPair(out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value))
        {
            if (key.SequenceEqual("count"u8)) valid = Words.IsNumber(value, out times);
            else if (key.SequenceEqual("bytes"u8)) valid = Words.IsNumber(value, out bytes);
        }
        if (!valid || !words.AtEnd || times < 0 || bytes < 0) return false;
        count = new DownloadCount(server, day, Encoding.UTF8.GetString(decoded), times, bytes);
        return true;
    }

    /// <summary>Appends the line, LF included.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        output.WriteText($"DOWNLOADS {Server} {DayText(Day)} ");
        PercentText.Encode(Encoding.UTF8.GetBytes(Name), output);
        output.WriteText($" count={Count} bytes={Bytes}\n");
    }
}
