using MicroCdn.Index.Figures;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Index.Figures;

public sealed class FleetDownloadsTests
{
    private static readonly DateOnly Today = new(2026, 11, 29);

    [Fact]
    public void Servers_are_added_up_and_what_is_told_twice_counts_once()
    {
        FleetDownloads downloads = new();
        Assert.True(Tell(downloads, "CS1", "a", 3));
        Assert.True(Tell(downloads, "CS1", "a", 5));
        Assert.True(Tell(downloads, "CS2", "a", 2));
        Assert.True(Tell(downloads, "CS2", "b", 9));
        Assert.Equal([new DownloadSum(Today, "b", 9, 90), new DownloadSum(Today, "a", 7, 70)], downloads.Of(Today));
        Assert.Empty(downloads.Of(Today.AddDays(-1)));
    }

    [Fact]
    public void Days_of_a_month_ago_and_days_to_come_are_refused()
    {
        FleetDownloads downloads = new();
        Assert.True(Tell(downloads, "CS1", "a", 1, Today.AddDays(-30)));
        Assert.True(Tell(downloads, "CS1", "a", 1, Today.AddDays(1)));
        Assert.False(Tell(downloads, "CS1", "a", 1, Today.AddDays(-31)));
        Assert.False(Tell(downloads, "CS1", "a", 1, Today.AddDays(2)));
        Assert.Equal([Today.AddDays(1), Today.AddDays(-30)], downloads.Days);
    }

    [Fact]
    public void The_least_counted_make_room()
    {
        FleetDownloads downloads = new(most: 8);
        for (int number = 0; number < 100; number++) Tell(downloads, "CS1", $"{number}", number == 3 ? 500 : number);
        Assert.InRange(downloads.Of(Today).Count, 8, 10);
        Assert.Equal("3", downloads.Of(Today)[0].Name);
        Assert.Equal("99", downloads.Of(Today)[1].Name);
    }

    [Fact]
    public void What_counts_less_than_what_made_room_stays_out_until_it_counts_more()
    {
        FleetDownloads downloads = new(most: 8);
        for (int number = 1; number <= 11; number++) Tell(downloads, "CS1", $"{number}", number);
        Assert.True(Tell(downloads, "CS1", "late", 2));
        Assert.Equal(["11", "10", "9", "8", "7", "6", "5", "4"], downloads.Of(Today).Select(one => one.Name));
        Tell(downloads, "CS1", "late", 20);
        // What is kept may count less than before: its server lost what it knew.
        Tell(downloads, "CS1", "11", 1);
        Assert.Equal(("late", "11"), (downloads.Of(Today)[0].Name, downloads.Of(Today)[^1].Name));
    }

    [Theory]
    [InlineData("OK NOTED", 16)]
    [InlineData("OK NOTED room=300 colour=blue", 300)]
    [InlineData("OK NOTED room=99999999999", 2_000)]
    [InlineData("OK NOTED room=x", null)]
    [InlineData("OK NOTED now", null)]
    [InlineData("OK FILES_ADDED", null)]
    public void The_answer_says_how_many_lines_are_taken_next(string line, int? room) => Assert.Equal(
        room, ServerFigures.TryReadNoted(line.Utf8(), out int said) ? said : null);

    [Theory]
    [InlineData("CS1 2026-11-29 a%20b count=3 bytes=30")]
    public void A_line_is_written_as_it_was_read_and_cut_it_is_another_or_none(string line)
    {
        System.Buffers.ArrayBufferWriter<byte> written = new();
        DownloadCount whole = Read(line)!;
        whole.Write(written);
        Assert.Equal($"DOWNLOADS {line}\n", System.Text.Encoding.UTF8.GetString(written.WrittenSpan));
        Assert.Equal(new DownloadCount(Names.Id("CS1"), Today, "a b", 3, 30), whole);
        for (int length = 0; length < line.Length; length++) Assert.NotEqual(whole, Read(line[..length]));
    }

    [Theory]
    [InlineData("CS1 2026-11-31 a count=3 bytes=30")]
    [InlineData("CS1 29-11-2026 a count=3 bytes=30")]
    [InlineData("CS1 2026-11-29 ../a count=3 bytes=30")]
    [InlineData("CS1 2026-11-29 a count=3")]
    [InlineData("CS1 2026-11-29 a count=-3 bytes=30")]
    [InlineData("CS1 2026-11-29 a b count=3 bytes=30")]
    public void What_names_no_day_or_file_is_no_count(string line) => Assert.Null(Read(line));

    private static bool Tell(FleetDownloads downloads, string id, string name, long count, DateOnly? day = null) =>
        downloads.Take(new DownloadCount(Names.Id(id), day ?? Today, name, count, 10 * count), Today);

    private static DownloadCount? Read(string line) =>
        DownloadCount.TryParse(new Words(line.Utf8()), out DownloadCount? count) ? count : null;
}
