using MicroCdn.Index.Figures;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Index.Figures;

public sealed class FleetFiguresTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 29, 12, 0, 0, TimeSpan.Zero));
    private readonly FleetFigures _figures;

    public FleetFiguresTests() => _figures = new FleetFigures(_time);

    [Fact]
    public void A_server_does_what_its_counters_rose_by_a_second()
    {
        Tell("CS1", requests: 1_000);
        Assert.Null(_figures.Of(Names.Id("CS1"))!.Rates);
        for (int second = 1; second <= 10; second++)
        {
            Advance(1);
            Tell("CS1", requests: 1_000 + (50 * second));
        }
        Assert.Equal(50, _figures.Of(Names.Id("CS1"))!.Rates!.Value.Requests, 6);
        Assert.Equal(TimeSpan.Zero, _figures.Of(Names.Id("CS1"))!.Age);
        Assert.Null(_figures.Of(Names.Id("CS2")));
    }

    [Fact]
    public void A_rate_is_that_of_the_last_five_seconds()
    {
        for (int second = 0; second <= 20; second++)
        {
            Tell("CS1", requests: second <= 10 ? 100 * second : 1_000);
            Advance(1);
        }
        Assert.Equal(0, _figures.Of(Names.Id("CS1"))!.Rates!.Value.Requests);
    }

    [Fact]
    public void All_servers_together_are_those_that_told_lately()
    {
        Tell("CS1", requests: 0, downloads: 2);
        Tell("CS2", requests: 0, downloads: 3);
        Advance(1);
        Tell("CS1", requests: 10, downloads: 2);
        Tell("CS2", requests: 5, downloads: 3);
        FleetTotal total = _figures.Total;
        Assert.Equal((15.0, 5, 2), (total.Rates.Requests, total.Downloads, total.Servers));
        Advance(9);
        Tell("CS1", requests: 100, downloads: 2);
        Advance(2);
        total = _figures.Total;
        Assert.Equal((2, 1), (total.Downloads, total.Servers));
        Assert.Equal(10, total.Rates.Requests, 6);
        Assert.Null(_figures.Of(Names.Id("CS2"))!.Rates);
        Assert.Equal(TimeSpan.FromSeconds(11), _figures.Of(Names.Id("CS2"))!.Age);
    }

    [Fact]
    public void A_server_that_was_restarted_begins_anew_and_takes_nothing_away()
    {
        Tell("CS1", requests: 1_000);
        Advance(1);
        Tell("CS1", requests: 1_100);
        Advance(1);
        Tell("CS1", requests: 3);
        Assert.Null(_figures.Of(Names.Id("CS1"))!.Rates);
        Advance(1);
        Tell("CS1", requests: 10);
        Assert.Equal(7, _figures.Of(Names.Id("CS1"))!.Rates!.Value.Requests);
        Advance(1);
        Tell("CS1", requests: 50_000, start: 9);
        Assert.Null(_figures.Of(Names.Id("CS1"))!.Rates);
        Assert.DoesNotContain(Points(), point => point is { } counts && (counts.Requests < 0 || counts.Requests > 30));
    }

    [Fact]
    public void The_last_hour_has_720_steps_and_nothing_where_nobody_told()
    {
        for (int second = 0; second <= 20; second++)
        {
            Tell("CS1", requests: 10 * second);
            Advance(1);
        }
        FigureHistory history = _figures.History();
        Assert.Equal((720, TimeSpan.FromSeconds(5)), (history.Points.Count, history.Step));
        Assert.Equal([null, 10, 10, 10], history.Points.TakeLast(4).Select(point => point?.Requests));
        DateTimeOffset end = history.Begin + (720 * history.Step);
        Assert.Equal(new DateTimeOffset(2026, 11, 29, 12, 0, 15, TimeSpan.Zero), end);
        Advance(3_610);
        Assert.All(Points(), Assert.Null);
    }

    [Fact]
    public void A_server_whose_connection_was_away_makes_no_peak_and_no_gap()
    {
        Tell("CS1", requests: 0);
        Advance(20);
        Tell("CS1", requests: 200);
        Advance(7);
        Assert.Equal([10, 10, 10, 10], Points().SkipLast(1).TakeLast(4).Select(point => point?.Requests));
        Assert.Null(Points()[^1]);
    }

    [Fact]
    public void Saved_are_the_bytes_that_neither_an_origin_nor_another_cache_sent()
    {
        Tell("CS1", requests: 0);
        Advance(1);
        _figures.Take(new ServerFigures(Names.Id("CS1"))
        {
            Incarnation = 1, Bytes = 5_000, CachedBytes = 3_000, FilledBytes = 700, ParentBytes = 300,
        }, []);
        Assert.Equal(2_000, _figures.SavedBytes);
        Advance(3_590);
        Assert.Equal(2_000, _figures.SavedBytes);
        Advance(15);
        Assert.Equal(0, _figures.SavedBytes);
    }

    [Fact]
    public void Origins_are_those_that_were_told_of_last()
    {
        ServerId id = Names.Id("CS1");
        _figures.Take(new ServerFigures(id), [new OriginFigures(id, "/b"), new OriginFigures(id, "/a")]);
        Assert.Equal(["/a", "/b"], _figures.Origins().Select(origin => origin.Origin));
        _figures.Take(new ServerFigures(id), [new OriginFigures(id, "/a") { Down = "tls" }]);
        Assert.Equal([("/a", "tls")], _figures.Origins().Select(origin => (origin.Origin, origin.Down)));
    }

    [Fact]
    public void At_most_200_servers_are_kept_and_one_that_fell_silent_makes_room()
    {
        for (int number = 0; number < FleetFigures.MostServers; number++) Assert.True(Tell($"CS{number}", 1));
        Assert.False(Tell("more", 1));
        Advance(601);
        for (int number = 1; number < FleetFigures.MostServers; number++) Assert.True(Tell($"CS{number}", 1));
        Assert.True(Tell("more", 1));
        Assert.Null(_figures.Of(Names.Id("CS0")));
        Assert.False(Tell("CS0", 1));
        Assert.Equal(FleetFigures.MostServers, _figures.All().Count);
    }

    private bool Tell(string id, long requests, int downloads = 0, long start = 1) =>
        _figures.Take(new ServerFigures(Names.Id(id))
        {
            Requests = requests, Downloads = downloads, Incarnation = start,
        }, []);

    private void Advance(int seconds) => _time.Advance(TimeSpan.FromSeconds(seconds));

    private IReadOnlyList<FigureCounts?> Points() => _figures.History().Points;
}
