using CsCheck;
using MicroCdn.Caching;
using MicroCdn.Protocol;

namespace MicroCdn.Tests.Caching;

// Sets are written as offset+length.
public sealed class ByteSetTests
{
    [Theory]
    [InlineData("0+5 5+5", "0+10")]
    [InlineData("5+5 0+5", "0+10")]
    [InlineData("0+5 6+5", "0+5 6+5")]
    [InlineData("0+5 10+5 3+9", "0+15")]
    [InlineData("0+2 4+2 8+2 1+8", "0+10")]
    [InlineData("8+2 0+2 4+2", "0+2 4+2 8+2")]
    [InlineData("0+10 3+2", "0+10")]
    [InlineData("3+0", "")]
    public void Ranges_that_overlap_or_touch_melt_into_one(string added, string set) =>
        Assert.Equal(set, Set(added).ToString());

    [Theory]
    [InlineData("", 0, 10, "0+10")]
    [InlineData("0+10", 0, 10, "")]
    [InlineData("0+10", 3, 4, "")]
    [InlineData("0+4", 0, 10, "4+6")]
    [InlineData("4+6", 0, 10, "0+4")]
    [InlineData("0+2 4+2", 0, 10, "2+2")]
    [InlineData("0+2 4+2", 2, 8, "2+2")]
    [InlineData("0+2 4+2", 5, 5, "6+4")]
    [InlineData("0+2 4+2", 6, 1, "6+1")]
    [InlineData("0+2", 2, 0, "")]
    public void The_first_gap_of_a_range_is_what_is_asked_for_next(string set, long offset, long length, string gap) =>
        Assert.Equal(gap, Set(set).Missing(new ByteRange(offset, length)) is { } g ? $"{g.Offset}+{g.Length}" : "");

    [Fact]
    public void A_set_answers_as_one_mark_for_each_byte_would() =>
        Gen.Select(Gen.Int[0, 60], Gen.Int[0, 12]).Array[0, 30].Select(Gen.Int[0, 70], Gen.Int[0, 20])
            .Sample((added, from, length) =>
            {
                bool[] marks = new bool[100];
                ByteSet set = ByteSet.Empty;
                foreach ((int offset, int count) in added)
                {
                    Assert.True(set.TryAdd(new ByteRange(offset, count), out set));
                    marks.AsSpan(offset, count).Fill(true);
                }
                Assert.Equal(marks.Count(mark => mark), set.Bytes);
                int gap = marks.AsSpan(from, length).IndexOf(false);
                int end = gap < 0 ? -1 : marks.AsSpan(from + gap, length - gap).IndexOf(true);
                ByteRange? missing = gap < 0 ? null : new(from + gap, end < 0 ? length - gap : end);
                Assert.Equal(missing, set.Missing(new ByteRange(from, length)));
                Assert.Equal(marks.AsSpan(from).IndexOf(false), set.Available(from));
                for (int i = 1; i < set.Ranges.Length; i++) Assert.True(set.Ranges[i].Offset > set.Ranges[i - 1].End);
            });

    [Fact]
    public void Crumbs_beyond_the_bound_are_not_kept_but_gaps_may_close()
    {
        ByteSet set = ByteSet.Empty;
        for (int i = 0; i < ByteSet.Most; i++) Assert.True(set.TryAdd(new ByteRange(2L * i, 1), out set));
        Assert.False(set.TryAdd(new ByteRange(2L * ByteSet.Most, 1), out ByteSet same));
        Assert.Same(set, same);
        Assert.True(set.TryAdd(new ByteRange(1, 1), out set));
        Assert.True(set.TryAdd(new ByteRange(2L * ByteSet.Most, 1), out _));
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(0, -1)]
    [InlineData(1, long.MaxValue)]
    public void What_is_no_range_is_never_added(long offset, long length) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => ByteSet.Empty.TryAdd(new ByteRange(offset, length), out _));

    private static ByteSet Set(string text)
    {
        ByteSet set = ByteSet.Empty;
        foreach (string word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] numbers = word.Split('+');
            Assert.True(set.TryAdd(new ByteRange(long.Parse(numbers[0]), long.Parse(numbers[1])), out set));
        }
        return set;
    }
}
