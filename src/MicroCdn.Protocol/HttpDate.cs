using System.Globalization;
using System.Text;

namespace MicroCdn.Protocol;

/// <summary>Reads and writes the dates of HTTP fields (RFC 9110, section 5.6.7).</summary>
/// <remarks>
/// Three forms are read, one is written. Reading is strict: names of days and months are case-sensitive, the day of
/// the week must be the date's own, and nothing may stand before or after. A date that is refused makes its field
/// count as absent, which costs a client a transfer, while a date that is guessed could cost it the right bytes.
/// A cache that calculates freshness reads names in any case (RFC 9111, section 4.2) and lets a wrong day of the week
/// pass: the rest of the date says what is meant. It is as strict in all else.
/// </remarks>
public static class HttpDate
{
    /// <summary>The length in bytes of a date as it is written: IMF-fixdate.</summary>
    public const int Length = 29;

    private static readonly long Earliest = Seconds(DateTime.MinValue), Latest = Seconds(DateTime.MaxValue);

    private static ReadOnlySpan<byte> Days => "SunMonTueWedThuFriSat"u8;

    private static ReadOnlySpan<byte> Months => "JanFebMarAprMayJunJulAugSepOctNovDec"u8;

    /// <summary>Reads a date in any of the three forms (RFC 9110, section 5.6.7); false when it is none.</summary>
    /// <param name="text">The whole field value.</param>
    /// <param name="nowUnixSeconds">The time now. A year of two digits is the latest such year that makes the date
    /// at most 50 years later than now.</param>
    /// <param name="unixSeconds">Seconds since 1970, negative before. A leap second counts as the second after
    /// it.</param>
    public static bool TryParse(ReadOnlySpan<byte> text, long nowUnixSeconds, out long unixSeconds) =>
        TryParse(text, nowUnixSeconds, isLenient: false, out unixSeconds);

    /// <summary>Reads a date as a cache does that calculates freshness (RFC 9111, section 4.2): as
    /// <see cref="TryParse(ReadOnlySpan{byte}, long, out long)"/>, but names and the zone may stand in any case of
    /// their letters, and any day of the week will do.</summary>
    /// <param name="text">The whole field value.</param>
    /// <param name="nowUnixSeconds">The time now, for years of two digits.</param>
    /// <param name="unixSeconds">Seconds since 1970, negative before.</param>
    public static bool TryParseLeniently(ReadOnlySpan<byte> text, long nowUnixSeconds, out long unixSeconds) =>
        TryParse(text, nowUnixSeconds, isLenient: true, out unixSeconds);

    /// <summary>Writes a date as IMF-fixdate (RFC 9110, section 5.6.7): exactly 29 bytes.</summary>
    /// <param name="unixSeconds">Seconds since 1970; what lies outside the years 1 to 9999 becomes the nearest date
    /// within.</param>
    /// <param name="target">At least 29 bytes.</param>
    public static void Format(long unixSeconds, Span<byte> target)
    {
        long seconds = Math.Clamp(unixSeconds, Earliest, Latest);
        DateTime date = new(DateTime.UnixEpoch.Ticks + (seconds * TimeSpan.TicksPerSecond), DateTimeKind.Utc);
        date.TryFormat(target, out int written, "R", CultureInfo.InvariantCulture);
        ArgumentOutOfRangeException.ThrowIfNotEqual(written, Length, nameof(target));
    }

    private static bool TryParse(ReadOnlySpan<byte> text, long now, bool isLenient, out long unixSeconds)
    {
        unixSeconds = 0;
        if (text.Length == Length && text[3] == ',') return TryParseFixed(text, isLenient, out unixSeconds);
        if (text.Length == 24 && text[3] == ' ') return TryParseAsctime(text, isLenient, out unixSeconds);
        int comma = text.IndexOf((byte)',');
        return comma > 3 && TryParseRfc850(text, comma, now, isLenient, out unixSeconds);
    }

    // Sun, 06 Nov 1994 08:49:37 GMT
    private static bool TryParseFixed(ReadOnlySpan<byte> text, bool isLenient, out long unixSeconds)
    {
        unixSeconds = 0;
        return text[4] == ' ' && text[7] == ' ' && text[11] == ' ' && text[16] == ' '
            && Same(text[25..], " GMT"u8, isLenient)
            && Two(text[5..]) is var day && Name(Months, text[8..11], isLenient) is var month
            && Two(text[12..]) is >= 0 and var century && Two(text[14..]) is >= 0 and var rest
            && TryMake((century * 100) + rest, month + 1, day, text[17..25], out unixSeconds)
            && IsDay(Name(Days, text[..3], isLenient), unixSeconds, text[17..25], isLenient);
    }

