using MicroCdn.Caching;
using MicroCdn.Edge.PullThrough;
using MicroCdn.Http.Exchanges;
using MicroCdn.Tests.Http.Exchanges;

namespace MicroCdn.Tests.Edge;

/// <summary>What the access log says of the part that the cache had in an answer.</summary>
public sealed class CacheResultTests
{
    [Theory]
    [InlineData(Outcome.Hit, null, CacheResult.Hit)]
    [InlineData(Outcome.HitStale, null, CacheResult.Stale)]
    [InlineData(Outcome.HitError, 500, CacheResult.Stale)]
    [InlineData(Outcome.UriMiss, 200, CacheResult.Miss)]
    [InlineData(Outcome.VaryMiss, 200, CacheResult.Miss)]
    [InlineData(Outcome.OnlyIfCached, null, CacheResult.Miss)]
    [InlineData(Outcome.Stale, 200, CacheResult.Expired)]
    [InlineData(Outcome.Stale, 304, CacheResult.Revalidated)]
    [InlineData(Outcome.Partial, 206, CacheResult.Partial)]
    [InlineData(Outcome.Request, 200, CacheResult.Bypass)]
    [InlineData(Outcome.Method, 200, CacheResult.Bypass)]
    [InlineData(Outcome.Loop, null, CacheResult.None)]
    public void Each_outcome_has_its_result(Outcome outcome, int? forwarded, CacheResult result) =>
        Assert.Equal(result, AnswerHead.ResultOf(new CacheStatus(outcome) { ForwardStatus = forwarded }));

    [Fact]
    public async Task A_miss_a_hit_and_a_stale_copy_that_is_refreshed_behind_the_client_are_called_so()
    {
        await using PulledWorld world = new(async talk =>
        {
            await talk.HearAsync();
            await talk.SayAsync("HTTP/1.1 200 OK\r\nCache-Control: max-age=60, stale-while-revalidate=600\r\n"
                + "Content-Length: 3\r\n\r\nold");
            await talk.AlwaysAsync("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 3\r\n\r\nnew");
        });
        ExchangeBook book = new();
        world.Listener = book;
        await GetAsync(world);
        await GetAsync(world);
        world.Time.Advance(TimeSpan.FromSeconds(100));
        await GetAsync(world);
        Assert.Equal(["miss", "hit", "stale"], book.About.Select(line => line.Split(' ')[^1]));
        Assert.All(book.Lines, line => Assert.Equal("11 GET /a 200 3 whole", line));
    }

    [Fact]
    public async Task Hits_and_misses_are_counted_by_origin()
    {
        await using PulledWorld world = new(talk => talk.AlwaysAsync(
            "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 3\r\n\r\nold"));
        using RequestNumbers numbers = new(origins: 1);
        world.Listener = numbers;
        await GetAsync(world);
        await GetAsync(world);
        await GetAsync(world);
        await PulledWorld.UntilAsync(() => numbers.Snapshot().Requests == 3);
        RequestCounts counts = numbers.Snapshot();
        Assert.Equal((2, 1), (counts.HitsOf(0), counts.MissesOf(0)));
        Assert.Equal((2, 1, 9), (counts.Hits, counts.Misses, counts.CachedBytes));
        Assert.Equal((3, 0), (world.Front.FilledBytes, world.Front.ParentBytes));
    }

    // Who asks before the answer before has come to its end may still be given that.
    private static async Task GetAsync(PulledWorld world)
    {
        Assert.Equal("old", (await world.GetAsync("/a")).Text);
        await PulledWorld.UntilAsync(() => world.Front.Store.Figures.Copies == 1 && world.Front.Fetches.Count == 0);
    }
}
