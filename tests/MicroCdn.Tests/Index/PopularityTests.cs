using MicroCdn.Index;
using MicroCdn.Index.Publishing;

namespace MicroCdn.Tests.Index;

public sealed class PopularityTests
{
    private readonly Popularity _popularity = new();

    [Fact]
    public void What_is_asked_for_more_than_others_is_popular_until_it_is_long_ago()
    {
        Assert.False(IsPopular(7));
        for (int time = 0; time < 100; time++) _popularity.Note(7);
        Assert.True(IsPopular(7));
        Assert.False(IsPopular(8));
        for (int minute = 0; minute < 10; minute++) _popularity.Fade();
        Assert.False(IsPopular(7));
    }

    [Fact]
    public void Of_files_that_are_asked_for_alike_none_is_popular()
    {
        for (int row = 0; row < 1_000_000; row++) _popularity.Note(row);
        Assert.True(Enumerable.Range(0, 1_000_000).Count(IsPopular) < 1_000);
    }

    [Fact]
    public void A_count_ends_at_its_most()
    {
        for (int time = 0; time < 70_000; time++) _popularity.Note(1);
        Assert.Equal(ushort.MaxValue, _popularity.Of(1));
    }

    [Fact]
    public void Of_files_with_as_many_copies_left_the_popular_come_first_and_the_last_copies_before_all()
    {
        HealQueue queue = new();
        queue.Add(1, Need(live: 2), isPopular: false);
        queue.Add(2, Need(live: 2), isPopular: true);
        queue.Add(3, Need(live: 1), isPopular: false);
        Assert.Equal([3, 2, 1], queue.Rows.SelectMany(rows => rows));
    }

    private static HealNeed Need(int live) => new() { Live = live, Wanted = 1 };

    private bool IsPopular(int row) => _popularity.Of(row) > _popularity.Threshold;
}
