using MicroCdn.Http;
using MicroCdn.Http.Exchanges;
using MicroCdn.Network;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Http.Exchanges;

// The counters of requests, by the bounds that OpenTelemetry has for http.server.request.duration.
public sealed class RequestNumbersTests : IDisposable
{
    private readonly RequestNumbers _numbers = new();
    private readonly FakeTimeProvider _time = new();
    private readonly Answerer _answerer = new();

    public void Dispose() => _numbers.Dispose();

    [Fact]
    public void Requests_are_counted_by_method_and_class_of_status_with_the_bytes_of_their_bodies()
    {
        Ask("GET /a/5").Receive(Text("GET /a/7"));
        Ask("HEAD /a/9");
        Ask("GET /empty");
        Ask("PUT /x");
        RequestCounts counts = _numbers.Snapshot();
        Assert.Equal(2, counts.RequestsOf(Method.Get, 2));
        Assert.Equal(1, counts.RequestsOf(Method.Get, 3));
        Assert.Equal(1, counts.RequestsOf(Method.Head, 2));
        Assert.Equal(1, counts.RequestsOf(Method.Other, 4));
        Assert.Equal(0, counts.RequestsOf(Method.Post, 2));
        Assert.Equal(5, counts.Requests);
        Assert.Equal(5, counts.RequestsOf(CacheResult.None));
        Assert.Equal(counts.BodyBytes, counts.BodyBytesOf(CacheResult.None));
        Assert.InRange(counts.BodyBytes, 12, 200);
        Assert.Equal(0, counts.Cut);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(5, 0)]
    [InlineData(5.001, 1)]
    [InlineData(99, 5)]
    [InlineData(10_000, 13)]
    [InlineData(10_001, 14)]
    [InlineData(3_600_000, 14)]
    public void A_duration_belongs_to_the_first_bucket_whose_bound_it_does_not_exceed(double milliseconds, int bucket)
    {
        Wire wire = Ask("GET /later");
        _time.Advance(TimeSpan.FromMilliseconds(milliseconds));
        _answerer.Give(1);
        wire.Turn();
        RequestCounts counts = _numbers.Snapshot();
        ReadOnlySpan<long> buckets = counts.BucketsOf(Method.Get, 4);
        Assert.Equal(1, buckets[bucket]);
        Assert.Equal(1, counts.RequestsOf(Method.Get, 4));
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), counts.DurationOf(Method.Get, 4));
    }

    [Fact]
    public void The_buckets_are_those_of_OpenTelemetry()
    {
        double[] bounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
        Assert.Equal(bounds, RequestNumbers.BucketBounds.ToArray());
    }

    [Fact]
    public void Who_left_before_an_answer_began_has_no_class_and_what_was_cut_is_counted()
    {
        Ask("GET /later").Conversation.End();
        RequestCounts counts = _numbers.Snapshot();
        Assert.Equal(1, counts.RequestsOf(Method.Get, 0));
        Assert.Equal(1, counts.Cut);
    }

    [Fact]
    public void Nothing_that_was_said_in_a_request_is_copied_where_nobody_reads_it()
    {
        TextBook book = new();
        HttpService service = new(
            _answerer, new TrustedNetworks([]), new Complaints(new LogBook(), _time), _time) { Listener = book };
        new Wire(service).Receive("GET /a/5 HTTP/1.1\r\nHost: x\r\nReferer: y\r\nUser-Agent: z\r\n\r\n");
        Assert.Equal([(200, 5, 0, Method.Get)], book.Heard);
        Assert.True(new ExchangeListeners(_numbers, new ExchangeBook()).NeedsText);
        Assert.False(new ExchangeListeners(_numbers).NeedsText);
    }

    [Fact]
    public void The_bytes_of_a_long_body_show_while_it_is_sent_and_count_once()
    {
        Wire wire = new(Service()) { Window = 3_000_000 };
        wire.Receive(Text("GET /memory/5000000"));
        Assert.Equal(0, _numbers.Snapshot().Requests);
        Assert.InRange(_numbers.Snapshot().BodyBytes, 1_900_000, 3_000_000);
        wire.Window = long.MaxValue;
        wire.Turn();
        Assert.Equal((1, 5_000_000), (_numbers.Snapshot().Requests, _numbers.Snapshot().BodyBytes));
    }

    [Fact]
    public void Threads_count_apart_and_a_snapshot_adds_them_up()
    {
        const int threads = 4, each = 200;
        Thread[] running = [.. Enumerable.Range(0, threads).Select(_ => new Thread(() =>
        {
            Wire wire = new(Service());
            for (int number = 0; number < each; number++) wire.Receive(Text("GET /a/3"));
        }))];
        foreach (Thread thread in running) thread.Start();
        foreach (Thread thread in running) thread.Join();
        RequestCounts counts = _numbers.Snapshot();
        Assert.Equal(threads * each, counts.Requests);
        Assert.Equal(3 * threads * each, counts.BodyBytes);
    }

    private sealed class TextBook : IExchangeListener
    {
        public List<(int, long, int, Method)> Heard { get; } = [];

        public bool NeedsText => false;

        public void Ended(Exchange exchange) => Heard.Add((exchange.Status, exchange.BodyBytes,
            exchange.Target.Length + exchange.Host.Length + exchange.Referer.Length + exchange.UserAgent.Length,
            exchange.Method));
    }

    private static string Text(string line) => $"{line} HTTP/1.1\r\nHost: x\r\n\r\n";

    private Wire Ask(string line) => new Wire(Service()).Receive(Text(line));

    private HttpService Service() =>
        new(_answerer, new TrustedNetworks([]), new Complaints(new LogBook(), _time), _time) { Listener = _numbers };
}
