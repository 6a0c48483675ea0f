using MicroCdn.Index;

namespace MicroCdn.Tests.Index;

// docs/decisions/0008: loads that are seconds old, and more than one index that goes by them.
public sealed class HerdTests
{
    private const int Indexes = 8, Servers = 20;
    private const int StepsBetweenReports = 30;             // of a tenth of a second
    private const int Steps = 40 * StepsBetweenReports;
    private const int ArrivalsEachStep = 40;
    private const int DownloadSteps = 50;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void With_old_loads_two_choices_spread_where_the_least_loaded_draws_a_herd(int seed)
    {
        double two = Fullest(seed, (fleet, asker) => fleet.Directory.Choose("a"u8, asker)!.Number);
        double least = Fullest(seed, (fleet, _) => LeastLoaded(fleet));
        Assert.True(two < 1.4, $"the fullest server had {two:F2} times the mean");
        // What it has above the mean is less than a third.
        Assert.True(two - 1 < (least - 1) / 3, $"{two:F2} against {least:F2}");
    }

    // How much fuller than the mean the fullest server is, on average over time.
    private static double Fullest(int seed, Func<RoutingFleet, Asker, int> choose)
    {
        Random chance = new(seed);
        RoutingFleet[] indexes =
            [.. Enumerable.Range(0, Indexes).Select(number => new RoutingFleet(seed: (seed * 100) + number))];
        foreach (RoutingFleet index in indexes) index.Add(Servers);
        int[] downloads = new int[Servers];
        Queue<int>[] ends = [.. Enumerable.Range(0, Steps + (3 * DownloadSteps)).Select(_ => new Queue<int>())];
        List<double> samples = [];
        for (int step = 0; step < Steps; step++)
        {
            foreach (int server in ends[step]) downloads[server]--;
            if (step % StepsBetweenReports == 0) Report(indexes, downloads);
            if (step % 10 == 0)
            {
                foreach (RoutingFleet index in indexes) index.Router.Fleet.Forget();
            }
            for (int arrival = 0; arrival < ArrivalsEachStep; arrival++)
            {
                int server = choose(indexes[chance.Next(Indexes)], new Asker(null, OverIPv4: true));
                downloads[server]++;
                ends[step + 1 + chance.Next(2 * DownloadSteps)].Enqueue(server);
            }
            if (step > 5 * StepsBetweenReports) samples.Add(downloads.Max() / downloads.Average());
        }
        return samples.Average();
    }

    private static void Report(RoutingFleet[] indexes, int[] downloads)
    {
        foreach (RoutingFleet index in indexes)
        {
            for (int server = 0; server < Servers; server++) index.Servers[server].Load = downloads[server];
        }
    }

    // What the index did before.
    private static int LeastLoaded(RoutingFleet fleet)
    {
        Server best = fleet.Servers.MinBy(server => server.Burden)!;
        best.CountAnswer();
        return best.Number;
    }
}
