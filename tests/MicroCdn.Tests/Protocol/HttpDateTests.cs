using System.Globalization;
using System.Text;
using CsCheck;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Protocol;

// RFC 9110, section 5.6.7.
public sealed class HttpDateTests
{
    private const long Now = 1_790_000_000; // 21 September 2026, 14:13:20

    [Theory]
    [InlineData("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777)]
    [InlineData("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777)]
    [InlineData("Sun Nov  6 08:49:37 1994", 784_111_777)]
    [InlineData("Wed Nov 16 08:49:37 1994", 784_975_777)]
    [InlineData("Thu, 01 Jan 1970 00:00:00 GMT", 0)]
    [InlineData("Wed, 31 Dec 1969 23:59:59 GMT", -1)]
    [InlineData("Thu, 29 Feb 2024 12:00:00 GMT", 1_709_208_000)]
    [InlineData("Tue, 29 Feb 2000 00:00:00 GMT", 951_782_400)]
    [InlineData("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799)]
    [InlineData("Mon, 01 Jan 0001 00:00:00 GMT", -62_135_596_800)]
    [InlineData("Sat, 31 Dec 2016 23:59:60 GMT", 1_483_228_800)]
    public void All_three_forms_are_read(string text, long seconds)
    {
        Assert.True(HttpDate.TryParse(text.Utf8(), Now, out long read));
        Assert.Equal(seconds, read);
    }

    // "...MUST interpret a timestamp that appears to be more than 50 years in the future as representing the most
    // recent year in the past that had the same last two digits."
    [Theory]
    [InlineData("Monday, 21-Sep-76 14:13:20 GMT", 2076)]
    [InlineData("Tuesday, 21-Sep-76 14:13:21 GMT", 1976)]
    [InlineData("Monday, 20-Sep-76 23:59:59 GMT", 0)]
    [InlineData("Sunday, 20-Sep-76 23:59:59 GMT", 2076)]
    [InlineData("Friday, 31-Dec-76 00:00:00 GMT", 1976)]
    [InlineData("Saturday, 01-Jan-77 00:00:00 GMT", 1977)]
    [InlineData("Friday, 31-Dec-99 23:59:59 GMT", 1999)]
    [InlineData("Saturday, 01-Jan-00 00:00:00 GMT", 2000)]
    [InlineData("Friday, 25-Sep-26 00:00:00 GMT", 2026)]
    public void A_year_of_two_digits_lies_at_most_50_years_ahead(string text, int year)
    {
        Assert.Equal(year > 0, HttpDate.TryParse(text.Utf8(), Now, out long read));
        if (year > 0) Assert.Equal(year, DateTime.UnixEpoch.AddSeconds(read).Year);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" Sun, 06 Nov 1994 08:49:37 GMT")]
    [InlineData("Sun, 06 Nov 1994 08:49:37 GMT ")]
    [InlineData("Sun, 06 Nov 1994 08:49:37 UTC")]
    [InlineData("Sun, 06 Nov 1994 08:49:37 gmt")]
    [InlineData("sun, 06 Nov 1994 08:49:37 GMT")]
    [InlineData("Sun, 06 nov 1994 08:49:37 GMT")]
    [InlineData("Sun, 06 Foo 1994 08:49:37 GMT")]
    [InlineData("Mon, 06 Nov 1994 08:49:37 GMT")]
    [InlineData("Sun, 6 Nov 1994 08:49:37 GMT")]
    [InlineData("Sun,  6 Nov 1994 08:49:37 GMT")]
    [InlineData("Sun, 06-Nov-1994 08:49:37 GMT")]
    [InlineData("Sun, 06 Nov 94 08:49:37 GMT")]
    [InlineData("Sun, 06 Nov 1994 8:49:37 GMT")]
    [InlineData("Sun, 06 Nov 1994 24:00:00 GMT")]
    [InlineData("Sun, 06 Nov 1994 08:60:37 GMT")]
    [InlineData("Sun, 06 Nov 1994 08:49:60 GMT")]
    [InlineData("Sun, 06 Nov 1994 08:49:61 GMT")]
    [InlineData("Sun, 06 Nov 1994 08-49-37 GMT")]
    [InlineData("Sun, 00 Nov 1994 08:49:37 GMT")]
    [InlineData("Thu, 31 Nov 1994 08:49:37 GMT")]
    [InlineData("Wed, 29 Feb 2023 12:00:00 GMT")]
    [InlineData("Sun, +6 Nov 1994 08:49:37 GMT")]
    [InlineData("Sun, 06 Nov 0000 08:49:37 GMT")]
    [InlineData("Sunday, 6-Nov-94 08:49:37 GMT")]
    [InlineData("Sun, 06-Nov-94 08:49:37 GMT")]
    [InlineData("Sunday, 06-Nov-9x 08:49:37 GMT")]
    [InlineData("Sunday, 06-Nov-94 08:49:37 EST")]
    [InlineData("Sun Nov 06 08:49:37 94")]
    [InlineData("Sun Nov  0 08:49:37 1994")]
    [InlineData("Sun Nov 6  08:49:37 1994")]
    [InlineData("Sun Nov  6 08:49:37 1994 GMT")]
    [InlineData("784111777")]
    [InlineData("1994-11-06T08:49:37Z")]
    [InlineData("\"2f\"")]
    [InlineData("Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT")]
    public void Anything_else_is_refused(string text) => Assert.False(HttpDate.TryParse(text.Utf8(), Now, out _));

    // RFC 9111, section 4.2: "a cache recipient SHOULD match the field value case-insensitively."
    [Theory]
    [InlineData("Sun, 06 Nov 1994 08:49:37 GMT")]
    [InlineData("sun, 06 nov 1994 08:49:37 gmt")]
    [InlineData("SUN, 06 NOV 1994 08:49:37 GMT")]
    [InlineData("sUN, 06 nOV 1994 08:49:37 Gmt")]
    [InlineData("Thu, 06 Nov 1994 08:49:37 GMT")]
    [InlineData("Sunday, 06-Nov-94 08:49:37 GMT")]
    [InlineData("SUNDAY, 06-NOV-94 08:49:37 gmt")]
    [InlineData("wednesday, 06-Nov-94 08:49:37 GMT")]
    [InlineData("Sun Nov  6 08:49:37 1994")]
    [InlineData("SUN NOV  6 08:49:37 1994")]
    [InlineData("Fri Nov  6 08:49:37 1994")]
    public void A_cache_reads_names_in_any_case_and_any_day_of_the_week(string text)
    {
        Assert.True(HttpDate.TryParseLeniently(text.Utf8(), Now, out long read));
        Assert.Equal(784_111_777, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" Sun, 06 Nov 1994 08:49:37 GMT")]
    [InlineData("Sun, 06 Nov 1994 08:49:37 UTC")]
    [InlineData("Sun, 06 Nov 1994 08:49:37 EST")]
    [InlineData("Foo, 06 Nov 1994 08:49:37 GMT")]
    [InlineData("Sun, 06 Foo 1994 08:49:37 GMT")]
    [InlineData("Sun, 6 Nov 1994 08:49:37 GMT")]
    [InlineData("Sun, 06-Nov-1994 08:49:37 GMT")]
    [InlineData("Sun, 06 Nov 94 08:49:37 GMT")]
    [InlineData("Sun 06 Nov 1994 08:49:37 GMT")]
    [InlineData("Sun,  06 Nov 1994 08:49:37 GMT")]
    [InlineData("Sun, 06 Nov 1994 8:49:37 GMT")]
    [InlineData("Sun, 06 Nov 1994 08.49.37 GMT")]
    [InlineData("Sun, 31 Nov 1994 08:49:37 GMT")]
    [InlineData("Sun, 06 Nov 1994 24:49:37 GMT")]
    [InlineData("Sun, 06-Nov-94 08:49:37 GMT")]
    [InlineData("Sunwednesday, 06-Nov-94 08:49:37 GMT")]
    [InlineData("Tueday, 06-Nov-94 08:49:37 GMT")]
    [InlineData("Sun Nov 6 08:49:37 1994")]
    public void In_all_else_a_cache_is_as_strict(string text) =>
        Assert.False(HttpDate.TryParseLeniently(text.Utf8(), Now, out _));

    [Fact]
    public void What_is_read_strictly_is_read_leniently_as_the_same() =>
        Gen.Long[Now - (49L * 31_556_952), Now + (49L * 31_556_952)].Select(Gen.Int[0, 2]).Sample((seconds, form) =>
        {
            DateTime date = DateTime.UnixEpoch.AddSeconds(seconds);
            string pattern = form switch
            {
                0 => "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
                1 => "dddd, dd-MMM-yy HH:mm:ss 'GMT'",
                _ => $"ddd MMM {date.Day,2} HH:mm:ss yyyy",
            };
            string text = date.ToString(pattern, CultureInfo.InvariantCulture);
            return HttpDate.TryParseLeniently(text.ToUpperInvariant().Utf8(), Now, out long loud) && loud == seconds
                && HttpDate.TryParseLeniently(text.Utf8(), Now, out long read) && read == seconds
                && HttpDate.TryParse(text.Utf8(), Now, out long strict) && strict == seconds;
        }, iter: 10_000);

    [Theory]
    [InlineData(784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT")]
    [InlineData(0, "Thu, 01 Jan 1970 00:00:00 GMT")]
    [InlineData(long.MaxValue, "Fri, 31 Dec 9999 23:59:59 GMT")]
    [InlineData(long.MinValue, "Mon, 01 Jan 0001 00:00:00 GMT")]
    public void It_is_written_in_exactly_29_bytes(long seconds, string text)
    {
        Span<byte> target = stackalloc byte[31];
        HttpDate.Format(seconds, target);
        Assert.Equal(text + "\0\0", Encoding.UTF8.GetString(target));
    }

    [Fact]
    public void A_target_too_short_is_a_fault_of_the_caller() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => HttpDate.Format(0, new byte[28]));

    [Fact]
    public void What_is_written_is_read_back()
    {
        Gen.Long[-62_135_596_800, 253_402_300_799].Sample(seconds =>
        {
            Span<byte> target = stackalloc byte[HttpDate.Length];
            HttpDate.Format(seconds, target);
            return HttpDate.TryParse(target, Now, out long read) && read == seconds;
        }, iter: 10_000);
    }

    [Fact]
    public void The_old_forms_of_any_date_of_our_time_are_read_alike()
    {
        Gen.Long[Now - (49L * 31_556_952), Now + (49L * 31_556_952)].Sample(seconds =>
        {
            DateTime date = DateTime.UnixEpoch.AddSeconds(seconds);
            string rfc850 = date.ToString("dddd, dd-MMM-yy HH:mm:ss 'GMT'", CultureInfo.InvariantCulture);
            string asctime = date.ToString($"ddd MMM {date.Day,2} HH:mm:ss yyyy", CultureInfo.InvariantCulture);
            return HttpDate.TryParse(rfc850.Utf8(), Now, out long one) && one == seconds
                && HttpDate.TryParse(asctime.Utf8(), Now, out long other) && other == seconds;
        }, iter: 10_000);
    }

    [Theory]
    [InlineData("Sun, 06 Nov 1994 08:49:37 GMT")]
    [InlineData("Sunday, 06-Nov-94 08:49:37 GMT")]
    [InlineData("Sun Nov  6 08:49:37 1994")]
    public void Cut_or_changed_at_any_byte_it_never_throws_and_a_cut_date_is_none(string text)
    {
        byte[] whole = text.Utf8();
        for (int at = 0; at < whole.Length; at++)
        {
            Assert.False(HttpDate.TryParse(whole.AsSpan(0, at), Now, out _));
            for (int value = 0; value < 256; value++)
            {
                byte[] changed = [.. whole];
                changed[at] = (byte)value;
                if (value is not (>= '0' and <= '9')) Assert.True(value == whole[at]
                    || !HttpDate.TryParse(changed, Now, out _), $"byte {at} as {value}");
                else HttpDate.TryParse(changed, Now, out _);
            }
        }
    }

    [Fact]
    public void Random_bytes_are_refused_quietly() =>
        Gen.Byte.Array[0, 64].Sample(bytes => !HttpDate.TryParse(bytes, Now, out _)
            && !HttpDate.TryParseLeniently(bytes, Now, out _), iter: 10_000);
}
