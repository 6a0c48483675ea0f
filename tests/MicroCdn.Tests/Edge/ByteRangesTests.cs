using System.Text;
using CsCheck;
using MicroCdn.Edge;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Edge;

// RFC 9110, section 14. Answers are written as offset+length.
public sealed class ByteRangesTests
{
    // 14.1.2, and 14.1 for the letters of the unit; 5.6.1.2 for empty elements of the list.
    [Theory]
    [InlineData("bytes=0-499", "0+500")]
    [InlineData("bytes=500-999", "500+500")]
    [InlineData("bytes=9500-", "9500+500")]
    [InlineData("bytes=-500", "9500+500")]
    [InlineData("bytes=0-0", "0+1")]
    [InlineData("bytes=-1", "9999+1")]
    [InlineData("bytes=9999-9999", "9999+1")]
    [InlineData("bytes=0-", "0+10000")]
    [InlineData("bytes=0-9999", "0+10000")]
    [InlineData("bytes=0-10000", "0+10000")]
    [InlineData("bytes=9999-99999", "9999+1")]
    [InlineData("bytes=-20000", "0+10000")]
    [InlineData("bytes=5-99999999999999999999999999", "5+9995")]
    [InlineData("bytes=-99999999999999999999999999", "0+10000")]
    [InlineData("bytes=5-9223372036854775807", "5+9995")]
    [InlineData("bytes=0000000000000000000000005-06", "5+2")]
    [InlineData("BYTES=0-1", "0+2")]
    [InlineData("bytes= 0-1 ", "0+2")]
    [InlineData("bytes=,0-1", "0+2")]
    [InlineData("bytes=0-1,\t,", "0+2")]
    [InlineData(" bytes=0-1", "0+2")]
    public void One_range_is_cut_to_what_there_is(string field, string range) => Assert.Equal(range, Read(field));

    // 14.1.2: first position at or beyond the length, or a suffix of zero.
    [Theory]
    [InlineData("bytes=10000-")]
    [InlineData("bytes=10000-10000")]
    [InlineData("bytes=-0")]
    [InlineData("bytes=-00")]
    [InlineData("bytes=99999999999999999999999999-")]
    [InlineData("bytes=99999999999999999999999998-99999999999999999999999999")]
    [InlineData("bytes=10000-,-0")]
    public void What_lies_beyond_the_end_is_unsatisfiable(string field) => Assert.Equal("416", Read(field));

    // 14.1.1: no white space inside a range; 14.1.2: last before first is invalid; 14.2: unknown units are ignored.
    [Theory]
    [InlineData("")]
    [InlineData("bytes")]
    [InlineData("bytes=")]
    [InlineData("bytes=,")]
    [InlineData("bytes= , ,")]
    [InlineData("=0-1")]
    [InlineData("bytes 0-1")]
    [InlineData("bytes =0-1")]
    [InlineData("bytes:0-1")]
    [InlineData("items=0-1")]
    [InlineData("bytess=0-1")]
    [InlineData("byte=0-1")]
    [InlineData("bytes=-")]
    [InlineData("bytes=--1")]
    [InlineData("bytes=5")]
    [InlineData("bytes=2-1")]
    [InlineData("bytes=1-2-3")]
    [InlineData("bytes=0 - 1")]
    [InlineData("bytes=0- 1")]
    [InlineData("bytes=+0-1")]
    [InlineData("bytes=0-+1")]
    [InlineData("bytes=0x0-1")]
    [InlineData("bytes=a-b")]
    [InlineData("bytes=0-1;2-3")]
    [InlineData("bytes=0-1,x")]
    [InlineData("bytes=0-1,5-4")]
    [InlineData("bytes=10000-,x")]
    [InlineData("bytes=0-1 2-3")]
    [InlineData("bytes=0-1,bytes=2-3")]
    [InlineData("bytes=0-1\0")]
    [InlineData("bytes=٠-١")]
    public void What_is_malformed_or_counts_something_else_is_ignored(string field) =>
        Assert.Equal("200", Read(field));

    // 15.3.7.2: "...MAY coalesce any of the ranges that overlap, or that are separated by a gap that is smaller..."
    [Theory]
    [InlineData("bytes=0-0,-1", "0+1 9999+1")]
    [InlineData("bytes=0-9 , 20-29", "0+10 20+10")]
    [InlineData("bytes=500-600,100-200", "500+101 100+101")]
    [InlineData("bytes=0-9,10-19", "0+20")]
    [InlineData("bytes=10-19,0-9", "0+20")]
    [InlineData("bytes=0-9,5-14", "0+15")]
    [InlineData("bytes=0-9,5-14,10-19", "0+20")]
    [InlineData("bytes=0-9,0-9,0-9", "0+10")]
    [InlineData("bytes=0-99,50-50", "0+100")]
    [InlineData("bytes=50-50,0-99", "0+100")]
    [InlineData("bytes=0-9,50-59,10-49", "0+60")]
    [InlineData("bytes=50-59,0-9,90-99,10-49", "0+60 90+10")]
    [InlineData("bytes=50-59,0-9,90-99,5-70,200-201", "0+71 90+10 200+2")]
    [InlineData("bytes=0-9,20-29,40-49,8-42", "0+50")]
    [InlineData("bytes=0-9,11-19", "0+10 11+9")]
    [InlineData("bytes=0-9,10000-", "0+10")]
    [InlineData("bytes=-0,0-9", "0+10")]
    [InlineData("bytes=9990-,-5", "9990+10")]
    [InlineData("bytes=0-,5-10", "0+10000")]
    public void Ranges_that_overlap_or_touch_are_merged_and_the_others_keep_their_order(string field, string ranges) =>
        Assert.Equal(ranges, Read(field));

