using MicroCdn.Network;

namespace MicroCdn.Tests.Network;

public sealed class DurationsTests
{
    [Fact]
    public void A_duration_belongs_to_the_first_bucket_whose_bound_it_does_not_exceed()
    {
        Durations durations = new(0.1, 1);
        foreach (double seconds in new[] { 0, 0.1, 0.11, 1, 60 }) durations.Add(TimeSpan.FromSeconds(seconds));
        WatchedSeries series = durations.Series(KeyValuePair.Create("origin", "/"));
        Assert.Equal([2, 2, 1], series.Buckets);
        Assert.Equal(61.21, series.Sum, 0.001);
        Assert.Equal(5, durations.Count);
        Assert.Equal("/", Assert.Single(series.Tags).Value);
    }
}
