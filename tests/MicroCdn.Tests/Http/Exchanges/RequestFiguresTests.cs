using MicroCdn.Http;
using MicroCdn.Http.Exchanges;
using MicroCdn.Network;
using MicroCdn.Tests.Admin;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Http.Exchanges;

// What /metrics shows of requests: few series, and yet how long GETs took and how many requests failed.
public sealed class RequestFiguresTests : IDisposable
{
    private readonly RequestNumbers _numbers = new();
    private readonly FakeTimeProvider _time = new();
    private readonly Answerer _answerer = new();

    public void Dispose() => _numbers.Dispose();

    [Fact]
    public void Times_are_shown_of_every_GET_by_four_bounds_and_of_no_other_method()
    {
        foreach (double milliseconds in new[] { 5, 5.001, 99, 900, 10_000, 10_001 }) AskLater("GET", milliseconds);
        AskLater("HEAD", 50_000);
        Ask("GET /empty").Receive("GET /a/5 HTTP/1.1\r\nHost: x\r\n\r\n");
        Ask("PUT /x");
        WatchedHistogram shown = RequestFigures.Histogram(_numbers);
        Assert.Equal([0.005, 0.1, 1, 10], shown.Bounds);
        WatchedSeries series = Assert.Single(shown.Series);
        Assert.Equal([new("http.request.method", "GET")], series.Tags);
        Assert.Equal([3, 2, 1, 1, 1], series.Buckets);
        Assert.Equal(21.010, series.Sum, 0.001);
    }

    [Fact]
    public async Task Responses_to_all_methods_are_counted_by_class_of_status_and_who_left_before_has_none()
    {
        Ask("GET /a/5");
        Ask("HEAD /a/5");
        Ask("GET /empty");
        AskLater("GET", 1);
        Ask("PUT /x");
        Ask("GET /later").Conversation.End();
        string[] series = await MeasuredRole.SeriesOfAsync(new MeasuredRole(
            (meter, inFull) => RequestFigures.Measure(_numbers, meter, inFull)));
        Assert.Equal(
            [
                "microcdn_http_cut_total 1",
                "microcdn_http_responses_total{http_response_status_code=\"2xx\"} 2",
                "microcdn_http_responses_total{http_response_status_code=\"3xx\"} 1",
                "microcdn_http_responses_total{http_response_status_code=\"4xx\"} 2",
                "microcdn_http_responses_total{http_response_status_code=\"5xx\"} 0",
            ],
            series.Where(line => !line.StartsWith("microcdn_http_sent", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task The_part_of_the_cache_is_one_of_four_and_each_word_for_which_an_origin_was_asked_is_a_miss()
    {
        CacheResult[] results = [CacheResult.None, CacheResult.Hit, CacheResult.Stale, CacheResult.Miss,
            CacheResult.Expired, CacheResult.Revalidated, CacheResult.Partial, CacheResult.Bypass];
        HttpService service = Service(new Cached(results));
        foreach (CacheResult _ in results) new Wire(service).Receive("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
        string[] series = await MeasuredRole.SeriesOfAsync(new MeasuredRole(
            (meter, inFull) => RequestFigures.MeasureCache(_numbers, parents: null, meter, inFull)));
        Assert.Equal(["bypass 1", "hit 1", "miss 4", "stale 1"], series
            .Where(line => line.StartsWith("microcdn_cache_requests_total", StringComparison.Ordinal))
            .Select(line => line.Split('"')[1] + line.Split('}')[1]).Order(StringComparer.Ordinal));
        Assert.Equal("microcdn_cache_bytes_total{direction=\"served\"} 7",
            Assert.Single(series, line => line.Contains("_bytes_", StringComparison.Ordinal)));
    }

    private void AskLater(string method, double milliseconds)
    {
        Wire wire = Ask($"{method} /later");
        _time.Advance(TimeSpan.FromMilliseconds(milliseconds));
        _answerer.Give(1);
        wire.Turn();
    }

    private Wire Ask(string line) => new Wire(Service(_answerer)).Receive($"{line} HTTP/1.1\r\nHost: x\r\n\r\n");

    private HttpService Service(IHttpHandler handler) =>
        new(handler, new TrustedNetworks([]), new Complaints(new LogBook(), _time), _time) { Listener = _numbers };

    // Says of each request what is next in turn.
    private sealed class Cached(CacheResult[] results) : IHttpHandler
    {
        private int _next;

        public void Handle(in Request request, Response response, IPeer peer)
        {
            response.Note(results[_next++]);
            response.Begin(HttpStatus.Ok);
            response.End("x"u8);
        }
    }
}