    // Sun Nov  6 08:49:37 1994
    private static bool TryParseAsctime(ReadOnlySpan<byte> text, bool isLenient, out long unixSeconds)
    {
        unixSeconds = 0;
        int day = text[8] == ' ' && text[9] != '0' ? Digit(text[9]) : Two(text[8..]);
        return text[7] == ' ' && text[10] == ' ' && text[19] == ' '
            && Name(Months, text[4..7], isLenient) is var month
            && Two(text[20..]) is >= 0 and var century && Two(text[22..]) is >= 0 and var rest
            && TryMake((century * 100) + rest, month + 1, day, text[11..19], out unixSeconds)
            && IsDay(Name(Days, text[..3], isLenient), unixSeconds, text[11..19], isLenient);
    }

    // Sunday, 06-Nov-94 08:49:37 GMT
    private static bool TryParseRfc850(
        ReadOnlySpan<byte> text, int comma, long now, bool isLenient, out long unixSeconds)
    {
        unixSeconds = 0;
        ReadOnlySpan<byte> rest = text[(comma + 1)..];
        if (rest.Length != 23 || rest[0] != ' ' || rest[3] != '-' || rest[7] != '-' || rest[10] != ' ') return false;
        if (!Same(rest[19..], " GMT"u8, isLenient)) return false;
        int day = Two(rest[1..]), month = Name(Months, rest[4..7], isLenient) + 1, digits = Two(rest[8..]);
        if (digits < 0) return false;
        DateTime pivot = DateTime.UnixEpoch.AddSeconds(Math.Clamp(now, 0, Seconds(new DateTime(9900, 1, 1))))
            .AddYears(50);
        int year = pivot.Year - (pivot.Year % 100) + digits;
        if (year > pivot.Year) year -= 100;
        // In the pivot's own year the day and the time decide. 29 February may exist a century earlier only.
        bool isLater = !TryMake(year, month, day, rest[11..19], out unixSeconds) || unixSeconds > Seconds(pivot);
        if (isLater && !TryMake(year - 100, month, day, rest[11..19], out unixSeconds)) return false;
        return IsDay(LongDay(text[..comma], isLenient), unixSeconds, rest[11..19], isLenient);
    }

    private static bool TryMake(int year, int month, int day, ReadOnlySpan<byte> time, out long unixSeconds)
    {
        unixSeconds = 0;
        if (time[2] != ':' || time[5] != ':' || month is < 1 or > 12 || year < 1) return false;
        if (day < 1 || day > DateTime.DaysInMonth(year, month)) return false;
        int hour = Two(time), minute = Two(time[3..]), second = Two(time[6..]);
        bool leap = second == 60 && minute == 59 && hour == 23;
        if (hour is < 0 or > 23 || minute is < 0 or > 59 || second < 0 || (second > 59 && !leap)) return false;
        unixSeconds = Seconds(new DateTime(year, month, day, hour, minute, 0)) + second;
        return true;
    }

    private static long Seconds(DateTime date) =>
        (date.Ticks - DateTime.UnixEpoch.Ticks - ((date.Ticks - DateTime.UnixEpoch.Ticks) % TimeSpan.TicksPerSecond))
        / TimeSpan.TicksPerSecond;

    // 1 January 1970 was a Thursday. A leap second belongs to the day that it ends.
    private static int DayOf(long unixSeconds, ReadOnlySpan<byte> time)
    {
        long day = Math.DivRem(time[6] == '6' ? unixSeconds - 1 : unixSeconds, 86_400, out long left);
        if (left < 0) day--;
        return (int)((((day + 4) % 7) + 7) % 7);
    }

    private static bool IsDay(int named, long unixSeconds, ReadOnlySpan<byte> time, bool isLenient) =>
        isLenient ? named >= 0 : named == DayOf(unixSeconds, time);

    // The place of a day in the week; -1 when it is none.
    private static int LongDay(ReadOnlySpan<byte> name, bool isLenient)
    {
        int day = Name(Days, name[..3], isLenient);
        ReadOnlySpan<byte> end = day switch
        {
            2 => "sday"u8,
            3 => "nesday"u8,
            4 => "rsday"u8,
            6 => "urday"u8,
            _ => "day"u8,
        };
        return Same(name[3..], end, isLenient) ? day : -1;
    }

    // The place of a name of three letters in a row of such names; -1 when it is none.
    private static int Name(ReadOnlySpan<byte> names, ReadOnlySpan<byte> name, bool isLenient)
    {
        for (int at = 0; at < names.Length; at += 3)
        {
            if (Same(name, names.Slice(at, 3), isLenient)) return at / 3;
        }
        return -1;
    }

    private static bool Same(ReadOnlySpan<byte> text, ReadOnlySpan<byte> word, bool isLenient) =>
        isLenient ? Ascii.EqualsIgnoreCase(text, word) : text.SequenceEqual(word);

    private static int Two(ReadOnlySpan<byte> text) =>
        Digit(text[0]) is >= 0 and var tens && Digit(text[1]) is >= 0 and var ones ? (tens * 10) + ones : -1;

    private static int Digit(byte value) => value is >= (byte)'0' and <= (byte)'9' ? value - '0' : -1;
}
