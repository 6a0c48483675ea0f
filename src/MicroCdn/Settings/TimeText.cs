using System.Globalization;

namespace MicroCdn.Settings;

/// <summary>A time as people write it: <c>100ms</c>, <c>30s</c>, <c>5m</c>, <c>1h</c>, <c>7d</c>; a number alone is
/// seconds.</summary>
internal static class TimeText
{
    private static readonly (string Name, TimeSpan Length)[] Units =
    [
        ("d", TimeSpan.FromDays(1)), ("h", TimeSpan.FromHours(1)), ("m", TimeSpan.FromMinutes(1)),
        ("s", TimeSpan.FromSeconds(1)), ("ms", TimeSpan.FromMilliseconds(1)), ("", TimeSpan.FromSeconds(1)),
    ];

    // Ten years: more is a mistake, and still fits wherever times are reckoned with.
    private static readonly TimeSpan Longest = TimeSpan.FromDays(3650);

    /// <summary>Reads a number, with or without a fraction, and its unit; 0 or more, ten years at most.</summary>
    public static bool TryParse(string text, out TimeSpan time)
    {
        time = default;
        int letters = text.AsSpan().IndexOfAnyInRange('a', 'z');
        int unit = Array.FindIndex(Units, one => one.Name == (letters < 0 ? "" : text[letters..]));
        if (unit < 0 || !double.TryParse(letters < 0 ? text : text[..letters], NumberStyles.AllowDecimalPoint,
            CultureInfo.InvariantCulture, out double number)
            || number * Units[unit].Length.TotalDays > Longest.TotalDays)
        {
            return false;
        }
        time = number * Units[unit].Length;
        return true;
    }

    /// <summary>The shortest form with a whole number.</summary>
    public static string Of(TimeSpan time)
    {
        if (time == TimeSpan.Zero) return "0";
        (string name, TimeSpan length) = Array.Find(Units, one => time.Ticks % one.Length.Ticks == 0);
        return length == default ? $"{time.TotalSeconds.ToString(CultureInfo.InvariantCulture)}s"
            : (time.Ticks / length.Ticks).ToString(CultureInfo.InvariantCulture) + name;
    }
}
