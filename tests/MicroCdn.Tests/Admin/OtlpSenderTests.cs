using System.Diagnostics.Metrics;
using System.Net;
using System.Text;
using MicroCdn.Admin.Otlp;
using MicroCdn.Http;
using MicroCdn.Http.Exchanges;
using MicroCdn.Http.Tracing;
using MicroCdn.Network;
using MicroCdn.Tests.Http.Exchanges;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Admin;

// What is measured goes to a collector by OTLP: the names are read out of what it got.
[Collection("spans")]
public sealed class OtlpSenderTests : IDisposable
{
    private readonly Collector _collector = new();
    private readonly LogBook _log = new();
    private readonly OtlpSender _sender;

    public OtlpSenderTests()
    {
        Assert.True(OtlpTarget.TryParse("http://collector.example:4318/", out OtlpTarget? target));
        _sender = new OtlpSender(target!, _log, () => _collector);
    }

    public void Dispose() => _sender.Dispose();

    [Fact]
    public void A_collector_gets_the_instruments_of_roles_how_long_requests_took_and_who_tells_it()
    {
        HttpService service = Serving(_sender.DurationsOf("CS1"));
        _sender.Start([new Watched()], "machine:5050", "1.2.3");
        new Wire(service).Receive("GET /a/5 HTTP/1.1\r\nHost: x\r\n\r\n");
        UntilTold("http.server.request.duration");
        Assert.All(_collector.Calls, call => Assert.Equal("http://collector.example:4318/v1/metrics", call.Url));
        string sent = _collector.Sent("metrics");
        foreach (string name in new[]
        {
            "microcdn.test.age", "http.server.request.duration", "http.request.method", "GET",
            "http.response.status_code", "url.scheme", "server", "CS1", "service.name", "microcdn",
            "service.instance.id", "machine:5050", "service.version", "1.2.3",
        }) Assert.Contains(name, sent, StringComparison.Ordinal);
        Assert.DoesNotContain("/a/5", sent, StringComparison.Ordinal);
    }

    // Whoever asks for a report while another one is under way gets that one, which may have been begun before.
    private void UntilTold(string text) => Assert.True(SpinWait.SpinUntil(
        () => _sender.Flush() && _collector.Sent("metrics").Contains(text, StringComparison.Ordinal),
        TimeSpan.FromSeconds(20)));

    [Fact]
    public void A_histogram_that_a_role_counts_itself_reaches_the_collector_with_all_its_bounds()
    {
        Durations times = new(0.025, 0.25);
        _sender.Start([new MeasuredRole((_, _) => { }, () => [WatchedHistogram.Of("microcdn.test.duration",
            "How long it took.", new WatchedDurations(times, new KeyValuePair<string, string>("origin", "/here")))
            .Shown([0.25])])], "machine:5050", "1.2.3");
        foreach (double seconds in new[] { 0.02, 0.025, 0.2, 30 }) times.Add(TimeSpan.FromSeconds(seconds));
        UntilTold(Packed(BitConverter.GetBytes, 2L, 1, 1));
        string sent = _collector.Sent("metrics");
        Assert.Contains("microcdn.test.duration", sent, StringComparison.Ordinal);
        Assert.Contains("/here", sent, StringComparison.Ordinal);
        // Packed numbers of eight bytes each, as opentelemetry/proto/metrics/v1/metrics.proto has them.
        Assert.Contains(Packed(BitConverter.GetBytes, 0.025, 0.25), sent, StringComparison.Ordinal);
        Assert.Contains(Packed(BitConverter.GetBytes, 2L, 1, 1), sent, StringComparison.Ordinal);
    }

