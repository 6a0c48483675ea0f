using MicroCdn.Content.Figures;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Content.Figures;

/// <summary>What is counted of downloads, and what an index is told of it.</summary>
public sealed class DownloadTallyTests
{
    private static readonly DateOnly Day = new(2026, 11, 29);

    [Fact]
    public void Ranges_that_make_up_one_download_are_one()
    {
        DownloadTally tally = new();
        for (int range = 0; range < 10; range++) tally.Add(Day, "a.iso", 0.1, 100);
        tally.Add(Day, "a.iso", 0.5, 500);
        tally.Add(Day.AddDays(-1), "a.iso", 3, 3_000);
        Assert.Equal([("a.iso", 1_500L)], tally.Of(Day).Select(one => (one.Name, one.Bytes)));
        Assert.Equal(1.5, tally.Of(Day)[0].Downloads, 6);
        Assert.Equal([Day, Day.AddDays(-1)], tally.Days);
        Assert.Empty(tally.Of(Day.AddDays(1)));
    }

    [Fact]
    public void The_least_counted_make_room_and_days_of_a_month_ago_go()
    {
        DownloadTally tally = new(most: 8);
        for (int number = 0; number < 100; number++)
        {
            tally.Add(Day, $"{number}", number == 3 ? 50 : 1 + (number / 1e3), 1);
        }
        Assert.Equal(8, tally.Of(Day).Length);
        Assert.Equal("3", tally.Of(Day)[0].Name);
        Assert.InRange(tally.Since(0, out _).Count, 8, 10);
        tally.Add(Day.AddDays(30), "new", 1, 1);
        Assert.Equal(2, tally.Days.Length);
        tally.Add(Day.AddDays(31), "new", 1, 1);
        Assert.Equal([Day.AddDays(31), Day.AddDays(30)], tally.Days);
    }

    [Fact]
    public void An_index_is_told_what_changed_sixteen_lines_at_a_time_and_the_newest_day_first()
    {
        FakeTimeProvider time = new();
        DownloadTally tally = new();
        for (int number = 0; number < 20; number++) tally.Add(Day.AddDays(-1), $"old{number}", 1, 10);
        tally.Add(Day, "new", 2.7, 20);
        ToldDownloads told = new(tally, Names.Id("CS1"), time);
        object connection = new();
        IReadOnlyList<DownloadCount> first = told.Next(connection);
        Assert.Equal(16, first.Count);
        Assert.Equal(new DownloadCount(Names.Id("CS1"), Day, "new", 2, 20), first[0]);
        Assert.Equal(5, told.Next(connection).Count);
        Assert.Empty(told.Next(connection));
        tally.Add(Day, "new", 1, 10);
        Assert.Empty(told.Next(connection));
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(new DownloadCount(Names.Id("CS1"), Day, "new", 3, 30), Assert.Single(told.Next(connection)));
        // Another connection may be to an index that knows nothing any more.
        Assert.Equal(16, told.Next(new object()).Count);
    }

    [Fact]
    public void An_index_that_says_how_much_it_takes_is_told_so_much_and_nothing_that_was_true_a_while_ago()
    {
        DownloadTally tally = new();
        for (int number = 0; number < 100; number++) tally.Add(Day, $"{number}", 200 - number, 10);
        FakeTimeProvider time = new();
        ToldDownloads told = new(tally, Names.Id("CS1"), time);
        object connection = new();
        Assert.Equal(16, told.Next(connection).Count);
        told.Room = 30;
        Assert.Equal(["16", "45"], Ends(told.Next(connection)));
        // The last one waits still when it is downloaded once more, and that is told at once.
        tally.Add(Day, "99", 1, 10);
        time.Advance(TimeSpan.FromMinutes(1));
        told.Room = 1;
        Assert.Equal(102, Assert.Single(told.Next(connection)).Count);
        told.Room = 1_000;
        IReadOnlyList<DownloadCount> rest = told.Next(connection);
        Assert.Equal(["46", "99"], Ends(rest));
        Assert.Equal((102, 20), (rest[^1].Count, rest[^1].Bytes));
        // Another index, or the same one after a restart, has to say it anew.
        Assert.Equal(16, told.Next(new object()).Count);

        static string[] Ends(IReadOnlyList<DownloadCount> lines) => [lines[0].Name, lines[^1].Name];
    }
}
