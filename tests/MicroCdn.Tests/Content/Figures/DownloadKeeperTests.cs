using MicroCdn.Content;
using MicroCdn.Content.Figures;
using MicroCdn.Storage;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Content.Figures;

/// <summary>How what was sent of files comes into the count, and is remembered.</summary>
public sealed class DownloadKeeperTests : IDisposable
{
    private readonly TemporaryFolder _world = new();
    private readonly OpenFiles _open;
    private readonly Library _library = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 29, 23, 59, 0, TimeSpan.Zero));
    private readonly LogBook _log = new();

    public DownloadKeeperTests()
    {
        for (int number = 0; number < 5; number++) _world.Write($"served/{number} x", "0123456789");
        ServedFolder folder = new(_world["served"]);
        folder.Scan((name, facts) => _library.Add(name, facts));
        _open = new OpenFiles(folder.Open, most: 2);
    }

    private DateOnly Today => DateOnly.FromDateTime(_time.GetUtcNow().UtcDateTime);

    public void Dispose()
    {
        _open.Dispose();
        _world.Dispose();
    }

    [Fact]
    public void What_was_sent_is_counted_once_whether_its_handle_stays_or_goes()
    {
        DownloadKeeper keeper = Keeper();
        for (int number = 0; number < 5; number++) Send($"{number} x", 10);
        Send("4 x", 5);
        keeper.Gather();
        keeper.Gather();
        Assert.Equal(5, keeper.Tally.Of(Today).Length);
        Assert.Equal(("4 x", 1.5, 15L), keeper.Tally.Of(Today)[0]);
        Assert.All(keeper.Tally.Of(Today)[1..], one => Assert.Equal((1.0, 10L), (one.Downloads, one.Bytes)));
    }

    [Fact]
    public void A_new_day_begins_at_midnight_and_a_restart_forgets_nothing()
    {
        DownloadKeeper keeper = Keeper();
        Send("0 x", 10);
        keeper.Gather();
        keeper.Write();
        _time.Advance(TimeSpan.FromMinutes(2));
        Send("0 x", 7);
        keeper.Gather();
        keeper.Write();
        DownloadKeeper next = Keeper();
        Assert.Equal([Today, Today.AddDays(-1)], next.Tally.Days);
        Assert.Equal([("0 x", 0.7, 7L)], next.Tally.Of(Today));
        Assert.Equal([("0 x", 1.0, 10L)], next.Tally.Of(Today.AddDays(-1)));
        Assert.Equal(2, Directory.GetFiles(_world["state/downloads"]).Length);
    }

    [Fact]
    public void A_file_of_a_month_ago_is_no_day_of_this_month()
    {
        DownloadKeeper keeper = Keeper();
        Send("0 x", 10);
        keeper.Gather();
        keeper.Write();
        _time.Advance(TimeSpan.FromDays(31));
        DownloadKeeper next = Keeper();
        Assert.Empty(next.Tally.Days);
    }

    [Fact]
    public void What_stands_in_the_file_and_is_no_line_of_ours_is_passed_over()
    {
        _world.Write($"state/downloads/{Today.DayNumber % 31:00}", "\n2026-11-29 NaN 1 a\n2026-11-29 -1 1 a\n"
            + "2026-11-29 1 x a\n2026-11-29 1 1 ../a\n2026-11-29 1 1 a b\n2026-11-29 1.5 15 a%20b\nhalf");
        DownloadKeeper keeper = Keeper();
        Assert.Equal([("a b", 1.5, 15L)], keeper.Tally.Of(Today));
    }

    [Fact]
    public void One_that_ends_before_it_has_read_overwrites_nothing()
    {
        DownloadKeeper keeper = Keeper();
        Send("0 x", 10);
        keeper.Dispose();
        using (Keeper(reads: false)) Send("1 x", 10);
        Assert.Equal([("0 x", 1.0, 10L)], Keeper().Tally.Of(Today));
    }

    private DownloadKeeper Keeper(bool reads = true)
    {
        DownloadKeeper keeper = new(_world["state"], _open, new StoreHealth(_ => { }), Task.Run, _time, _log);
        _open.Closed = keeper.Leave;
        if (reads) keeper.Read();
        return keeper;
    }

    private void Send(string name, long bytes)
    {
        OpenFile file = _open.Take(_library, _library.Find(name.Utf8()), anew: false, out _)!;
        file.Sent(bytes);
        file.Release();
    }
}
