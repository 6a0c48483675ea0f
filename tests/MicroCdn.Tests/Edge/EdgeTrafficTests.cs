using MicroCdn.Content.Figures;
using MicroCdn.Edge;
using MicroCdn.Http.Exchanges;

namespace MicroCdn.Tests.Edge;

/// <summary>What an edge says of itself to be told to the index.</summary>
public sealed class EdgeTrafficTests
{
    [Fact]
    public async Task An_origin_is_down_from_the_request_that_it_failed_to_the_next_that_it_answers()
    {
        await using PulledWorld world = new(
            async talk => await talk.HearAsync(),
            talk => talk.AlwaysAsync("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 3\r\n\r\nold"));
        using RequestNumbers numbers = new(origins: 1);
        world.Listener = numbers;
        EdgeTraffic traffic = new(numbers, world.Front);
        Assert.Null(Origin(traffic).Down);
        Assert.Equal(502, (await world.GetAsync("/a")).Status);
        Assert.Equal(new OriginCounts("/", 0, 1, 1, 0, "closed"), Origin(traffic));
        Assert.Equal("old", (await world.GetAsync("/a")).Text);
        Assert.Equal(new OriginCounts("/", 0, 2, 1, 3, null), Origin(traffic));
        // Of what failed there is no time to the answer.
        Assert.Equal(1, world.Front.Places[0].Counters.Times.Count);
        TrafficCounts counts = traffic.Now();
        Assert.Equal((2, 1, 2, 3), (counts.Requests, counts.Errors, counts.Misses, counts.FilledBytes));
        Assert.Equal(counts.Bytes, counts.CachedBytes);
    }

    [Fact]
    public void An_edge_without_origins_tells_of_no_cache()
    {
        using RequestNumbers numbers = new();
        TrafficCounts counts = new EdgeTraffic(numbers, null).Now();
        Assert.Empty(counts.Origins);
        Assert.Null(counts.StoreBytes);
    }

    private static OriginCounts Origin(EdgeTraffic traffic) => Assert.Single(traffic.Now().Origins);
}