    [Fact]
    public void The_first_report_leaves_at_the_start_so_that_a_wrong_URL_shows_at_once()
    {
        _collector.Answers = HttpStatusCode.NotFound;
        _sender.Start([new Watched()], "machine:5050", "1.2.3");
        Assert.True(SpinWait.SpinUntil(() => _log.Lines.Length > 0, TimeSpan.FromSeconds(20)));
        Assert.EndsWith(": it answered 404 (NotFound)", _log.Lines[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Spans_that_the_collector_did_not_take_are_counted_and_told()
    {
        _sender.Start([], "machine:5050", "1.2.3");
        Wire wire = new(Serving(null, _sender.Tracer));
        _collector.Answers = HttpStatusCode.ServiceUnavailable;
        for (int times = 0; times < 3; times++) Ask();
        _sender.Flush();
        _collector.Answers = HttpStatusCode.OK;
        Ask();
        Assert.True(_sender.Flush());
        Assert.Contains("traces are sent to the collector at collector.example:4318 again; dropped since the start: 3",
            _log.Lines);
        UntilTold(Packed(BitConverter.GetBytes, 3L));
        Assert.Contains("microcdn.traces.dropped", _collector.Sent("metrics"), StringComparison.Ordinal);

        void Ask() => wire.Receive("GET /told HTTP/1.1\r\nHost: x\r\n"
            + "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n");
    }

    [Fact]
    public void Spans_that_find_no_room_are_dropped_and_counted_and_those_that_leave_make_room()
    {
        SpanRoom room = new(most: 2);
        Assert.Equal([true, true, false], new[] { room.TryEnter(), room.TryEnter(), room.TryEnter() });
        room.Leave(2, wereTaken: true);
        Assert.True(room.TryEnter());
        Assert.Equal(1, room.Dropped);
        room.Leave(1, wereTaken: false);
        Assert.Equal(2, room.Dropped);
    }

    [Fact]
    public void A_collector_that_is_away_or_refuses_is_one_line_of_the_log_and_its_return_another()
    {
        _sender.Start([new Watched()], "machine:5050", "1.2.3");
        _collector.Answers = null;
        for (int times = 0; times < 3; times++) _sender.Flush();
        Assert.Equal(["metrics cannot be sent to the collector at collector.example:4318: refused"], _log.Lines);
        _collector.Answers = HttpStatusCode.OK;
        for (int times = 0; times < 3; times++) _sender.Flush();
        Assert.Equal("metrics are sent to the collector at collector.example:4318 again", _log.Lines[1]);
        _collector.Answers = HttpStatusCode.Forbidden;
        for (int times = 0; times < 3; times++) _sender.Flush();
        Assert.Equal(3, _log.Lines.Length);
        Assert.EndsWith(": it answered 403 (Forbidden)", _log.Lines[2], StringComparison.Ordinal);
    }

    [Fact]
    public void A_collector_gets_spans_of_the_requests_that_are_to_be_traced_and_no_others()
    {
        _sender.Start([], "machine:5050", "1.2.3");
        Wire wire = new(Serving(null, _sender.Tracer));
        wire.Receive("GET /not/told HTTP/1.1\r\nHost: x\r\n\r\n");
        wire.Receive("GET /told HTTP/1.1\r\nHost: x\r\n"
            + "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n");
        Assert.True(_sender.Flush());
        string sent = _collector.Sent("traces");
        foreach (string word in new[] { "url.path", "/told", "http.response.status_code", "service.instance.id" })
        {
            Assert.Contains(word, sent, StringComparison.Ordinal);
        }
        Assert.Contains(Encoding.Latin1.GetString(Convert.FromHexString("4bf92f3577b34da6a3ce929d0e0e4736")), sent,
            StringComparison.Ordinal);
        Assert.DoesNotContain("/not/told", sent, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://c:4318", false, "http://c:4318/v1/metrics")]
    [InlineData("https://c/", false, "https://c/v1/metrics")]
    [InlineData("https://c/otlp/", false, "https://c/otlp/v1/metrics")]
    [InlineData("grpc://c", true, "http://c:4317/")]
    [InlineData("grpcs://[::1]:99", true, "https://[::1]:99/")]
    public void A_collector_is_a_URL_and_its_scheme_says_how_it_is_spoken_to(string text, bool isGrpc, string url)
    {
        Assert.True(OtlpTarget.TryParse(text, out OtlpTarget? target));
        Assert.Equal((isGrpc, url), (target!.IsGrpc, target.UrlOf("metrics").ToString()));
    }

    [Theory]
    [InlineData("collector:4318")]
    [InlineData("ftp://c")]
    [InlineData("http://")]
    [InlineData("http://user:secret@c")]
    [InlineData("http://c/?key=1")]
    [InlineData("")]
    public void What_is_no_such_URL_is_refused(string text) => Assert.False(OtlpTarget.TryParse(text, out _));

    private static string Packed<T>(Func<T, byte[]> bytes, params T[] numbers) =>
        string.Concat(numbers.Select(number => Encoding.Latin1.GetString(bytes(number))));

    private static HttpService Serving(IExchangeListener? listener, Tracer? tracer = null) => new(
        new Answerer(), new TrustedNetworks([]), new Complaints(new LogBook(), new FakeTimeProvider()),
        new FakeTimeProvider()) { Listener = listener, Tracer = tracer };

    private sealed class Watched : IWatched
    {
        public string? ServerName => null;

        public void Measure(Meter meter, bool inFull) =>
            meter.CreateObservableGauge("microcdn.test.age", () => 1.5, "s", "An age.");

        public IEnumerable<ReadyCheck> Checks() => [];
    }
}