    // 14.2 lets a server ignore these; 17.15 asks it to beware of them.
    [Theory]
    [InlineData("bytes=0-1,1-2,2-3,3-4")]
    [InlineData("bytes=0-,0-,0-,0-")]
    [InlineData("bytes=0-5000,9000-9950,5100-8999")]
    [InlineData("bytes=0-4899,4901-9999")]
    public void Abuse_is_answered_with_the_whole(string field) => Assert.Equal("200", Read(field));

    [Fact]
    public void Sixteen_ranges_are_served_and_seventeen_are_not()
    {
        string[] specs = [.. Enumerable.Range(0, 17).Select(i => $"{i * 10}-{i * 10}")];
        Assert.Equal(16, Read("bytes=" + string.Join(',', specs[..16])).Split(' ').Length);
        Assert.Equal("200", Read("bytes=" + string.Join(',', specs)));
        Assert.Equal("200", Read("bytes=" + string.Join(',', Enumerable.Repeat("10000-", 17))));
    }

    [Fact]
    public void Thirteen_hundred_overlapping_ranges_cost_no_more_than_the_file() =>
        Assert.Equal("200", Read("bytes=0-" + string.Concat(Enumerable.Range(1, 1300).Select(i => $",5-{i}"))));

    // Content-Range cannot name zero bytes, so the whole, which is empty, is the answer.
    [Theory]
    [InlineData("bytes=-5", "200")]
    [InlineData("bytes=-0", "416")]
    [InlineData("bytes=0-", "416")]
    [InlineData("bytes=0-0", "416")]
    [InlineData("bytes=-1,0-0", "200")]
    public void Of_an_empty_file_no_range_is_cut(string field, string answer) => Assert.Equal(answer, Read(field, 0));

    [Theory]
    [InlineData("bytes=4294967296-4294967297", "4294967296+2")]
    [InlineData("bytes=-1", "9223372036854775806+1")]
    [InlineData("bytes=9223372036854775806-", "9223372036854775806+1")]
    [InlineData("bytes=9223372036854775807-", "416")]
    [InlineData("bytes=0-0,-1", "0+1 9223372036854775806+1")]
    [InlineData("bytes=0-4,6-9223372036854775806", "200")]
    [InlineData("bytes=0-,1-2", "0+9223372036854775807")]
    public void No_length_is_too_large(string field, string answer) =>
        Assert.Equal(answer, Read(field, long.MaxValue));

    [Fact]
    public void A_single_range_costs_no_allocation()
    {
        byte[] field = "bytes=500-600,601-700"u8.ToArray();
        ByteRanges.Parse(field, 10_000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++) ByteRanges.Parse(field, 10_000);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    // The plain meaning of the field, byte by byte: what is served is what was asked, each byte once.
    [Fact]
    public void Exactly_the_bytes_asked_for_are_served_and_each_of_them_once()
    {
        Gen.Select(Gen.Int[0, 3000], Gen.Select(Gen.Int[0, 3100], Gen.Int[0, 60], Gen.Int[0, 5]).Array[1, 6])
            .Sample((length, specs) =>
            {
                string field = "bytes=" + string.Join(", ", specs.Select(Spec));
                SortedSet<long> asked = [.. specs.SelectMany(spec => Bytes(spec, length))];
                ByteRanges ranges = ByteRanges.Parse(field.Utf8(), length);
                if (ranges.Kind == RangeKind.Ignore) return true;
                if (ranges.Kind == RangeKind.Unsatisfiable) return asked.Count == 0;
                ByteRange[] parts = ranges.Kind == RangeKind.Single ? [ranges.Single] : [.. ranges.Several];
                long[] served = [.. parts.SelectMany(part => Enumerable.Range((int)part.Offset, (int)part.Length))];
                return served.Length == served.Distinct().Count() && asked.SetEquals(served)
                    && (parts.Length == 1 || served.Length + (parts.Length * ByteRanges.PartHeaderBytes) <= length);
            }, iter: 20_000);
    }

    [Fact]
    public void Cut_at_any_byte_or_made_of_any_characters_it_never_throws()
    {
        const string Field = "bytes=0-0 , 5-9,-1,\t7-";
        for (int at = 0; at <= Field.Length; at++) Read(Field[..at]);
        Gen.OneOf("bytes=", "0", "9", "-", ",", " ", "\t", "18446744073709551616", "x", "\0", "é").Array[0, 30]
            .Sample(pieces => Read("bytes=" + string.Concat(pieces)) != "", iter: 20_000);
    }

    private static string Spec((int First, int Length, int Kind) spec) => spec.Kind switch
    {
        0 => $"-{spec.Length}",
        1 => $"{spec.First}-",
        _ => $"{spec.First}-{spec.First + spec.Length}",
    };

    private static IEnumerable<long> Bytes((int First, int Length, int Kind) spec, int whole)
    {
        (long from, long to) = spec.Kind switch
        {
            0 => (Math.Max(0, whole - spec.Length), whole - 1),
            1 => (spec.First, whole - 1),
            _ => (spec.First, Math.Min(spec.First + spec.Length, whole - 1)),
        };
        for (long at = from; at <= to; at++) yield return at;
    }

    private static string Read(string field, long length = 10_000)
    {
        ByteRanges ranges = ByteRanges.Parse(Encoding.UTF8.GetBytes(field), length);
        return ranges.Kind switch
        {
            RangeKind.Ignore => "200",
            RangeKind.Unsatisfiable => "416",
            RangeKind.Single => Text(ranges.Single),
            _ => string.Join(' ', ranges.Several.ToArray().Select(Text)),
        };
    }

    private static string Text(ByteRange range) => $"{range.Offset}+{range.Length}";
}
