using MicroCdn.Content.Figures;
using MicroCdn.Index.Events;
using MicroCdn.Index.Figures;
using MicroCdn.Protocol;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>What content servers do, on its way to the index.</summary>
[Collection(FakeNetworkTests.Name)]
public sealed class FiguresTests
{
    public static TheoryData<int> Seeds => FakeNetworkTests.Seeds;

    [Theory, MemberData(nameof(Seeds))]
    public Task An_index_knows_what_each_server_does_and_one_that_starts_anew_learns_it_again(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        cluster.TellsFigures = true;
        cluster.StartIndex();
        cluster.StartMonitor("index");
        Served one = new() { Origin = "/img/" }, two = new();
        cluster.StartContent("CS1").Traffic = one;
        cluster.StartContent("CS2").Traffic = two;
        await cluster.UntilAllAlive("CS1", "CS2");
        await UntilToldAsync(cluster);
        for (int second = 0; second < 8; second++)
        {
            (one.Requests, two.Requests) = (one.Requests + 30, two.Requests + 10);
            await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(1));
        }
        FleetFigures figures = cluster.Index!.Figures;
        Assert.InRange(figures.Of(Id("CS1"))!.Rates!.Value.Requests, 20, 40);
        Assert.InRange(figures.Total.Rates.Requests, 28, 52);
        OriginFigures origin = Assert.Single(figures.Origins());
        Assert.Equal(("CS1", "/img/", 7, "tls"), (origin.Server.Value, origin.Origin, origin.Hits, origin.Down));
        ServerFigures told = figures.Of(Id("CS1"))!.Figures;
        Assert.True(told.DiskFree > 0 && told.DiskSize > told.DiskFree, $"{told.DiskFree} of {told.DiskSize}");
        Assert.Matches("^[0-9]+[.][0-9]+", told.Version);
        FleetEvent news = Assert.Single(cluster.Index.Events.Since(0, 1_000, out _),
            one => one.Kind == EventKind.Origin);
        Assert.Equal("the origin of /img/ fails CS1: tls", news.Text);
        Assert.Contains(cluster.Index.Concerns, one => one.Subject == "CS1 /img/");

        cluster.World.Phase("the index starts anew");
        cluster.Kill("index");
        cluster.StartIndex();
        await UntilToldAsync(cluster);
        Assert.NotSame(figures, cluster.Index.Figures);
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task An_index_learns_what_was_downloaded_and_one_that_starts_anew_learns_it_again(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        cluster.TellsFigures = true;
        cluster.Give("CS1", "a.bin", new byte[300_000]);
        await cluster.StartAsync("CS1");
        for (int n = 0; n < 3; n++) await cluster.DownloadAsync("a.bin", $"saved{n}");
        await UntilCountedAsync(cluster);
        Assert.Equal(900_000, cluster.Index!.Figures.Of(Id("CS1"))!.Figures.Bytes);
        cluster.Kill("index");
        cluster.StartIndex();
        await UntilCountedAsync(cluster);
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task An_index_that_starts_anew_knows_a_month_of_downloads_within_half_a_minute(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        const int files = 1_000;
        cluster.TellsFigures = true;
        DateOnly today = DateOnly.FromDateTime(cluster.World.Time.GetUtcNow().UtcDateTime);
        for (int back = 0; back < FleetDownloads.MostDays; back++)
        {
            DateOnly day = today.AddDays(-back);
            string counts = string.Concat(Enumerable.Range(0, files).Select(number =>
                $"{DownloadCount.DayText(day)} {files - number} 10 images/disk-{number}.iso\n"));
            cluster.World.Folder.Write($"state of CS1/downloads/{day.DayNumber % FleetDownloads.MostDays:00}",
                System.Text.Encoding.UTF8.GetBytes(counts));
        }
        await cluster.StartAsync("CS1");
        await UntilKnownAsync();
        cluster.Kill("index");
        cluster.StartIndex();
        await UntilKnownAsync();

        // The oldest day is told last.
        Task UntilKnownAsync() => cluster.World.UntilAsync(
            () => cluster.Index!.Downloads.Of(today.AddDays(1 - FleetDownloads.MostDays)).Count == files,
            "the index knows the whole month", TimeSpan.FromSeconds(30),
            () => $"{cluster.Index!.Downloads.Days.Count} days");
    });

    private static Task UntilCountedAsync(FakeCluster cluster) => cluster.World.UntilAsync(
        () => cluster.Index!.Downloads.Days is [var day]
            && cluster.Index.Downloads.Of(day) is [{ Name: "a.bin", Count: 3, Bytes: 900_000 }],
        "the index counts three downloads", TimeSpan.FromSeconds(80));

    [Theory, MemberData(nameof(Seeds))]
    public Task An_index_that_does_not_know_the_word_is_left_alone_for_minutes(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        cluster.TellsFigures = true;
        ForeignIndex index = new(cluster, "index", heard =>
            heard.Line == "HELLO 2" ? new Reply("WELCOME MICRO-CDN 2") : ForeignIndex.Usual(heard));
        cluster.StartContent("CS1");
        await cluster.World.UntilAsync(() => index.TimesOf("FIGURES").Length > 0, "it is told", TimeSpan.FromSeconds(9));
        await cluster.World.AdvanceAsync(TimeSpan.FromMinutes(4));
        Assert.Single(index.TimesOf("FIGURES"));
        Assert.Single(index.TimesOf("REGISTER"));
        await cluster.World.AdvanceAsync(TimeSpan.FromMinutes(7));
        Assert.InRange(index.TimesOf("FIGURES").Length, 2, 3);
    });

    private static Task UntilToldAsync(FakeCluster cluster) => cluster.World.UntilAsync(
        () => cluster.Index!.Figures.Total.Servers == 2, "both servers told", TimeSpan.FromSeconds(10));

    private static ServerId Id(string text) => ServerId.TryCreate(text, out ServerId id) ? id : default;

    private sealed class Served : ITraffic
    {
        public long Requests { get; set; }

        public string? Origin { get; init; }

        public TrafficCounts Now() => new()
        {
            Requests = Requests,
            Origins = Origin is { } origin ? [new OriginCounts(origin, 7, 2, 1, 100, "tls")] : [],
        };
    }
}
